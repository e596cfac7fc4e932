"""Calico installed by its operator, which reconciles everything from an Installation."""

import json
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, Pending, wait_until
from components.operations.removal.source_objects import Belongings, Removed
from components.operations.snapshot import Snapshot
from components.sources.calico.detection_methods import FIRST_FOUND, FROM_KUBERNETES
from components.sources.calico.leftovers import WRITTEN_BY_USERS
from components.sources.calico.manifests import GROUPS, agents, describe_daemon_set, made_by_operator, sweep
from components.sources.calico.moved_autodetection import InInstallation, noted
from components.sources.calico.objects import OPERATORS_NAMESPACE
from components.sources.calico.outgoing import outgoing
from components.sources.calico.rights import OWN_OBJECTS, RIGHTS_OF_OPERATOR
from components.sources.calico.settings import Pools, make_pools
from components.sources.description import SourceDescription, SourceError, owners_of
from components.sources.detection_setting import Way
from components.sources.facts.workload import Object, title
from components.sources.interface import Source

KIND = "calico-operator"
_GROUP = "operator.tigera.io"
_API = f"/apis/{_GROUP}/v1"
_OPERATOR = "tigera-operator"  # its Deployment and its account
INSTALLATION = "default"
_PLANES = {"BPF": "ebpf", "VPP": "vpp", "Nftables": "nftables"}
_FIELD_V6 = "nodeAddressAutodetectionV6"  # without it, agents detect no IPv6 address
_METHODS = {"skipInterface": "skip-interface", "interface": "interface", "canReach": "can-reach"}


def detect(snapshot: Snapshot) -> list[SourceDescription]:
    """The description from the Installation and its DaemonSet. Raises SourceError if one of them is missing."""
    installation = next(
        (each for each in snapshot.calico.get("Installation", ()) if each["metadata"]["name"] == INSTALLATION), None
    )
    found = [(item, node) for item, node in agents(snapshot) if made_by_operator(item)]
    if installation is None and not found:
        return []
    if installation is None:
        raise SourceError(
            f"{title(found[0][0])} looks like one of Calico's operator's, but there is no Installation "
            f"'{INSTALLATION}': `kubectl get installations.operator.tigera.io`; bring it back first"
        )
    spec = installation.get("spec") or {}
    plugin = (spec.get("cni") or {}).get("type") or "Calico"
    if plugin != "Calico":
        raise SourceError(
            f"Installation {INSTALLATION}: cni.type is {plugin}, so Calico is there for policies alone; describe the "
            "network in the config's `source`, with kind 'generic' and policyEngine 'Calico'"
        )
    if not found:
        raise SourceError(
            f"Installation {INSTALLATION} is there, but no DaemonSet calico-system/calico-node: is the operator at "
            "work? `kubectl get tigerastatus`; `kubectl -n tigera-operator logs deployment/tigera-operator`"
        )
    return [_describe(installation, *found[0], snapshot)]


def _describe(installation: Object, item: Object, node: Object, snapshot: Snapshot) -> SourceDescription:
    network = (installation.get("spec") or {}).get("calicoNetwork") or {}
    seen = describe_daemon_set(
        item, node, snapshot, kind=KIND, title_of_it="Calico", pools=_pools(network.get("ipPools") or [])
    )
    plane = _PLANES.get(network.get("linuxDataplane", ""), seen.dataplane)
    moved = noted(installation) or {}
    before = {**network, **moved}
    v4, v6 = (before.get(f"nodeAddressAutodetectionV{family}") for family in (4, 6))
    families = {":" in each for each in seen.pod_networks}
    return seen.model_copy(
        update={
            "dataplane": plane,
            "mtu": network.get("mtu") or seen.mtu,
            "autodetection": _method(v4) if False in families else "",
            "autodetection_v6": _method(v6) if True in families and (v6 or _FIELD_V6 in moved) else "",
            "owners": tuple({each.name: each for each in (*owners_of(installation), *seen.owners)}.values()),
            "evidence": (f"Installation {INSTALLATION}", *seen.evidence),
        }
    )


def _pools(pools: list[dict[str, Any]]) -> Pools | None:
    modes = {
        "VXLAN": "vxlan", "VXLANCrossSubnet": "vxlan-cross-subnet", "IPIP": "ipip",
        "IPIPCrossSubnet": "ipip-cross-subnet", "None": "routes",
    }  # fmt: skip
    found = [
        (each["cidr"], modes.get(each.get("encapsulation", "IPIP"), "ipip"), f"Installation {INSTALLATION}")
        for each in pools
        if each.get("cidr")
    ]
    return make_pools(found) if found else None


def _method(setting: dict[str, Any] | None) -> str:
    """The setting in the form of calico-node's variable, which the operator sets from it; other settings unchanged.

    With several methods at once the operator ignores all, and leaves its agents as they are.
    """
    told = {key: value for key, value in (setting or {}).items() if value}
    if not told or told == {"firstFound": True}:
        return FIRST_FOUND
    if len(told) > 1:
        return json.dumps(told, sort_keys=True)
    if told.get("kubernetes") == "NodeInternalIP":
        return FROM_KUBERNETES
    if told.get("cidrs"):
        return f"cidr={','.join(told['cidrs'])}"
    return next((f"{word}={told[key]}" for key, word in _METHODS.items() if key in told), json.dumps(told))


def way(source: SourceDescription) -> Way:
    """Access to the autodetection setting, which is in the Installation."""
    return InInstallation(installation=INSTALLATION, daemon_set=(source.namespace, source.daemon_set))


def belongings(source: SourceDescription) -> tuple[Belongings, ...]:
    """The operator itself, to be removed after its own objects, and the API groups of both."""
    return (
        Belongings(
            namespace=OPERATORS_NAMESPACE,
            deployments=(_OPERATOR,),
            accounts=(_OPERATOR,),
            groups=(_GROUP,),
            with_namespace=True,
        ),
        Belongings(namespace=source.namespace, groups=GROUPS, written_by_users=WRITTEN_BY_USERS, with_namespace=True),
    )


def hand_back(cluster: Cluster, source: SourceDescription, timeout_seconds: float) -> Removed:
    """Let the operator delete the objects that it made, as only it knows them all. Its API server goes first."""
    removed = [
        f"{kind} {INSTALLATION}"
        for kind in ("APIServer", "Goldmane", "Whisker", "Installation")
        if cluster.delete(f"{_API}/{kind.lower()}s/{INSTALLATION}")
    ]

    def gone() -> Pending | None:
        if cluster.find(f"{_API}/installations/{INSTALLATION}"):
            return Pending(f"Installation {INSTALLATION} still has finalizers")
        left = cluster.list(f"/apis/apps/v1/namespaces/{source.namespace}/daemonsets")
        names = [each["metadata"]["name"] for each in left]
        return Pending(f"{len(names)} DaemonSets left: {', '.join(names)}") if names else None

    wait_until(
        gone,
        what=f"Installation {INSTALLATION}: all that Calico's operator made of it is gone",
        deadline=Deadline(timeout_seconds),
        remedy="`kubectl -n tigera-operator logs deployment/tigera-operator` says why; then `pulumi up` again",
        every_seconds=1,
    )
    return Removed(removed=tuple(removed))


SOURCE = Source(
    kind=KIND, detect=detect, belongings=belongings, sweep=sweep, outgoing=outgoing, way=way, before_objects=hand_back,
    own=OWN_OBJECTS, rights=RIGHTS_OF_OPERATOR,
)  # fmt: skip
