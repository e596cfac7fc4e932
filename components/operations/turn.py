"""A node's turn, as four halves that undo each other: empty it, move it; and back: empty it, return it.

Each half may be killed at any instant and run again: what was done is seen on the cluster and not done twice.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from components.operations import agent as agents
from components.operations.api import Cluster
from components.operations.cordon import cordon, uncordon
from components.operations.deadline import OperationError, StoppedError
from components.operations.drain import drain
from components.operations.drain_plan import DrainOptions
from components.operations.events import tell
from components.operations.live_config import manages_every_node, read_live_config
from components.operations.marks import BOOT_ID, RESTARTED, TurnStep, clear, mark, now, read_node, step_of
from components.operations.model import Pod
from components.operations.node_shell import run_on_node
from components.operations.progress import Progress
from components.operations.recycle import recycle, stale_pods
from components.operations.restart import Restart, bring_over
from components.operations.verification import Verified, verify_node

_STEPS = 7
_CNI_CONF_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What a node's turn needs to know; times in seconds."""

    node: str
    cilium_namespace: str
    cilium_network: str
    cni_conf: str
    label: str
    source_title: str
    source_networks: tuple[str, ...]
    drain: DrainOptions
    restart: Restart
    agent_timeout_seconds: float
    verify_timeout_seconds: float
    image: str

    def on_cilium(self, pod: Pod) -> bool:
        """Whether the pod has an address of Cilium's pool."""
        return pod.address_in(self.cilium_network)

    def on_source(self, pod: Pod) -> bool:
        """Whether the pod has an address of the old network."""
        return any(pod.address_in(network) for network in self.source_networks)


@contextmanager
def _steps(cluster: Cluster, node: str, *, after: int = 0) -> Iterator[Progress]:
    """Progress of a half turn, told live and on the Node object; and where it was left when it fails or is stopped."""

    def announce(step: str, detail: str) -> None:
        tell(cluster, node, reason=f"Migration{step.title().replace(' ', '')}", message=detail)

    progress = Progress(node, _STEPS, announce, _number=after)
    try:
        yield progress
    except StoppedError as error:
        text = (
            f"node {node}: stopped as asked in step '{progress.current}'; it stays as it is, `pulumi up` goes on there"
        )
        tell(cluster, node, reason="MigrationStopped", message=text)
        raise OperationError(text) from error
    except OperationError as error:
        tell(cluster, node, reason="MigrationFailed", message=str(error), warning=True)
        raise


def empty_for_cilium(cluster: Cluster, turn: Turn) -> dict[str, Any]:
    """First half: cordon and drain the node, still on the old network."""
    began = now()
    with _steps(cluster, turn.node) as progress:
        node = read_node(cluster, turn.node)
        if step_of(node) in (TurnStep.MIGRATED, TurnStep.SWITCHING):
            progress.say(f"is {step_of(node)} already, nothing to drain")
            return {"node": turn.node, "began": began, "podsEvicted": 0, "seconds": {}}
        progress.step("cordon")
        cordon(cluster, turn.node, step=TurnStep.DRAINING)
        progress.step("drain")
        result = drain(cluster, turn.node, options=turn.drain, progress=progress)
        mark(cluster, turn.node, TurnStep.DRAINED)
        seconds = progress.done(f"drained, {len(result.evicted)} pods evicted")
    return {"node": turn.node, "began": began, "podsEvicted": len(result.evicted), "seconds": seconds}


def move_to_cilium(cluster: Cluster, turn: Turn) -> dict[str, Any]:
    """Second half, the label being set: switch the agent, renew the pods, verify, uncordon."""
    with _steps(cluster, turn.node, after=2) as progress:
        node = read_node(cluster, turn.node)
        if node.labels.get(turn.label) != "true":
            raise OperationError(f"node {turn.node}: label {turn.label}=true is not set; run `pulumi up` again")
        if drift(cluster, turn) is None:
            progress.say("is migrated and verified already")
            return _summary(turn, seconds={}, recycled=0, restarted=False, verified=None, files=[])
        return _move(cluster, turn, progress)


def _move(cluster: Cluster, turn: Turn, progress: Progress) -> dict[str, Any]:
    cordon(cluster, turn.node, step=TurnStep.SWITCHING)
    progress.step("agent", "re-creating the node's Cilium agent, which then takes over the CNI conf")
    agent = _switched_agent(cluster, turn)
    files = agents.wait_for_cni_conf(cluster, agent, name=turn.cni_conf, timeout_seconds=_CNI_CONF_SECONDS)
    progress.say(f"CNI conf is {turn.cni_conf}, beside it {', '.join(set(files) - {turn.cni_conf}) or 'nothing'}")

    def stale(pod: Pod) -> bool:
        return not turn.on_cilium(pod)

    if any(not _of_daemon_set(pod) for pod in stale_pods(cluster, turn.node, stale=stale)):
        # They came while the node was not cordoned, in a turn broken off or undone by hand: budgets count for them too.
        drain(cluster, turn.node, options=turn.drain, progress=progress)
    restarted, recycled = bring_over(cluster, turn.node, turn.restart, stale=stale, agent=agent, progress=progress)
    _assert_route(cluster, turn)

    progress.step("verify")
    verified = verify_node(
        cluster, turn.node, belongs=turn.on_cilium, network=f"Cilium's pool {turn.cilium_network}", image=turn.image,
        timeout_seconds=turn.verify_timeout_seconds, progress=progress,
    )  # fmt: skip
    progress.step("uncordon")
    schedulable = uncordon(cluster, turn.node)
    mark(cluster, turn.node, TurnStep.MIGRATED, **{BOOT_ID: None, RESTARTED: None})
    seconds = progress.done("migrated" if schedulable else "migrated; stays cordoned, as it was before its turn")
    return _summary(turn, seconds=seconds, recycled=len(recycled), restarted=restarted, verified=verified, files=files)


