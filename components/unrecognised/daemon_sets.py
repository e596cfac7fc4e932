"""Unknown DaemonSets on the host network with rights to change it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from components.names import NAMESPACE, NODES_NAMESPACE
from components.operations.snapshot import Snapshot
from components.policy_engines import engines
from components.sources.description import SourceDescription
from components.sources.facts.chained import chained_plugin
from components.sources.facts.workload import Object, all_containers, may_run_on_linux, place, title
from components.sources.unsupported import known_cni

# With one of these capabilities a program on the host network can change its links, routes, rules and tables.
_CHANGES_THE_NETWORK = {"ALL", "NET_ADMIN", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "BPF"}
# Programs that a cluster may have beside its CNI, and whose effect on the nodes' network is known.
_KNOWN = re.compile(
    r"(^|/)(kube-proxy|cilium(-agent|-envoy)?|k8s-dns-node-cache|node-cache|kube-vip|keepalived(-vip)?)(?=$|[:@-])"
    r"|metallb[^ ]*speaker"
)
# The kubelet's folders in which storage drivers and device plugins register.
_DRIVERS = ("/plugins_registry", "/device-plugins")


@dataclass(frozen=True, kw_only=True)
class UnknownDaemonSet:
    """One such DaemonSet, with the container that may change the node's network, and its right to do so."""

    title: str
    container: str
    right: str


def unknown_daemon_sets(snapshot: Snapshot, source: SourceDescription) -> Iterator[UnknownDaemonSet]:
    """All such DaemonSets; known programs, and those without such a right, are left out."""
    enforcing = [each.title for each in engines(snapshot, source)]
    speakers = {
        (pod.namespace, pod.controller.name) for pod in snapshot.pods if pod.virtual_addresses and pod.controller
    }
    for item in snapshot.daemon_sets:
        spec = item["spec"]["template"]["spec"]
        known = (
            not spec.get("hostNetwork")
            or place(item) in source.daemon_sets
            or place(item) in speakers
            or place(item)[0] in (NAMESPACE, NODES_NAMESPACE)
            or not may_run_on_linux(item)
            or any(each.startswith(title(item)) for each in enforcing)
            or chained_plugin(item)
            or known_cni(item)
            or _is_known(item)
            or _is_a_driver(spec)
        )
        if not known and (right := _right(item)):
            container, which = right
            yield UnknownDaemonSet(title=title(item), container=container, right=which)


def _is_known(item: Object) -> bool:
    programs = (word for each in all_containers(item) for word in (each.get("image", ""), *(each.get("command") or [])))
    return any(map(_KNOWN.search, programs))


def _is_a_driver(spec: Object) -> bool:
    paths = [(each.get("hostPath") or {}).get("path") or "" for each in spec.get("volumes") or []]
    return any(path.rstrip("/").endswith(_DRIVERS) for path in paths)


def _right(item: Object) -> tuple[str, str] | None:
    """The first container with a right to change the host's network, and that right."""
    for each in all_containers(item):
        context: Object = each.get("securityContext") or {}
        if context.get("privileged"):
            return each.get("name", ""), "privileged"
        added = (context.get("capabilities") or {}).get("add") or []
        names = {str(name).upper().removeprefix("CAP_") for name in added}
        if found := sorted(names & _CHANGES_THE_NETWORK):
            return each.get("name", ""), f"capability {found[0]}"
    return None
