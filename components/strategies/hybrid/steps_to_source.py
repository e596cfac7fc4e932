"""The steps by which a node returns to the old network: agent, CNI conf, pods, verification.

The order matters: an agent that still manages the CNI conf would undo its restoration within seconds.
"""

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.objects.live_config import manages_every_node, read_live_config
from components.operations.our_pods.node_shell import run_on_node
from components.operations.turn.recipe import Half, Step, Turn, TurnRun
from components.operations.turn.running_steps import assert_renewable, evict_latecomers, renew_in_place
from components.operations.turn.shared_steps import (
    CORDON_TO_RETURN,
    DRAIN_TO_RETURN,
    RENEWED_IN_PLACE,
    UNCORDON_RETURNED,
    drains,
    in_place,
)
from components.operations.turn.verifying import Verify
from components.operations.turn_steps import agent as agents
from components.operations.turn_steps.reach_from_pod import Teller
from components.operations.turn_steps.recycle import recycle
from components.operations.turn_steps.verification import Awaited, Verified, verify_node
from components.strategies.hybrid.turn_run import HybridRun


def may_return(cluster: Cluster, turn: Turn) -> None:
    """Raise OperationError if Cilium manages every node, or the options forbid a return that renews pods in place."""
    if manages_every_node(read_live_config(cluster, namespace=turn.cilium_namespace)):
        raise OperationError(
            f"node {turn.node} stays on Cilium: Cilium manages every node's CNI conf in this phase, so no node can "
            "go back; `pulumi config set phase migrate` and `pulumi up` first"
        )
    if in_place(turn):
        assert_renewable(cluster, turn, stale=turn.on_cilium)


def _release_agent(run: HybridRun) -> None:
    turn = run.turn
    agents.restart(run.cluster, turn.node, namespace=turn.cilium_namespace, timeout_seconds=turn.agent_timeout_seconds)


def _restore(run: HybridRun) -> None:
    cluster, turn = run.cluster, run.turn
    arguments = [turn.cni_conf, turn.cni_folder]
    files = run_on_node(cluster, turn.node, "restore_cni_conf", pods=turn.pods, arguments=arguments)
    run.progress.say(f"CNI conf is {', '.join(files)}")
    run.verify_with(_verification(run))
    if drains(turn):
        evict_latecomers(cluster, turn, stale=turn.on_cilium, progress=run.progress)
        run.verifying.switched()


def _evict(run: HybridRun) -> None:
    turn = run.turn
    renew_in_place(run.cluster, turn, stale=turn.on_cilium, network=turn.source_title, progress=run.progress)


def _recycle(run: HybridRun) -> None:
    turn = run.turn
    recycle(
        run.cluster, turn.node, stale=turn.on_cilium, network=turn.source_title,
        timeout_seconds=turn.restart.timeout_seconds, progress=run.progress,
    )  # fmt: skip


def _verify(run: HybridRun) -> None:
    run.verifying.end()


def _verification(run: HybridRun) -> Verify:
    cluster, turn = run.cluster, run.turn

    def verify(news: Teller, awaited: Awaited) -> Verified:
        return verify_node(
            cluster, turn.node, belongs=turn.on_source, network=f"{turn.source_title}'s {turn.source_networks[0]}",
            pods=turn.pods, timeout_seconds=turn.verify_timeout_seconds, news=news, awaited=awaited,
        )  # fmt: skip

    return verify


BACK: tuple[Step[HybridRun] | Step[TurnRun], ...] = (
    CORDON_TO_RETURN,
    DRAIN_TO_RETURN,
    Step[HybridRun](
        name="agent",
        half=Half.AFTER,
        do=_release_agent,
        detail="re-creating the node's Cilium agent, which then leaves the CNI conf alone",
        effect="switch",
    ),
    Step[HybridRun](
        name="restore",
        half=Half.AFTER,
        do=_restore,
        detail="the old network's CNI conf takes the place of Cilium's",
    ),
    Step[HybridRun](name="verify", half=Half.AFTER, do=_verify, applies=in_place),
    Step[HybridRun](
        name="evict",
        half=Half.AFTER,
        do=_evict,
        detail=RENEWED_IN_PLACE,
        applies=in_place,
    ),
    Step[HybridRun](name="recycle", half=Half.AFTER, do=_recycle),
    Step[HybridRun](name="verify", half=Half.AFTER, do=_verify, applies=drains),
    UNCORDON_RETURNED,
)
