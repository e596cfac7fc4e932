"""Checks of network policies: their enforcement while nodes move, and their translation for Cilium."""

from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity, Unrecognised
from components.checks.framework.name_lists import some
from components.identity_labels import at_last, while_migrating
from components.operations.objects.policy_kinds import UnknownKind
from components.plurals import many
from components.policies import engine, final_mode
from components.policy_engines import engines
from stacks.policies import Entry, Verdict
from stacks.strategies import Milestone

_SHOWN = "`.venv/bin/python -m scripts.policies` has each with the reason"


@check(
    id="network-policies",
    title="No policy goes unenforced without consent",
    severity=Severity.BLOCKER,
    guards=Milestone.NODES_MOVE,
    why=(
        "between `secondary` and `finalize` Cilium enforces no policy, as pods of the old network have no identity and "
        "would be dropped; then it enforces every one, also those never enforced before (Cilium's page on "
        "migrating a cluster; calico PR #12920)"
    ),
    remedy=(
        "`pulumi config set --path policies.bridge true` where what it lets through will do, or `pulumi config set "
        "--path policies.acceptUnenforcedPolicies true`, and go on to 'finalize' soon"
    ),
)
def network_policies(context: Context) -> Iterator[Found]:
    """Findings about policies that are unenforced for a while, or enforced for the first time."""
    enforces, accepted = engine(context.snapshot, context.source), context.config.policies
    entries = [
        each for each in context.policies.entries
        if not each.kind.endswith(("NetworkSet", "HostEndpoint"))
        and (enforces or not _of_administrators(context, each))
    ]  # fmt: skip
    if not entries or not context.ahead(Milestone.CILIUM_ALONE):
        return
    enforce = "enforces" if len(engines(context.snapshot, context.source)) == 1 else "enforce"
    policies = "policy" if len(entries) == 1 else "policies"
    names = some([each.title for each in entries])
    if not enforces:
        yield Found(
            evidence=f"nothing in sight enforces {len(entries)} {policies} today, Cilium will from 'finalize' on: "
            f"{names}",
            remedy="read them again before `finalize`, and take those away that were never meant to hold",
            severity=Severity.WARNING if context.config.reaches(Milestone.CILIUM_ALONE) else Severity.NOTE,
        )
        return
    if final_mode(context.config) == "never":
        yield Found(
            evidence=f"policyEnforcementMode is never in cilium.finalValues: nobody enforces {len(entries)} {policies} "
            f"from 'finalize' on: {names}",
            remedy="take it out of cilium.finalValues, or acknowledge network-policies with the reason",
            severity=Severity.BLOCKER if context.config.reaches(Milestone.CILIUM_ALONE) else Severity.WARNING,
        )
    severity = Severity.NOTE if accepted.accept_unenforced_policies else context.once_nodes_move
    if not accepted.bridge:
        yield Found(
            evidence=f"{enforces} {enforce} {len(entries)} {policies}, and nobody will for pods of nodes that moved, "
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
    guards=Milestone.CILIUM_ALONE,
    why=(
        "Cilium does not read Calico's policies, and takes neither pods nor nodes for what an ipBlock means: what they "
        "said must be said in CiliumNetworkPolicies before the agents enforce any"
    ),
    remedy=(
        "`.venv/bin/python -m scripts.policies --write policies` writes them into a folder for review; then "
        "`pulumi config set --path policies.acceptTranslated true`, and they are created before policies are enforced"
    ),
)
def policies_translated(context: Context) -> Iterator[Found]:
    """A finding about translations not accepted yet: a blocker in the run that needs them, a note before."""
    accepted = context.config.policies
    count = len(context.policies.manifests)
    if not count or accepted.accept_translated or not context.ahead(Milestone.CILIUM_ALONE):
        return
    needed = context.config.reaches(Milestone.CILIUM_ALONE) or (accepted.bridge and bool(context.about_to_switch))
    titles = [each.title for each in context.policies.entries if each.manifests]
    yield Found(
        evidence=f"{some(titles)}: {many(count, 'translation')} for Cilium",
        severity=Severity.BLOCKER if needed else Severity.NOTE,
    )