def empty_for_return(cluster: Cluster, turn: Turn) -> None:
    """First half of the way back: cordon and drain the node, still on Cilium's network."""
    with _steps(cluster, turn.node) as progress:
        if manages_every_node(read_live_config(cluster, namespace=turn.cilium_namespace)):
            raise OperationError(
                f"node {turn.node} stays on Cilium: Cilium manages every node's CNI conf in this phase, so no node can "
                "go back; `pulumi config set phase migrate` and `pulumi up` first"
            )
        progress.step("cordon", "the node goes back to the old network")
        cordon(cluster, turn.node, step=TurnStep.RETURNING)
        progress.step("drain")
        drain(cluster, turn.node, options=turn.drain, progress=progress)
        progress.done("drained")


def return_to_source(cluster: Cluster, turn: Turn) -> None:
    """Second half of the way back, the label being gone: agent, old CNI conf, pods, verify, uncordon.

    The order matters: an agent that still manages the CNI conf would undo its restoration within seconds.
    """
    with _steps(cluster, turn.node, after=2) as progress:
        node = read_node(cluster, turn.node)
        if node.labels.get(turn.label):
            raise OperationError(
                f"node {turn.node}: label {turn.label} is still set, somebody else holds it: "
                f"`kubectl label node {turn.node} {turn.label}-` and run `pulumi up` again"
            )
        if step_of(node) is None:
            return
        if step_of(node) in (TurnStep.DRAINING, TurnStep.DRAINED):
            progress.step("uncordon", "it never left the old network")
        else:
            _return(cluster, turn, progress)
        uncordon(cluster, turn.node)
        clear(cluster, turn.node)
        progress.done(f"back on {turn.source_title}")


def _return(cluster: Cluster, turn: Turn, progress: Progress) -> None:
    progress.step("agent", "re-creating the node's Cilium agent, which then leaves the CNI conf alone")
    agents.restart(cluster, turn.node, namespace=turn.cilium_namespace, timeout_seconds=turn.agent_timeout_seconds)
    progress.step("restore CNI conf")
    files = run_on_node(cluster, turn.node, "restore_cni_conf", image=turn.image, arguments=[turn.cni_conf])
    progress.say(f"CNI conf is {', '.join(files)}")
    progress.step("recycle")
    recycle(cluster, turn.node, stale=turn.on_cilium, timeout_seconds=turn.restart.timeout_seconds, progress=progress)
    progress.step("verify")
    verify_node(
        cluster, turn.node, belongs=turn.on_source, network=f"{turn.source_title}'s {turn.source_networks[0]}",
        image=turn.image, timeout_seconds=turn.verify_timeout_seconds, progress=progress,
    )  # fmt: skip
    progress.step("uncordon")


def drift(cluster: Cluster, turn: Turn) -> str | None:
    """Why the node is not, or is no longer, on Cilium's network; None if it is, as its turn left it."""
    node = read_node(cluster, turn.node)
    if step_of(node) is not TurnStep.MIGRATED:
        return f"its turn is not complete ({step_of(node) or 'not begun'})"
    if node.labels.get(turn.label) != "true":
        return f"label {turn.label} was removed"
    for agent in agents.agents(cluster, namespace=turn.cilium_namespace, node=turn.node):
        if agent.ready and turn.cni_conf not in agents.cni_conf(cluster, agent):
            return f"{turn.cni_conf} is not in charge of its CNI any more"
    return None


def _of_daemon_set(pod: Pod) -> bool:
    return pod.mirror or (pod.controller is not None and pod.controller.kind == "DaemonSet")


def _switched_agent(cluster: Cluster, turn: Turn) -> agents.Agent:
    """The node's agent in charge of the CNI conf, re-created unless it is so already."""
    found = agents.agents(cluster, namespace=turn.cilium_namespace, node=turn.node)
    if found and found[0].ready and turn.cni_conf in agents.cni_conf(cluster, found[0]):
        return found[0]
    return agents.restart(
        cluster, turn.node, namespace=turn.cilium_namespace, timeout_seconds=turn.agent_timeout_seconds
    )


def _assert_route(cluster: Cluster, turn: Turn) -> None:
    """The node routes its own block of Cilium's pool into Cilium."""
    facts = run_on_node(cluster, turn.node, "inspect_network", image=turn.image)
    blocks = cluster.get(f"/apis/cilium.io/v2/ciliumnodes/{turn.node}")["spec"]["ipam"].get("podCIDRs") or []
    routed = {network for network, device in facts["routes"] if device == "cilium_host"}
    missing = [block for block in blocks if block not in routed]
    if missing or not blocks:
        raise OperationError(
            f"node {turn.node}: no route to its pod CIDR {', '.join(missing) or '(none)'} through cilium_host; "
            f"it has {', '.join(sorted(routed)) or 'none'}; look at the agent's log, then `pulumi up` again"
        )


def _summary(
    turn: Turn, *, seconds: Mapping[str, float], recycled: int, restarted: bool, verified: Verified | None,
    files: list[str],
) -> dict[str, Any]:  # fmt: skip
    return {
        "node": turn.node,
        "finished": now(),
        "seconds": dict(seconds),
        "podsRecycled": recycled,
        "restarted": restarted,
        "cniConf": files,
        "verified": {"address": verified.address, "flows": len(verified.flows), "slowest": verified.slowest}
        if verified
        else {},
    }
