"""A test of the host ports of a node's pods, from pods on other nodes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.objects.model import Node, Pod
from components.operations.selectors import Object
from components.operations.turn_steps.reach_from_pod import Outcomes, Teller, reach

_SECONDS = 10.0
_EVERY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 (what a pod's spec says, nothing is opened here)
_REMEDY = (
    "the node's CNI conf must open host ports: with Cilium set `cni.chainingMode: portmap` or "
    "`kubeProxyReplacement: true` in cilium.values"
)


@dataclass(frozen=True, kw_only=True)
class HostPort:
    """A TCP port of a node, and the pod's own port that it stands for."""

    node: str
    address: str
    port: int
    pod: str
    behind: str

    @property
    def title(self) -> str:
        """The flow in an operator's words."""
        return f"node {self.node}, hostPort {self.port} ({self.address}) → pod {self.pod}"


def host_ports(items: Iterable[Object], node: Node, *, belongs: Callable[[Pod], bool]) -> Iterator[HostPort]:
    """Those of the node's pods that are Ready on the network that it joined, as far as they are open to others."""
    for item in items:
        pod = Pod.read(item)
        if not pod.ready or pod.terminating_since or not pod.on_pod_network or not belongs(pod):
            continue
        for port in [port for each in item["spec"]["containers"] for port in each.get("ports") or []]:
            wanted = port.get("hostIP") or ""
            addresses = [each for each in node.internal_addresses if wanted in (*_EVERY_ADDRESS, each)]
            if port.get("hostPort") and (port.get("protocol") or "TCP") == "TCP" and addresses:
                yield HostPort(
                    node=node.name, address=addresses[0], port=int(port["hostPort"]), pod=pod.title,
                    behind=f"{pod.address}:{port['containerPort']}",
                )  # fmt: skip


def ask_host_ports(
    cluster: Cluster, node: Node, *, belongs: Callable[[Pod], bool], askers: Sequence[str], news: Teller
) -> Outcomes:
    """Have our pods connect to each host port, one pod after the other until it accepts; none if the node has none.

    The way from another node may be closed on purpose, so a port that accepts from anywhere is in order. A pod that
    does not accept connections at its own address either is not judged: its port is not what is broken.
    """
    items = cluster.list("/api/v1/pods", fieldSelector=f"spec.nodeName={node.name}")
    ports = list(host_ports(items, node, belongs=belongs))
    found = _ask(cluster, askers, ports, news=news)
    judged: Outcomes = {}
    for port in ports:
        outcome, behind = found.get(port.title), found.get(port.behind)
        if outcome and outcome["ok"]:
            judged[port.title] = outcome
        elif outcome and behind and behind["ok"]:
            judged[port.title] = {**outcome, "said": f"{outcome['said']}, but {port.behind} accepts; {_REMEDY}"}
        else:
            news.say(f"{port.title} is not judged: {port.behind} does not accept connections either")
    return judged


def _ask(cluster: Cluster, askers: Sequence[str], ports: Sequence[HostPort], *, news: Teller) -> Outcomes:
    targets = {port.title: f"tcp://{port.address}:{port.port}" for port in ports}
    targets |= {port.behind: f"tcp://{port.behind}" for port in ports}
    found: Outcomes = {}
    for asker in askers:
        if all(port.title in found and found[port.title]["ok"] for port in ports):
            break
        left = {title: target for title, target in targets.items() if title not in found or not found[title]["ok"]}
        try:
            found |= reach(cluster, asker, left, seconds=_SECONDS)
        except ClusterError as error:
            news.say(f"pod {asker} cannot be asked for host ports: {error}")
    return found
