"""The common description of all source CNIs."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

# Known from the second run on, after the inspection: left out of the record, which that run would change otherwise.
SEEN_ON_NODES = {"mtu", "conf", "tunnels"}


class SourceError(Exception):
    """The old CNI cannot be determined; the text has the evidence and the remedy."""


class Owner(BaseModel):
    """The owner of the old CNI's objects; one that `reverts` undoes changes by others.

    `switch_off` is the instruction to stop it from managing them; empty for the usual one. `on_control_plane` is True
    if that is done on the control plane, which customers of a managed service cannot access.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    mark: str
    reverts: bool
    switch_off: str = ""
    on_control_plane: bool = False


class Tunnel(BaseModel):
    """A tunnel of the old CNI beside its main one: its link, its kind, and its configured MTU in bytes, if any.

    Without a link it is only a size limit of all tunnels, their headers included.
    """

    model_config = ConfigDict(frozen=True)

    link: str
    kind: str
    mtu: int | None = None


class SourceDescription(BaseModel):
    """One old CNI as found on the cluster, with the evidence for it.

    `mtu` is in bytes, None if it is not configured. `autodetection` is Calico's original method of finding each node's
    address, in the form of its variable IP_AUTODETECTION_METHOD; empty for a CNI that takes the node's own.
    `tells_addresses` is True if it writes the address on the Node. `links` are the interfaces that it makes on every
    node, `conf` its CNI conf files. `encryption` is its encryption between nodes (wireguard, ipsec, or empty), with the
    `encryption_links` that it uses beside its own, and their MTU `encrypted_mtu`; `encrypts_nodes` is True if the
    nodes' own traffic is encrypted too. `tunnels` are those beside the main one, of the other address family or of
    other pools.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    title: str
    namespace: str
    daemon_set: str
    config_map: str
    pod_networks: tuple[str, ...]
    encapsulation: str
    udp_port: int | None
    vni: int | None
    interface: str
    evidence: tuple[str, ...]
    more_daemon_sets: tuple[str, ...] = ()
    version: str = ""
    mtu: int | None = None
    autodetection: str = ""
    autodetection_v6: str = ""
    tells_addresses: bool = True
    policy_engine: str = ""
    dataplane: str = "iptables"
    bgp_peers: tuple[str, ...] = ()
    owners: tuple[Owner, ...] = ()
    links: tuple[str, ...] = ()
    encryption: str = ""
    encryption_links: tuple[str, ...] = ()
    encrypted_mtu: int | None = None
    encrypts_nodes: bool = False
    tunnels: tuple[Tunnel, ...] = ()
    conf: tuple[str, ...] = ()

    @property
    def daemon_sets(self) -> tuple[tuple[str, str], ...]:
        """Namespace and name of every DaemonSet that runs it; most have one."""
        if not self.daemon_set:
            return ()
        return tuple((self.namespace, name) for name in (self.daemon_set, *self.more_daemon_sets))

    @property
    def dual_stack(self) -> bool:
        """True if its pods have addresses of both families."""
        return any(":" in each for each in self.pod_networks) and any("." in each for each in self.pod_networks)

    def is_running(self, daemon_sets: set[tuple[str, str]]) -> bool:
        """True if one of its DaemonSets is among those of the cluster."""
        return not self.daemon_sets or any(each in daemon_sets for each in self.daemon_sets)


_ADDON_MANAGER = "the addon manager"
_RECONCILERS = {
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "argocd.argoproj.io/instance": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
    "addonmanager.kubernetes.io/mode": _ADDON_MANAGER,
    "addon.kops.k8s.io/name": "kOps",
    "objectset.rio.cattle.io/owner-name": "k3s or Rancher",
}
_SWITCH_OFF = {
    _ADDON_MANAGER: "take its manifest out of the addon manager's folder on the control plane before phase "
    "'cleanup' (/etc/kubernetes/addons)",
    "kOps": "set `networking: {cni: {}}` with `kops edit cluster`, then `kops update cluster --yes`, before phase "
    "'cleanup'",
    "k3s or Rancher": "take its manifest out of the servers' folder of manifests before the old CNI is removed "
    "(/var/lib/rancher/k3s/server/manifests, /var/lib/rancher/rke2/server/manifests), and disable it in their config",
}
_HELM_RELEASE = "meta.helm.sh/release-name"
# RKE2's Helm controller installs, and reinstalls, each component from a HelmChart object; the name is the chart's.
_OF_RKE2 = "rke2-"
_RKE2_OFF = (
    "once all nodes moved, and before the old CNI is removed: `cni: none` in /etc/rancher/rke2/config.yaml of every "
    "server, and rke2-server started anew on one after the other"
)


def owners_of(item: Mapping[str, Any]) -> tuple[Owner, ...]:
    """The owners of an object, by the labels and annotations that they leave; those that revert changes first."""
    marks = {**(item["metadata"].get("labels") or {}), **(item["metadata"].get("annotations") or {})}
    found = [
        Owner(
            name=name,
            mark=f"{key}: {marks[key]}",
            reverts=True,
            switch_off=_SWITCH_OFF.get(name, ""),
            on_control_plane=name == _ADDON_MANAGER,
        )
        for key, name in _RECONCILERS.items()
        if marks.get(key)
    ]
    controllers = [each for each in item["metadata"].get("ownerReferences") or [] if each.get("controller")]
    found += [
        Owner(name=f"{each['kind']} {each['name']}", mark="its controller", reverts=True)
        for each in controllers
        if each["kind"] != "Installation"  # Calico's operator is part of Calico
    ]
    release = marks.get(_HELM_RELEASE) or ""
    if release.startswith(_OF_RKE2):
        name = f"RKE2's Helm controller (HelmChart {release})"
        found.append(Owner(name=name, mark=f"{_HELM_RELEASE}: {release}", reverts=True, switch_off=_RKE2_OFF))
    elif release:
        found.append(Owner(name=f"Helm's release {release}", mark=_HELM_RELEASE, reverts=False))
    return tuple({each.name: each for each in reversed(found)}.values())[::-1]
