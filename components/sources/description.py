"""How every source CNI is described, whatever it is."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

# Known from the second run on, when nodes were looked at: not written down, lest that run changed the record.
SEEN_ON_NODES = {"mtu", "conf"}


class SourceError(Exception):
    """The old CNI cannot be told; the text says what was looked at, then what to do."""


class Owner(BaseModel):
    """Who keeps the old CNI's objects as they are; one that `reverts` undoes what anybody else changes."""

    model_config = ConfigDict(frozen=True)

    name: str
    mark: str
    reverts: bool


class SourceDescription(BaseModel):
    """One old CNI as found on the cluster, with the evidence for it.

    `mtu` is in bytes, None where nobody says it. `autodetection` is how Calico found each node's address before we
    touched it, in the words of its variable IP_AUTODETECTION_METHOD; empty for a CNI that takes the node's own.
    `links` are the interfaces that it makes on every node, `conf` its CNI conf files.
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
    policy_engine: str = ""
    dataplane: str = "iptables"
    bgp_peers: tuple[str, ...] = ()
    owners: tuple[Owner, ...] = ()
    links: tuple[str, ...] = ()
    conf: tuple[str, ...] = ()

    @property
    def daemon_sets(self) -> tuple[tuple[str, str], ...]:
        """Namespace and name of every DaemonSet that runs it; most have one."""
        if not self.daemon_set:
            return ()
        return tuple((self.namespace, name) for name in (self.daemon_set, *self.more_daemon_sets))

    @property
    def dual_stack(self) -> bool:
        """Whether its pods have addresses of both families."""
        return any(":" in each for each in self.pod_networks) and any("." in each for each in self.pod_networks)

    def is_running(self, daemon_sets: set[tuple[str, str]]) -> bool:
        """Whether one of its DaemonSets is among those of the cluster."""
        return not self.daemon_sets or any(each in daemon_sets for each in self.daemon_sets)


_RECONCILERS = {
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "argocd.argoproj.io/instance": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
    "addonmanager.kubernetes.io/mode": "the addon manager",
    "addon.kops.k8s.io/name": "kOps",
    "objectset.rio.cattle.io/owner-name": "k3s or Rancher",
}
_HELM_RELEASE = "meta.helm.sh/release-name"


def owners_of(item: Mapping[str, Any]) -> tuple[Owner, ...]:
    """Who owns an object, by the marks that owners leave on their objects; the one that reverts is first."""
    marks = {**(item["metadata"].get("labels") or {}), **(item["metadata"].get("annotations") or {})}
    found = [
        Owner(name=name, mark=f"{key}: {marks[key]}", reverts=True)
        for key, name in _RECONCILERS.items()
        if marks.get(key)
    ]
    controllers = [each for each in item["metadata"].get("ownerReferences") or [] if each.get("controller")]
    found += [
        Owner(name=f"{each['kind']} {each['name']}", mark="its controller", reverts=True)
        for each in controllers
        if each["kind"] != "Installation"  # Calico's operator is part of Calico
    ]
    if marks.get(_HELM_RELEASE):
        found.append(Owner(name=f"Helm's release {marks[_HELM_RELEASE]}", mark=_HELM_RELEASE, reverts=False))
    return tuple({each.name: each for each in reversed(found)}.values())[::-1]
