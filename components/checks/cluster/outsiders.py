"""A check of systems outside the cluster that rely on pods' present addresses."""

from collections.abc import Iterator, Mapping, Sequence

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.name_lists import some
from components.operations.objects.model import Pod
from components.plurals import many
from components.sources.calico.outgoing import balanced_by_calico
from components.sources.outgoing import seen_outside
from stacks.strategies import Milestone

_SEVERAL = 3


@check(
    id="pods-known-outside",
    title="No system outside the cluster relies on pods' addresses",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why=(
        "a pod that moved has an address of Cilium's pool, without a route from outside, and leaves the cluster with "
        "its node's address: firewalls and allow-lists with its old one refuse it, load balancers do not reach it"
    ),
    remedy=(
        "change these systems to the nodes' addresses before any node moves, or let such pods leave through an egress "
        "gateway of Cilium's once it is alone"
    ),
)
def pods_known_outside(context: Context) -> Iterator[Found]:
    """Findings about pods known outside by address: without source NAT, with fixed addresses, or exposed directly."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    snapshot = context.snapshot
    for line in seen_outside(snapshot, context.source):
        yield Found(evidence=f"{line}: systems outside that know pods by it see other addresses once they moved")
    noted = _noted_by_a_cni([pod for pod in snapshot.pods if pod.on_pod_network and pod.address])
    asking = {
        pod.title: {key: value for key, value in pod.address_wishes.items() if key not in noted}
        for pod in snapshot.pods
        if pod.on_pod_network
    }
    for whose, objects in (("pod", asking), ("namespace", snapshot.namespace_wishes)):
        for key, found in _by_key(objects).items():
            yield Found(
                evidence=f"{many(len(found), whose)} with {key} ({some(found)}): Cilium does not heed it, and gives "
                "any address of its pool",
                remedy="find the clients that use these addresses, and point them to a Service or a name",
            )
    leaving = [f"Service {each.title} ({each.pods_leave_by})" for each in snapshot.services if each.pods_leave_by]
    if leaving:
        yield Found(
            evidence=f"pods leave with their Service's address, by rules for their present addresses: {some(leaving)}",
            remedy="have systems outside that know them by it accept the nodes' addresses too, before any node moves",
        )
    if balanced := list(balanced_by_calico(snapshot)):
        yield Found(
            evidence=f"Calico's controllers give load balancers their addresses: {some(balanced)}",
            remedy="once the old CNI is removed these addresses need Cilium's own address management or another",
        )
    led = [f"Service {each.title} ({each.leads_to_pods})" for each in snapshot.services if each.leads_to_pods]
    led += snapshot.exposed_ingresses
    if led:
        yield Found(
            evidence=f"load balancers and names outside lead straight to pods' addresses: {some(led)}",
            remedy="let them lead to the nodes instead, such as by target type instance, before any node moves",
        )


def _noted_by_a_cni(pods: Sequence[Pod]) -> set[str]:
    """Keys of annotations in which a CNI notes each pod's own address, recognised by several pods that have them."""
    if len(pods) < _SEVERAL:
        return set()
    keys = set.intersection(*(set(pod.address_wishes) for pod in pods))
    return {key for key in keys if all(pod.address in pod.address_wishes[key] for pod in pods)}


def _by_key(objects: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """The objects that have each annotation key, with their values."""
    found: dict[str, list[str]] = {}
    for title, wishes in sorted(objects.items()):
        for key, value in wishes.items():
            found.setdefault(key, []).append(f"{title} {value}")
    return found
