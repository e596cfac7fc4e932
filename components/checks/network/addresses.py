"""Checks of addresses in use that this program cannot see: host names, unreadable objects, hand-made endpoints."""

from collections.abc import Iterator

from components.addresses import hosts_of
from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.name_lists import some
from components.plurals import many
from stacks.addresses import Kind
from stacks.strategies import Milestone


@check(
    id="addresses-known",
    title="The addresses of servers that the cluster uses are known",
    severity=Severity.NOTE,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "the pool avoids every address that the cluster's objects name; a server named by host name only, or in "
        "objects that the user may not read, may lie inside it"
    ),
    remedy="see that none of them is in Cilium's pool, which cannot be changed later (cilium#27164)",
)
def addresses_known(context: Context) -> Iterator[Found]:
    """Findings about host names that do not resolve here, and kinds whose objects the user may not list."""
    if not context.ahead(Milestone.BOTH_NETWORKS):
        return
    hosts: dict[str, str] = {}
    for each in hosts_of(context.snapshot):
        hosts.setdefault(each.host, each.user)
    if hosts:
        yield Found(
            evidence=f"{many(len(hosts), 'server')} of unknown address, named by host name alone: "
            f"{some([f'{host} ({user})' for host, user in sorted(hosts.items())])}"
        )
    unread = context.snapshot.unread_pools
    if unread:
        yield Found(
            evidence=f"{many(len(unread), 'kind')} named like addresses whose objects could not be listed: "
            f"{some(unread)}",
            remedy="let the user of the kubeconfig list them where a right is missing, or see that none of their "
            "addresses is in Cilium's pool",
        )


@check(
    id="endpoints-by-hand",
    title="No Service has hand-made endpoints with pod addresses",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why="a pod that moved has an address of Cilium's pool, and endpoints without a selector do not follow it",
    remedy="give these Services a selector, or update their endpoints after each node's turn",
)
def endpoints_by_hand(context: Context) -> Iterator[Found]:
    """Findings about Services without selector whose endpoints are pod addresses, with no controller to update them."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    named = [each for each in context.snapshot.named_addresses if each.kind is Kind.ENDPOINT]
    found = [
        f"{each.user} to {each.network.network_address}"
        for each in named
        if any(other.kind is Kind.POD and not other.likely for other in context.addresses.touching(each.network))
    ]
    if found:
        yield Found(evidence=f"{many(len(found), 'endpoint')} made by hand in the old pod network: {some(found)}")
