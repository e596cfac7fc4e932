"""The way back: the node is emptied, and then, without its label, it returns to the old network."""

from collections.abc import Callable

from components.operations import agent as agents
from components.operations.api import Cluster
from components.operations.asking import Teller
from components.operations.cordon import cordon, uncordon
from components.operations.deadline import OperationError
from components.operations.drain import drain
from components.operations.hold import released
from components.operations.live_config import manages_every_node, read_live_config
from components.operations.marks import TurnStep, clear, node_path, read_node, step_of
from components.operations.node_shell import run_on_node
from components.operations.progress import Progress
from components.operations.readiness import not_ready_before, remember_not_ready
from components.operations.recycle import recycle
from components.operations.trial import assert_accepted
from components.operations.turn.settings import Turn
from components.operations.turn.steps import assert_renewable, renew_in_place, steps
from components.operations.turn.verifying import Verification
from components.operations.verification import Verified, verify_node


def empty_for_return(cluster: Cluster, turn: Turn) -> None:
    """First half of the way back: cordon and drain the node, still on Cilium's network."""
    with steps(cluster, turn.node, more=turn.more_back) as progress:
        if manages_every_node(read_live_config(cluster, namespace=turn.cilium_namespace)):
            raise OperationError(
                f"node {turn.node} stays on Cilium: Cilium manages every node's CNI conf in this phase, so no node can "
                "go back; `pulumi config set phase migrate` and `pulumi up` first"
            )
        if turn.drain.in_place:
            assert_renewable(cluster, turn, stale=turn.on_cilium)
        assert_accepted(cluster, turn.pods, node=turn.node)
        progress.step("cordon", "the node goes back to the old network")
        cordon(cluster, turn.node, step=TurnStep.RETURNING, hold=turn.hold)
        remember_not_ready(cluster, turn.node)
        if turn.drain.in_place:
            progress.done("its pods stay until it is switched back")
            return
        progress.step("drain")
        drain(cluster, turn.node, options=turn.drain, progress=progress)
        progress.done("drained")


def return_to_source(cluster: Cluster, turn: Turn) -> None:
    """Second half of the way back: label off, agent, old CNI conf, pods, verify, uncordon.

    The order matters: an agent that still manages the CNI conf would undo its restoration within seconds.
    """
    with steps(cluster, turn.node, after=2, more=turn.more_back) as progress:
        cluster.patch(node_path(turn.node), {"metadata": {"labels": {turn.label: None}}})
        node = read_node(cluster, turn.node)
        if node.labels.get(turn.label):
            raise OperationError(
                f"node {turn.node}: label {turn.label} was taken off and is set again, somebody else holds it: have "
                "whoever manages the node's labels (GitOps, a cloud controller) drop it, then `pulumi up` again"
            )
        if step_of(node) is None:
            return
        if step_of(node) in (TurnStep.DRAINING, TurnStep.DRAINED):
            progress.step("uncordon", "it never left the old network")
        else:
            _return(cluster, turn, progress)
        uncordon(cluster, turn.node)
        clear(cluster, turn.node, besides=released(read_node(cluster, turn.node)))
        progress.done(f"back on {turn.source_title}")


def _return(cluster: Cluster, turn: Turn, progress: Progress) -> None:
    progress.step("agent", "re-creating the node's Cilium agent, which then leaves the CNI conf alone")
    agents.restart(cluster, turn.node, namespace=turn.cilium_namespace, timeout_seconds=turn.agent_timeout_seconds)
    progress.step("restore", "the old network's CNI conf takes the place of Cilium's")
    files = run_on_node(cluster, turn.node, "restore_cni_conf", pods=turn.pods, arguments=[turn.cni_conf])
    progress.say(f"CNI conf is {', '.join(files)}")
    with _verification(cluster, turn, progress) as verification:
        if turn.drain.in_place:
            verification.end()
            renew_in_place(cluster, turn, stale=turn.on_cilium, network=turn.source_title, progress=progress)
        else:
            verification.begin()
        progress.step("recycle")
        recycle(
            cluster, turn.node, stale=turn.on_cilium, network=turn.source_title,
            timeout_seconds=turn.restart.timeout_seconds, progress=progress, ill=not_ready_before(cluster, turn.node),
        )  # fmt: skip
        if not turn.drain.in_place:
            verification.end()
    progress.step("uncordon")


def _verification(cluster: Cluster, turn: Turn, progress: Progress) -> Verification:
    def verify(news: Teller, settled: Callable[[], None]) -> Verified:
        return verify_node(
            cluster, turn.node, belongs=turn.on_source, network=f"{turn.source_title}'s {turn.source_networks[0]}",
            pods=turn.pods, timeout_seconds=turn.verify_timeout_seconds, news=news, settled=settled,
        )  # fmt: skip

    return Verification(verify, progress)
