"""The steps by which a node comes onto Cilium's network: agent, pods, verification."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import Deadline, OperationError, Pending, wait_until
from components.operations.our_pods.node_shell import run_on_node
from components.operations.turn.recipe import Half, Step, Turn, TurnRun
from components.operations.turn.running_steps import assert_renewable, evict_latecomers, renew_in_place
from components.operations.turn.shared_steps import CORDON, DRAIN, RENEWED_IN_PLACE, UNCORDON, WATCH, drains, in_place
from components.operations.turn.verifying import Verify
from components.operations.turn_annotations import BOOT_ID, read_node
from components.operations.turn_steps import agent as agents
from components.operations.turn_steps import restart
from components.operations.turn_steps.reach_from_pod import Teller
from components.operations.turn_steps.readiness import remember_unless_renewed
from components.operations.turn_steps.recycle import recycle
from components.operations.turn_steps.verification import Awaited, Verified, verify_node
from components.strategies.hybrid.turn_run import HybridRun

_CNI_CONF_SECONDS = 60.0


def may_begin(cluster: Cluster, turn: Turn) -> None:
    """Raise OperationError if the drain options forbid a turn that renews pods in place."""
    if in_place(turn):
        assert_renewable(cluster, turn, stale=turn.on_source)


def drift(cluster: Cluster, turn: Turn) -> str | None:
    """The reason why Cilium is no longer in charge of the node's CNI; None if it is."""
    for agent in agents.agents(cluster, namespace=turn.cilium_namespace, node=turn.node):
        if agent.ready and agents.active_conf(agents.cni_conf(cluster, agent))[:1] != [turn.cni_conf]:
            return f"{turn.cni_conf} is not in charge of its CNI any more"
    return None


def _switch_agent(run: HybridRun) -> None:
    cluster, turn = run.cluster, run.turn
    run.agent = _switched_agent(cluster, turn)
    files = agents.wait_for_cni_conf(
        cluster, run.agent, name=turn.cni_conf, timeout_seconds=min(_CNI_CONF_SECONDS, turn.agent_timeout_seconds)
    )
    beside = ", ".join(set(files) - {turn.cni_conf}) or "nothing"
    run.progress.say(f"CNI conf is {turn.cni_conf}, beside it {beside}")
    run.outputs["cniConf"] = files
    run.verify_with(_verification(run))
    if drains(turn):
        run.count_evicted(len(evict_latecomers(cluster, turn, stale=turn.not_on_cilium, progress=run.progress)))
        remember_unless_renewed(cluster, turn.node, stale=turn.not_on_cilium)


def _switched_agent(cluster: Cluster, turn: Turn) -> agents.Agent:
    """The node's agent alone in charge of the CNI conf, re-created unless it is so already."""
    if BOOT_ID in read_node(cluster, turn.node).annotations:
        _wait_for_answer(cluster, turn)
    found = agents.agents(cluster, namespace=turn.cilium_namespace, node=turn.node)
    if found and found[0].ready and agents.active_conf(agents.cni_conf(cluster, found[0])) == [turn.cni_conf]:
        return found[0]
    return agents.restart(
        cluster, turn.node, namespace=turn.cilium_namespace, timeout_seconds=turn.agent_timeout_seconds
    )


def _wait_for_answer(cluster: Cluster, turn: Turn) -> None:
    """Wait for the agent of a node that a run asked to reboot before it was broken off: it may be down just now."""

    def answers() -> bool | Pending:
        found = agents.agents(cluster, namespace=turn.cilium_namespace, node=turn.node)
        if not found or not found[0].ready:
            return Pending("its agent is not Ready")
        try:
            agents.cni_conf(cluster, found[0])
        except ClusterError as error:
            return Pending(str(error))
        return True

    wait_until(
        answers,
        what=f"node {turn.node}: its Cilium agent answers, after a reboot that an earlier run asked for",
        deadline=Deadline(turn.restart.timeout_seconds),
        remedy="look at its console; once it is up run `pulumi up` again",
    )


def _evict(run: HybridRun) -> None:
    cluster, turn = run.cluster, run.turn
    evicted = renew_in_place(cluster, turn, stale=turn.not_on_cilium, network="Cilium", progress=run.progress)
    run.count_evicted(len(evicted))
    remember_unless_renewed(cluster, turn.node, stale=turn.not_on_cilium)


def _reboot(run: HybridRun) -> None:
    assert run.agent is not None
    run.outputs["restarted"] = restart.by_reboot(
        run.cluster, run.turn.node, run.turn.restart, stale=run.turn.not_on_cilium, agent=run.agent,
        progress=run.progress, back=run.verifying.begin, switched=run.verifying.switched,
    )  # fmt: skip


