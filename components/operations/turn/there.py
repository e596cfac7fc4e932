"""The way there: the node is emptied, and then, the label being set, it comes onto Cilium's network."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from components.operations import agent as agents
from components.operations.api import Cluster
from components.operations.asking import Teller
from components.operations.cordon import cordon, uncordon
from components.operations.deadline import OperationError
from components.operations.drain import drain
from components.operations.hold import released
from components.operations.marks import (
    BOOT_ID,
    CORDONED_BEFORE,
    NOT_READY_BEFORE,
    RESTARTED,
    TurnStep,
    mark,
    node_path,
    now,
    read_node,
    step_of,
)
from components.operations.model import Pod
from components.operations.node_shell import run_on_node
from components.operations.progress import Progress
from components.operations.readiness import remember_not_ready
from components.operations.recycle import stale_pods
from components.operations.required import wait_for_watched
from components.operations.restart import bring_over
from components.operations.step_records import as_outputs
from components.operations.trial import assert_accepted
from components.operations.turn.drift import drift
from components.operations.turn.settings import Turn
from components.operations.turn.steps import assert_renewable, renew_in_place, steps
from components.operations.turn.verifying import Verification
from components.operations.verification import Verified, verify_node
from components.words import many

_CNI_CONF_SECONDS = 60.0
_OF_A_TURN = (CORDONED_BEFORE, NOT_READY_BEFORE, BOOT_ID, RESTARTED)


def empty_for_cilium(cluster: Cluster, turn: Turn) -> dict[str, Any]:
    """First half: cordon and drain the node, still on the old network."""
    began = now()
    with steps(cluster, turn.node, more=turn.more_there) as progress:
        node = read_node(cluster, turn.node)
        if step_of(node) in (TurnStep.MIGRATED, TurnStep.SWITCHING):
            progress.say(f"is {step_of(node)} already, nothing to drain")
            return {"node": turn.node, "began": began, "podsEvicted": 0, "seconds": {}, "steps": []}
        if turn.drain.in_place:
            assert_renewable(cluster, turn, stale=turn.on_source)
        assert_accepted(cluster, turn.pods, node=turn.node)
        progress.step("cordon")
        cordon(cluster, turn.node, step=TurnStep.DRAINING, hold=turn.hold)
        remember_not_ready(cluster, turn.node)
        evicted: tuple[str, ...] = ()
        if not turn.drain.in_place:
            progress.step("drain")
            evicted = drain(cluster, turn.node, options=turn.drain, progress=progress).evicted
        mark(cluster, turn.node, TurnStep.DRAINED)
        seconds = progress.done(
            "its pods stay until it is switched"
            if turn.drain.in_place
            else f"drained, {many(len(evicted), 'pod')} evicted"
        )
    steps_taken = as_outputs(progress.times)
    return {
        "node": turn.node, "began": began, "podsEvicted": len(evicted), "seconds": seconds, "steps": steps_taken,
    }  # fmt: skip


def move_to_cilium(cluster: Cluster, turn: Turn) -> dict[str, Any]:
    """Second half, the label being set: switch the agent, renew the pods, verify, uncordon."""
    with steps(cluster, turn.node, after=2, more=turn.more_there) as progress:
        _assert_labelled(cluster, turn, progress)
        if drift(cluster, turn) is None:
            progress.say("is migrated and verified already")
            return _summary(turn, progress, evicted=0, recycled=0, restarted=False, verified=None, files=[])
        return _move(cluster, turn, progress)


def _assert_labelled(cluster: Cluster, turn: Turn, progress: Progress) -> None:
    """Set the label again where somebody took it off in mid-turn: the engine believes that it is there.

    Raises OperationError if it does not stay.
    """
    if read_node(cluster, turn.node).labels.get(turn.label) == "true":
        return
    progress.say(f"its label {turn.label}=true was taken off and is set again")
    cluster.patch(node_path(turn.node), {"metadata": {"labels": {turn.label: "true"}}})
    if read_node(cluster, turn.node).labels.get(turn.label) != "true":
        raise OperationError(
            f"node {turn.node}: label {turn.label}=true was set and is taken off again: have whoever manages the "
            "node's labels (GitOps, a cloud controller) leave it alone, then `pulumi up` again"
        )


def _move(cluster: Cluster, turn: Turn, progress: Progress) -> dict[str, Any]:
    cordon(cluster, turn.node, step=TurnStep.SWITCHING, hold=turn.hold)
    progress.step("agent", "re-creating the node's Cilium agent, which then takes over the CNI conf")
    agent = _switched_agent(cluster, turn)
    files = agents.wait_for_cni_conf(
        cluster, agent, name=turn.cni_conf, timeout_seconds=min(_CNI_CONF_SECONDS, turn.agent_timeout_seconds)
    )
    progress.say(f"CNI conf is {turn.cni_conf}, beside it {', '.join(set(files) - {turn.cni_conf}) or 'nothing'}")

    def stale(pod: Pod) -> bool:
        return not turn.on_cilium(pod)

    evicted: Sequence[str] = ()
    with _verification(cluster, turn, progress) as verification:
        if turn.drain.in_place:
            # Proved before the first pod has to rely on it.
            verified = verification.end()
            evicted = renew_in_place(cluster, turn, stale=stale, network="Cilium", progress=progress)
        elif any(not _of_daemon_set(pod) for pod in stale_pods(cluster, turn.node, stale=stale)):
            # They came while the node was not cordoned, in a turn broken off or undone by hand: budgets count for them.
            evicted = drain(cluster, turn.node, options=turn.drain, progress=progress).evicted
        restarted, recycled = bring_over(
            cluster, turn.node, turn.restart, stale=stale, agent=agent, progress=progress, switched=verification.begin
        )
        if not turn.drain.in_place:
            verified = verification.end()
    progress.step("uncordon")
    schedulable = uncordon(cluster, turn.node)
    if turn.watched:
        # Only now: pods that can run on this node alone had to wait for it to take pods again.
        progress.step("watch", f"{many(len(turn.watched), 'workload')} of preflight.watched must be ready")
        wait_for_watched(cluster, turn.node, turn.watched, timeout_seconds=turn.watched_timeout_seconds)
    given_back = released(read_node(cluster, turn.node))
    mark(cluster, turn.node, TurnStep.MIGRATED, **{**dict.fromkeys(_OF_A_TURN), **given_back})
    progress.done("migrated" if schedulable else "migrated; stays cordoned, as it was before its turn")
    return _summary(
        turn, progress, evicted=len(evicted), recycled=len(recycled), restarted=restarted, verified=verified,
        files=files,
    )  # fmt: skip


def _verification(cluster: Cluster, turn: Turn, progress: Progress) -> Verification:
    """The verification of the node's routes and, beside that, of what a fresh pod on it reaches and is reached by."""

    def verify(news: Teller, settled: Callable[[], None]) -> Verified:
        with ThreadPoolExecutor(max_workers=1) as pool:
            route = pool.submit(_assert_route, cluster, turn)
            try:
                verified = verify_node(
                    cluster, turn.node, belongs=turn.on_cilium, network=f"Cilium's pool {turn.cilium_network}",
                    pods=turn.pods, timeout_seconds=turn.verify_timeout_seconds, news=news, settled=settled,
                )  # fmt: skip
            except OperationError:
                route.result()  # a missing route is the reason for whatever else does not work
                raise
            route.result()
        return verified

    return Verification(verify, progress)


