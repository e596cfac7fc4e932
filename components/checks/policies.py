"""Checks of network policies: who enforces them while nodes move, and what becomes of each under Cilium."""

from collections.abc import Iterator

from components.checks.check import check
from components.checks.context import Context
from components.checks.finding import Found, Severity
from components.checks.words import some
from components.policies import engine
from components.words import many
from stacks.phases import Phase
from stacks.policies import Verdict

_SHOWN = "`python -m scripts.policies` has each with the reason"


@check(
    id="network-policies",
    title="No policy is left unenforced unasked",
    severity=Severity.BLOCKER,
    phase=Phase.MIGRATE,
    why=(
        "between `secondary` and `finalize` Cilium enforces no policy, as pods of the old network have no identity and "
        "would be dropped; then it enforces every one, also those that nobody enforced before (Cilium's page on "
        "migrating a cluster; calico PR #12920)"
    ),
    remedy=(
        "`pulumi config set --path policies.bridge true` where what it lets through will do, or `policies."
        "acceptUnenforcedPolicies true`, and go on to 'finalize' soon"
    ),
)
def network_policies(context: Context) -> Iterator[Found]:
    """Policies that are not enforced for a while, or that will be for the first time."""
    entries = [each for each in context.policies.entries if not each.kind.endswith(("NetworkSet", "HostEndpoint"))]
    if not entries or not context.ahead(Phase.FINALIZE):
        return
    enforces, accepted = engine(context.snapshot, context.source), context.config.policies
    policies = "policy" if len(entries) == 1 else "policies"
    names = some([each.title for each in entries])
    if not enforces:
        yield Found(
            evidence=f"nothing in sight enforces {len(entries)} {policies} today, Cilium will from 'finalize' on: "
            f"{names}",
            remedy="read them again before `finalize`, and take those away that were never meant to hold",
            severity=Severity.WARNING if context.config.phase.includes(Phase.FINALIZE) else Severity.NOTE,
        )
        return
    severity = Severity.NOTE if accepted.accept_unenforced_policies else context.once_nodes_move
    if not accepted.bridge:
        yield Found(
            evidence=f"{enforces} enforces {len(entries)} {policies}, and nobody will for pods of nodes that moved, "
            f"until 'finalize': {names}",
            severity=severity,
        )
        return
    lost = [each.title for each in entries if each.verdict is Verdict.LOST and each.title not in accepted.accept_lost]
    if lost:
        yield Found(
            evidence=f"no rule of Cilium's can bridge {some(lost)}: nobody enforces that for pods of nodes that moved",
            remedy=f"{_SHOWN}; name it in policies.acceptLost, or set policies.acceptUnenforcedPolicies",
            severity=severity,
        )
    wider = [each for each in entries if each.window]
    if wider:
        yield Found(
            evidence=f"until 'finalize' all pods of the old network, and whoever else has no identity of Cilium's, get "
            f"through on nodes that moved where {some([each.title for each in wider])} lets pods through, on its ports",
            remedy="what is denied between moved pods, by port, and to the outside stays denied",
            severity=Severity.NOTE,
        )


@check(
    id="policies-translated",
    title="Translations are accepted",
    severity=Severity.BLOCKER,
    phase=Phase.FINALIZE,
    why=(
        "Cilium does not read Calico's policies, and takes neither pods nor nodes for what an ipBlock means: what they "
        "said must be said in CiliumNetworkPolicies before the agents enforce any"
    ),
    remedy=(
        "`python -m scripts.policies --write DIR` writes them for review; then `pulumi config set --path policies."
        "acceptTranslated true`, and they are created before policies are enforced"
    ),
)
def policies_translated(context: Context) -> Iterator[Found]:
    """Translations that nobody accepted yet, in the run that needs them; told before as a note."""
    accepted = context.config.policies
    count = len(context.policies.manifests)
    if not count or accepted.accept_translated or not context.ahead(Phase.FINALIZE):
        return
    needed = context.config.phase.includes(Phase.FINALIZE) or (accepted.bridge and bool(context.about_to_switch))
    titles = [each.title for each in context.policies.entries if each.manifests]
    yield Found(
        evidence=f"{some(titles)}: {many(count, 'translation')} for Cilium",
        severity=Severity.BLOCKER if needed else Severity.NOTE,
    )


@check(
    id="policies-lost",
    title="No policy is lost unasked",
    severity=Severity.BLOCKER,
    phase=Phase.FINALIZE,
    why=(
        "Calico reads rules in order and the first that matches decides, in Cilium a deny always wins; tiers, host "
        "endpoints, HTTP matches and others have no counterpart: once Calico is gone, nobody does what they said"
    ),
    remedy=f"{_SHOWN}; write what it is for in Cilium's words, or give it up: add its title to policies.acceptLost",
)
def policies_lost(context: Context) -> Iterator[Found]:
    """Policies that Cilium cannot be told, but for those that the user gives up by name."""
    if not context.ahead(Phase.FINALIZE):
        return
    lost = {each.title: each for each in context.policies.of(Verdict.LOST)}
    needed = context.config.phase.includes(Phase.FINALIZE)
    for title, each in lost.items():
        if title not in context.config.policies.accept_lost:
            reason = each.reasons[0] + (f" (and {len(each.reasons) - 1} more)" if len(each.reasons) > 1 else "")
            yield Found(
                evidence=f"{title} cannot be expressed under Cilium: {reason}",
                severity=Severity.BLOCKER if needed else Severity.WARNING,
            )
    unknown = [each for each in context.config.policies.accept_lost if each not in lost]
    if unknown:
        yield Found(
            evidence=f"policies.acceptLost names {some(unknown)}, which is no policy that cannot be expressed",
            remedy="take it out of policies.acceptLost, or write it as `python -m scripts.policies` does",
            severity=Severity.WARNING,
        )