def _command(run: HybridRun) -> None:
    run.outputs["restarted"] = restart.by_command(
        run.cluster, run.turn.node, run.turn.restart, stale=run.turn.not_on_cilium, progress=run.progress,
        back=run.verifying.begin, switched=run.verifying.switched,
    )  # fmt: skip


def _wait(run: HybridRun) -> None:
    restart.wait_for_others(run.cluster, run.turn.node, run.turn.restart, stale=run.turn.not_on_cilium)


def _recycle(run: HybridRun) -> None:
    how = run.turn.restart
    run.verifying.switched()
    recycled = recycle(
        run.cluster, run.turn.node, stale=run.turn.not_on_cilium, network="Cilium",
        timeout_seconds=how.timeout_seconds, progress=run.progress, may_reboot=how.method == "recycle",
    )  # fmt: skip
    run.outputs["podsRecycled"] = len(recycled)


def _verify(run: HybridRun) -> None:
    verified = run.verifying.end()
    run.outputs["verified"] = {
        "address": verified.address, "flows": len(verified.flows), "slowest": verified.slowest
    }  # fmt: skip


def _verification(run: HybridRun) -> Verify:
    """The verification of the node's routes and, beside that, of what a fresh pod on it reaches and is reached by."""
    cluster, turn = run.cluster, run.turn

    def verify(news: Teller, awaited: Awaited) -> Verified:
        with ThreadPoolExecutor(max_workers=1) as pool:
            route = pool.submit(assert_route, cluster, turn, awaited)
            try:
                verified = verify_node(
                    cluster, turn.node, belongs=turn.on_cilium, network=f"Cilium's pool {turn.cilium_network}",
                    pods=turn.pods, timeout_seconds=turn.verify_timeout_seconds, news=news, awaited=awaited,
                )  # fmt: skip
            except OperationError:
                route.result()  # a missing route is the reason for whatever else does not work
                raise
            route.result()
        return verified

    return verify


def assert_route(cluster: Cluster, turn: Turn, awaited: Awaited) -> None:
    """Raise OperationError unless the node, its network being there, routes its block of Cilium's pool into Cilium."""
    awaited.network()
    facts = run_on_node(cluster, turn.node, "inspect_network", pods=turn.pods)
    blocks = cluster.get(f"/apis/cilium.io/v2/ciliumnodes/{turn.node}")["spec"]["ipam"].get("podCIDRs") or []
    routed = {network for network, device in facts["routes"] if device == "cilium_host"}
    missing = [block for block in blocks if block not in routed]
    if missing or not blocks:
        raise OperationError(
            f"node {turn.node}: no route to its pod CIDR {', '.join(missing) or '(none)'} through cilium_host; "
            f"it has {', '.join(sorted(routed)) or 'none'}; look at the agent's log, then `pulumi up` again"
        )


def _by(method: str) -> Callable[[Turn], bool]:
    return lambda turn: turn.restart.method == method


_VERIFY = Step[HybridRun](name="verify", half=Half.AFTER, do=_verify, applies=drains)
_IN_PLACE = (
    # Proved before the first pod has to rely on it.
    Step[HybridRun](name="verify", half=Half.AFTER, do=_verify, applies=in_place),
    Step[HybridRun](
        name="evict",
        half=Half.AFTER,
        do=_evict,
        detail=RENEWED_IN_PLACE,
        applies=in_place,
        undone_by="evict",
    ),
)
_PODS_RENEWED = (
    Step[HybridRun](
        name="reboot", half=Half.AFTER, do=_reboot, effect="restart", applies=_by("reboot"), undone_by="recycle"
    ),
    Step[HybridRun](
        name="command", half=Half.AFTER, do=_command, effect="restart", applies=_by("command"), undone_by="recycle"
    ),
    Step[HybridRun](
        name="wait",
        half=Half.AFTER,
        do=_wait,
        detail="restart.method is none: waiting for somebody else to renew the node's pods",
        applies=_by("none"),
        undone_by="recycle",
    ),
    Step[HybridRun](
        name="recycle",
        half=Half.AFTER,
        do=_recycle,
        applies=lambda turn: turn.restart.method != "none",
        undone_by="recycle",
    ),
)
THERE: tuple[Step[HybridRun] | Step[TurnRun], ...] = (
    CORDON,
    DRAIN,
    Step[HybridRun](
        name="agent",
        half=Half.AFTER,
        do=_switch_agent,
        detail="re-creating the node's Cilium agent, which then takes over the CNI conf",
        effect="switch",
        undone_by="restore",
    ),
    *_IN_PLACE,
    *_PODS_RENEWED,
    _VERIFY,
    UNCORDON,
    WATCH,
)
