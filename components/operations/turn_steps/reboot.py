"""Reboots a node from within the cluster, and knows by its boot ID that it did."""

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, Pending, wait_until
from components.operations.objects.model import Node
from components.operations.our_pods.node_shell import remove_old_shells, start_on_node
from components.operations.progress import Progress
from components.operations.turn_annotations import BOOT_ID, TurnStep, mark, read_node
from components.pods import OurPods


def reboot(
    cluster: Cluster, name: str, *, pods: OurPods, step: TurnStep, timeout_seconds: float, progress: Progress
) -> bool:
    """Reboot the node once in its turn and wait until it is back and Ready; False if that had been done already.

    The boot ID before is kept on the Node object, so that a killed run does not reboot it a second time.
    """
    node = read_node(cluster, name)
    before = node.annotations.get(BOOT_ID)
    done = before is not None and before != node.boot_id
    if not done:
        if before is None:
            mark(cluster, name, step, **{BOOT_ID: node.boot_id})
        progress.say(f"reboot requested, boot ID is {node.boot_id[:8]}")
        start_on_node(cluster, name, "reboot", pods=pods)
        before = node.boot_id

    def back() -> Node | Pending:
        now = read_node(cluster, name)
        if now.boot_id == before:
            return Pending(f"its boot ID is still {now.boot_id}")
        return now if now.ready else Pending("it has a new boot ID but is not Ready")

    node = wait_until(
        back,
        what=f"node {name}: back from its reboot",
        deadline=Deadline(timeout_seconds),
        remedy="look at its console; once it is up run `pulumi up` again",
    )
    remove_old_shells(cluster, name)
    if not done:
        progress.say(f"back with boot ID {node.boot_id[:8]}")
    return not done
