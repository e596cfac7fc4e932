"""The API permissions that a migration needs, and those that its user lacks."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from components.names import NAMESPACE, NODES_NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.rights.chart_rights import Rows
from components.operations.rights.permission_table import (
    BESIDE_KUBERNETES,
    REMOVAL,
    REMOVAL_EVERYWHERE,
    TABLE,
    Place,
    Purpose,
    Row,
)
from components.operations.rights.source_rights import NO_RIGHTS, SourceRights
from stacks.notation.objects import ObjectName
from stacks.sections.cilium import SECRETS_NAMESPACE
from stacks.strategies import Milestone

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Aims:
    """The parts of a migration that decide on further permissions, such as the objects to remove at the end.

    `source` are the rights for the old CNI and `home` is its namespace, as long as it is there; both are empty until
    it is known. `prepares` says whether it has to be prepared for Cilium; `secrets_namespace` is where Cilium keeps its
    copies of Secrets. `policies_beside` says whether the old engine gets policies that let moved pods through, with
    `own_policies` for those of its own kinds. `chart` is for what Cilium's chart makes by some values alone.
    `required` are workloads that are looked at from the first run on, as `KIND NAMESPACE/NAME`.
    """

    removals: tuple[ObjectName, ...] = ()
    removes: bool = False
    source: SourceRights = NO_RIGHTS
    home: str = ""
    prepares: bool = False
    policies_beside: bool = False
    own_policies: tuple[Row, ...] = ()
    chart: Rows = ()
    required: tuple[str, ...] = ()
    secrets_namespace: str = SECRETS_NAMESPACE


NO_AIMS = Aims()


@dataclass(frozen=True, kw_only=True)
class Need:
    """One verb on one resource, from a milestone on; everywhere, or in a namespace."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    purpose: Purpose = Purpose.WORK
    milestone: Milestone = Milestone.BEFORE_CILIUM

    @property
    def title(self) -> str:
        """The permission in a form for messages."""
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {kind}" + (f" in {self.namespace}" if self.namespace else "")


def needs(
    *, cilium_namespace: str, aims: Aims = NO_AIMS, own_kinds: Sequence[tuple[str, str, str]] = ()
) -> Iterator[Need]:
    """All permissions that a migration needs up to its cleanup, according to its aims.

    `own_kinds` are the (kind, group, resource) of old CNIs' own that the API serves.
    """
    places = {
        Place.EVERYWHERE: "",
        Place.OURS: NAMESPACE,
        Place.NODES: NODES_NAMESPACE,
        Place.CILIUM: cilium_namespace,
        Place.SECRETS: aims.secrets_namespace,
        Place.SOURCE: aims.home,
        Place.OPERATOR: aims.source.operators_namespace,
    }
    tables = [*TABLE]
    listed = tuple((group, resource, "list") for _, group, resource in own_kinds)
    tables += [(Milestone.BEFORE_CILIUM, Place.EVERYWHERE, Purpose.WORK, listed)]
    if aims.policies_beside:
        groups = {each[1] for each in own_kinds}
        rows = (*BESIDE_KUBERNETES, *(each for each in aims.own_policies if each[0] in groups))
        tables.append((Milestone.BOTH_NETWORKS, Place.EVERYWHERE, Purpose.WORK, rows))
    tables += [(Milestone.BOTH_NETWORKS, place, Purpose.WORK, (row,)) for place, row in aims.chart]
    if aims.prepares and aims.home:
        tables += [(Milestone.BOTH_NETWORKS, place, Purpose.WORK, (row,)) for place, row in aims.source.preparation]
    if aims.removes and aims.home:
        tables.append((Milestone.OLD_NETWORK_GONE, Place.SOURCE, Purpose.WORK, REMOVAL))
        tables.append((Milestone.OLD_NETWORK_GONE, Place.EVERYWHERE, Purpose.WORK, REMOVAL_EVERYWHERE))
        tables += [(Milestone.OLD_NETWORK_GONE, place, Purpose.WORK, (row,)) for place, row in aims.source.removal]
    for milestone, place, purpose, rows in tables:
        for group, resources, verbs in rows:
            for resource in resources.split():
                for verb in verbs.split():
                    yield Need(
                        verb=verb, group=group, resource=resource, namespace=places[place], purpose=purpose,
                        milestone=milestone,
                    )  # fmt: skip
    for title in aims.required:
        kind, _, place_of_it = title.partition(" ")
        yield Need(verb="get", group="apps", resource=f"{kind.lower()}s", namespace=place_of_it.partition("/")[0])
    for each in aims.removals:
        for verb in ("get", "delete") if aims.removes else ("get",):
            yield Need(
                verb=verb, group=each.group, resource=each.resource, namespace=each.namespace,
                milestone=Milestone.OLD_NETWORK_GONE if verb == "delete" else Milestone.BEFORE_CILIUM,
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


def denied(
    cluster: Cluster,
    *,
    cilium_namespace: str,
    own_kinds: Callable[[], Sequence[tuple[str, str, str]]],
    aims: Aims = NO_AIMS,
) -> tuple[Need, ...]:
    """The permissions that the user lacks; takes one request for an administrator, else one for each permission.

    A server that does not answer such questions denies nothing. `own_kinds` asks the API for those of `needs`.
    """
    try:
        if _allowed(cluster, Need(verb="*", group="*", resource="*")):
            return ()
        asked = needs(cilium_namespace=cilium_namespace, aims=aims, own_kinds=own_kinds())
        wanted = list(dict.fromkeys(asked))
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            answers = list(pool.map(lambda need: _allowed(cluster, need), wanted))
    except ClusterError as error:
        if error.status in (403, 404):
            return ()
        raise
    return tuple(need for need, allowed in zip(wanted, answers, strict=True) if not allowed)