def _of_daemon_set(pod: Pod) -> bool:
    return pod.mirror or (pod.controller is not None and pod.controller.kind == "DaemonSet")


def _switched_agent(cluster: Cluster, turn: Turn) -> agents.Agent:
    """The node's agent alone in charge of the CNI conf, re-created unless it is so already."""
    found = agents.agents(cluster, namespace=turn.cilium_namespace, node=turn.node)
    if found and found[0].ready and agents.active_conf(agents.cni_conf(cluster, found[0])) == [turn.cni_conf]:
        return found[0]
    return agents.restart(
        cluster, turn.node, namespace=turn.cilium_namespace, timeout_seconds=turn.agent_timeout_seconds
    )


def _assert_route(cluster: Cluster, turn: Turn) -> None:
    """The node routes its own block of Cilium's pool into Cilium."""
    facts = run_on_node(cluster, turn.node, "inspect_network", pods=turn.pods)
    blocks = cluster.get(f"/apis/cilium.io/v2/ciliumnodes/{turn.node}")["spec"]["ipam"].get("podCIDRs") or []
    routed = {network for network, device in facts["routes"] if device == "cilium_host"}
    missing = [block for block in blocks if block not in routed]
    if missing or not blocks:
        raise OperationError(
            f"node {turn.node}: no route to its pod CIDR {', '.join(missing) or '(none)'} through cilium_host; "
            f"it has {', '.join(sorted(routed)) or 'none'}; look at the agent's log, then `pulumi up` again"
        )


def _summary(
    turn: Turn, progress: Progress, *, evicted: int, recycled: int, restarted: bool,
    verified: Verified | None, files: list[str],
) -> dict[str, Any]:  # fmt: skip
    return {
        "node": turn.node,
        "finished": now(),
        "seconds": dict(progress.seconds),
        "steps": as_outputs(progress.times),
        "podsEvicted": evicted,
        "podsRecycled": recycled,
        "restarted": restarted,
        "cniConf": files,
        "verified": {"address": verified.address, "flows": len(verified.flows), "slowest": verified.slowest}
        if verified
        else {},
    }
