"""Methods to bring a node's pods onto the agent's new network: recycle, reboot, the user's command, none."""

import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, OperationError, Pending, wait_until
from components.operations.objects.model import Pod
from components.operations.progress import Progress
from components.operations.turn_annotations import RESTARTED, TurnStep, mark, read_node
from components.operations.turn_steps import agent as agents
from components.operations.turn_steps.reboot import reboot
from components.operations.turn_steps.recycle import stale_pods, wait_for_fresh_addresses
from components.pods import OurPods

_KUBELET_RENEWS_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Restart:
    """The method, by its name in the config, and what it needs; times in seconds."""

    method: str
    command: str
    timeout_seconds: float
    agent_timeout_seconds: float
    cilium_namespace: str
    pods: OurPods


def by_reboot(
    cluster: Cluster, node: str, how: Restart, *, stale: Callable[[Pod], bool], agent: agents.Agent,
    progress: Progress, back: Callable[[], None], switched: Callable[[], None],
) -> bool:  # fmt: skip
    """Reboot the node, whose kubelet then renews its pods; False if that was done in this turn already.

    `back` is called once the node is Ready, its agent being on its way still; `switched` once new pods get addresses of
    the network now in charge.
    """
    restarted = reboot(
        cluster, node, pods=how.pods, step=TurnStep.SWITCHING, timeout_seconds=how.timeout_seconds, progress=progress
    )
    _settle(cluster, node, how, other_than=agent.run if restarted else "", back=back)
    switched()
    wait_for_fresh_addresses(cluster, node, stale=stale, timeout_seconds=_KUBELET_RENEWS_SECONDS)
    return restarted


def by_command(
    cluster: Cluster, node: str, how: Restart, *, stale: Callable[[Pod], bool], progress: Progress,
    back: Callable[[], None], switched: Callable[[], None],
) -> bool:  # fmt: skip
    """Restart the node by the user's command; as `by_reboot` otherwise."""
    restarted = _run_command(cluster, node, how, progress=progress)
    _settle(cluster, node, how, other_than="", back=back)
    switched()
    wait_for_fresh_addresses(cluster, node, stale=stale, timeout_seconds=_KUBELET_RENEWS_SECONDS)
    return restarted


def _run_command(cluster: Cluster, node: str, how: Restart, *, progress: Progress) -> bool:
    if read_node(cluster, node).annotations.get(RESTARTED):
        progress.say("was restarted in this turn already")
        return False
    words = [word.replace("{node}", node) for word in shlex.split(how.command)]
    progress.say(f"running restart.command ({Path(words[0]).name} …)")  # its words may be credentials
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, errors="replace", timeout=how.timeout_seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = error.strerror if isinstance(error, OSError) else f"it took longer than {how.timeout_seconds:.0f} s"
        raise OperationError(
            f"node {node} stays cordoned: restart.command could not be run to its end: {why}"
        ) from None
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-400:]
        raise OperationError(
            f"node {node} stays cordoned: restart.command ended with {done.returncode}: {said}; mend it and run "
            "`pulumi up` again"
        )
    mark(cluster, node, TurnStep.SWITCHING, **{RESTARTED: "true"})
    return True


def _settle(cluster: Cluster, node: str, how: Restart, *, other_than: str, back: Callable[[], None]) -> None:
    """The node is Ready after its restart, and so is its agent, in another run than that."""

    def ready() -> Pending | None:
        return None if read_node(cluster, node).ready else Pending("it is NotReady")

    wait_until(
        ready,
        what=f"node {node}: Ready after its restart",
        deadline=Deadline(how.timeout_seconds),
        remedy="look at its console; once it is up run `pulumi up` again",
    )
    back()
    agents.wait_ready(
        cluster,
        node,
        namespace=how.cilium_namespace,
        timeout_seconds=how.agent_timeout_seconds,
        other_than=other_than,
    )


def wait_for_others(cluster: Cluster, node: str, how: Restart, *, stale: Callable[[Pod], bool]) -> None:
    """Wait until somebody else has renewed the node's pods. Raises OperationError when time runs out."""

    def fresh() -> Pending | None:
        old = stale_pods(cluster, node, stale=stale)
        return Pending(f"{len(old)} have not: {', '.join(pod.title for pod in old[:5])}") if old else None

    wait_until(
        fresh,
        what=f"node {node}: its pods have addresses of Cilium",
        deadline=Deadline(how.timeout_seconds),
        remedy="restart.method is 'none', so their renewal is yours: restart them, then `pulumi up` again",
    )