@check(
    id="policies-lost",
    title="No policy is lost without consent",
    severity=Severity.BLOCKER,
    guards=Milestone.CILIUM_ALONE,
    why=(
        "Calico reads rules in order and the first that matches decides, in Cilium a deny always wins; tiers, host "
        "endpoints, HTTP matches and others have no counterpart: once Calico is gone, their rules are not enforced"
    ),
    remedy=f"{_SHOWN}; write what it is for in Cilium's words, or give it up: add its title to policies.acceptLost",
)
def policies_lost(context: Context) -> Iterator[Found]:
    """Findings about policies that Cilium cannot express, except those that the user gives up by name."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    lost = {each.title: each for each in context.policies.of(Verdict.LOST)}
    needed = context.config.reaches(Milestone.CILIUM_ALONE)
    for title, each in lost.items():
        if title not in context.config.policies.accept_lost:
            reason = each.reasons[0] + (f" (and {len(each.reasons) - 1} more)" if len(each.reasons) > 1 else "")
            idle = _of_administrators(context, each) and not engine(context.snapshot, context.source)
            yield Found(
                evidence=f"{title} cannot be expressed under Cilium: {reason}"
                + ("; nothing in sight enforces it today either" if idle else ""),
                severity=Severity.BLOCKER if needed and not idle else Severity.WARNING,
            )
    unknown = [each for each in context.config.policies.accept_lost if each not in lost]
    if unknown:
        yield Found(
            evidence=f"policies.acceptLost names {some(unknown)}, which is no policy that cannot be expressed",
            remedy="take it out of policies.acceptLost, or write it as `.venv/bin/python -m scripts.policies` does",
            severity=Severity.WARNING,
        )


def _of_administrators(context: Context, entry: Entry) -> bool:
    """True for a policy of the group policy.networking.k8s.io, which few engines read, and Cilium only optionally."""
    return any(each["kind"] == entry.kind for each in context.snapshot.admin_policies)


@check(
    id="identity-labels",
    title="Cilium's filter of labels is understood",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "identities have only labels that Cilium's `labels` lets in, and policies select by no others; agents do not "
        "start with a filter that they cannot read, and a changed one gives every pod a new identity (cilium#18878)"
    ),
    remedy="write `labels` in cilium.values as Cilium's page on limiting identity-relevant labels has it",
)
def identity_labels(context: Context) -> Iterator[Found]:
    """Findings about a label filter that is unreadable, matches no pod's label, or changes in `finalize`."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    cilium, live = context.config.cilium, context.snapshot.cilium_config
    before, after = while_migrating(cilium, live), at_last(cilium, live)
    for fault in dict.fromkeys(each.filter.fault for each in (before, after) if each.filter.fault):
        yield Found(evidence=f"Cilium's `labels` cannot be read: {fault}, so no policy can be judged")
    for doubt in dict.fromkeys((*before.doubts, *after.doubts)):
        yield Found(evidence=f"Cilium's `labels`: {doubt}", severity=Severity.WARNING)
    if before.filter != after.filter:
        yield Found(
            evidence="Cilium's `labels` are others in 'finalize': every pod gets a new identity at once, and policies "
            "are judged by those",
            remedy="set `labels` in cilium.values alone, not in cilium.finalValues",
            severity=Severity.WARNING,
        )


@check(
    id="policy-kinds",
    title="Every kind of policy is known",
    severity=Severity.BLOCKER,
    guards=Milestone.CILIUM_ALONE,
    why=(
        "a kind of policy that this program does not know may be enforced by the old CNI and end with it, and Cilium "
        "reads only its own and Kubernetes' NetworkPolicies: such rules would be lost silently"
    ),
    remedy=(
        "find out which program enforces it, and whether that goes with the old CNI; if so, rewrite it as "
        "CiliumNetworkPolicies; then acknowledge policy-kinds with what you found"
    ),
)
def policy_kinds(context: Context) -> Iterator[Found]:
    """Findings about unknown policy kinds that have objects or cannot be listed; warnings if they name no network."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    grave = Severity.BLOCKER if context.config.reaches(Milestone.CILIUM_ALONE) else Severity.WARNING
    unknown = context.snapshot.unknown_kinds
    for each in unknown:
        concerns = "this program does not know what they mean"
        if not each.of_the_network:
            concerns = "this program does not know whether that concerns the network"
        yield Found(
            evidence=f"{_said(each)}, and {concerns}",
            severity=grave if each.of_the_network else Severity.WARNING,
            unrecognised=Unrecognised.POLICY_KIND,
        )
    reads_calico = any(each.reads_calico for each in engines(context.snapshot, context.source))
    if reads_calico and not context.snapshot.calico:
        yield Found(
            evidence=f"{engine(context.snapshot, context.source)} enforces policies, and the API serves none of "
            "Calico's kinds: its own policies cannot be read",
            remedy="let Calico keep them in Kubernetes, or install its API server, and they are read",
            severity=grave,
        )


def _said(kind: UnknownKind) -> str:
    if kind.trouble:
        return f"{kind.title} cannot be read ({kind.trouble})"
    return f"{kind.title} has {many(kind.count, 'object')} ({some(kind.names)})"
