"""What the program asks of the API, and what of that its user may not do."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from components.names import NAMESPACE
from components.operations.api import Cluster, ClusterError
from components.operations.calico_objects import read_kinds
from components.operations.permission_table import (
    OF_CALICO,
    OF_CALICOS_OPERATOR,
    PREPARATION,
    REMOVAL,
    REMOVAL_EVERYWHERE,
    TABLE,
    Place,
    Purpose,
)
from stacks.config import SECRETS_NAMESPACE
from stacks.objects import ObjectName
from stacks.phases import Phase

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Aims:
    """What of a migration is not the same for everybody: the objects that shall go at the end, and when that is near.

    `source` is the old CNI's kind and `home` its namespace, as long as it is there; both are empty until it is known.
    `prepares` says whether it has to be prepared for Cilium; `secrets_namespace` is where Cilium keeps its copies of
    Secrets.
    """

    removals: tuple[ObjectName, ...] = ()
    removes: bool = False
    source: str = ""
    home: str = ""
    prepares: bool = False
    secrets_namespace: str = SECRETS_NAMESPACE


NO_AIMS = Aims()


@dataclass(frozen=True, kw_only=True)
class Need:
    """One verb on one resource, from a phase on; everywhere, or in a namespace."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    purpose: Purpose = Purpose.WORK
    phase: Phase = Phase.PREFLIGHT

    @property
    def title(self) -> str:
        """In an operator's words."""
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {kind}" + (f" in {self.namespace}" if self.namespace else "")


def needs(
    *, cilium_namespace: str, aims: Aims = NO_AIMS, calico: Sequence[tuple[str, str, str]] = ()
) -> Iterator[Need]:
    """Everything that a migration asks for up to its cleanup, and of that what the aims ask for.

    `calico` are the kinds of Calico's that the API serves, as `read_kinds` has them.
    """
    places = {
        Place.EVERYWHERE: "",
        Place.OURS: NAMESPACE,
        Place.CILIUM: cilium_namespace,
        Place.SECRETS: aims.secrets_namespace,
        Place.SOURCE: aims.home,
    }
    tables = [*TABLE]
    tables += [(Phase.PREFLIGHT, Place.EVERYWHERE, Purpose.WORK, tuple((each[1], each[2], "list") for each in calico))]
    if aims.prepares and aims.home and aims.source in PREPARATION:
        place, rows = PREPARATION[aims.source]
        tables.append((Phase.SECONDARY, place, Purpose.WORK, rows))
    if aims.removes and aims.home:
        everywhere = [*REMOVAL_EVERYWHERE]
        everywhere += OF_CALICO if aims.source.startswith(("calico", "canal")) else ()
        everywhere += OF_CALICOS_OPERATOR if aims.source == "calico-operator" else ()
        tables.append((Phase.CLEANUP, Place.SOURCE, Purpose.WORK, REMOVAL))
        tables.append((Phase.CLEANUP, Place.EVERYWHERE, Purpose.WORK, tuple(everywhere)))
    for phase, place, purpose, rows in tables:
        for group, resources, verbs in rows:
            for resource in resources.split():
                for verb in verbs.split():
                    yield Need(
                        verb=verb, group=group, resource=resource, namespace=places[place], purpose=purpose,
                        phase=phase,
                    )  # fmt: skip
    for each in aims.removals:
        for verb in ("get", "delete") if aims.removes else ("get",):
            yield Need(
                verb=verb, group=each.group, resource=each.resource, namespace=each.namespace,
                phase=Phase.CLEANUP if verb == "delete" else Phase.PREFLIGHT,
            )  # fmt: skip
    yield Need(
        verb="list", group="coordination.k8s.io", resource="leases", namespace="kube-node-lease", purpose=Purpose.LOOK
    )


def _allowed(cluster: Cluster, need: Need) -> bool:
    resource, _, subresource = need.resource.partition("/")
    asked = {"verb": need.verb, "group": need.group, "resource": resource, "subresource": subresource}
    body = {"spec": {"resourceAttributes": {**asked, "namespace": need.namespace}}}
    answer = cluster.create(
        _REVIEWS, {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", **body}
    )
    return bool((answer.get("status") or {}).get("allowed"))


def denied(cluster: Cluster, *, cilium_namespace: str, aims: Aims = NO_AIMS) -> tuple[Need, ...]:
    """What the user may not do: one question of an administrator, one for each need of anybody else.

    A server that does not answer such questions denies nothing.
    """
    try:
        if _allowed(cluster, Need(verb="*", group="*", resource="*")):
            return ()
        asked = needs(cilium_namespace=cilium_namespace, aims=aims, calico=read_kinds(cluster))
        wanted = list(dict.fromkeys(asked))
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            answers = list(pool.map(lambda need: _allowed(cluster, need), wanted))
    except ClusterError as error:
        if error.status in (403, 404):
            return ()
        raise
    return tuple(need for need, allowed in zip(wanted, answers, strict=True) if not allowed)
