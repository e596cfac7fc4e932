"""Checks of settings and webhooks that cause trouble while both networks run."""

from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.name_lists import some
from components.operations.objects.webhooks import Webhook
from components.plurals import many
from stacks.strategies import Milestone

_WATCHER = "unmanaged-pod-watcher-interval"


@check(
    id="dns-restart-loop",
    title="Cilium leaves the old network's pods alone",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why=(
        "Cilium's operator restarts cluster DNS for ever as long as its pods are not Cilium's own, unless "
        "`unmanagedPodWatcher.restart` is false in the live ConfigMap (cilium#6839, #11444)"
    ),
    remedy="run `pulumi up`, so that Cilium gets its values; if it does not, look for who else writes that ConfigMap",
)
def dns_restart_loop(context: Context) -> Iterator[Found]:
    """A finding if the live ConfigMap lets Cilium's operator restart unmanaged pods; a gate checks other settings."""
    live = context.snapshot.cilium_config
    if live is None or context.about_to_move or context.reached not in (Milestone.BOTH_NETWORKS, Milestone.NODES_MOVE):
        return
    if live.get(_WATCHER) != "0":
        yield Found(evidence=f"ConfigMap cilium-config: {_WATCHER} is '{live.get(_WATCHER, 'not set')}', must be '0'")


@check(
    id="admission-webhooks",
    title="No webhook stands in the way of new pods",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why=(
        "the API server calls them across both networks, and while one with failurePolicy Fail does not answer no pod "
        "is created: no replacement, and no Cilium agent either (deckhouse#2886)"
    ),
    remedy="give it a second replica on another node, or exempt kube-system by its namespaceSelector",
)
def admission_webhooks(context: Context) -> Iterator[Found]:
    """Findings about webhooks required for pods: those answered from one node alone, and the others."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    steady: list[str] = []
    for (namespace, service), hooks in sorted(_by_service(context.snapshot.webhooks).items()):
        name = f"{hooks[0].name} ({hooks[0].kind})"
        nodes = _answering_nodes(context, namespace, service)
        if nodes is None or len(nodes) > 1:
            steady.append(name)
            continue
        where = f"on node {next(iter(nodes))} alone" if nodes else "by no Ready pod"
        yield Found(evidence=f"webhook {name}, without which no pod is created, is answered {where}")
    if steady:
        yield Found(
            evidence=f"{many(len(steady), 'webhook')} must answer before a pod is created: {some(steady)}",
            remedy="the API server must reach them from every control-plane node, on both networks",
            severity=Severity.NOTE,
        )


def _by_service(hooks: tuple[Webhook, ...]) -> dict[tuple[str, str], list[Webhook]]:
    found: dict[tuple[str, str], list[Webhook]] = {}
    for hook in hooks:
        found.setdefault((hook.namespace, hook.service), []).append(hook)
    return found


def _answering_nodes(context: Context, namespace: str, service: str) -> set[str] | None:
    """The nodes with Ready pods behind the Service; None if its EndpointSlices name no nodes."""
    for each in context.snapshot.services:
        if (each.namespace, each.name) == (namespace, service) and each.selector:
            wanted = each.selector.items()
            return {
                pod.node
                for pod in context.snapshot.pods
                if pod.namespace == namespace and pod.ready and wanted <= pod.labels.items()
            }
    return None
