"""Kinds named like policies in the API server's discovery, and those of them that this program does not know."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError, Object
from components.operations.cluster_api.served_kinds import ServedKind, discover
from components.operations.objects.other_policies import (
    has_other_matters,
    is_of_something_else,
    names_another_matter,
)

ADMINISTRATORS = "policy.networking.k8s.io"
_NAMED_LIKE_ONE = re.compile(
    r"polic(y|ies)|firewall|netpol|securitygroup|securityrule|networkqos|egress", re.IGNORECASE
)
_OF_THE_NETWORK = re.compile(r"net(work)?-?pol|firewall|egress|ingress|securitygroup|networkqos", re.IGNORECASE)
_CILIUMS = ("cilium.io",)  # read by Cilium itself
_KUBERNETES, _CALICO = "networking.k8s.io", ("crd.projectcalico.org", "projectcalico.org")
_CALICOS = re.compile(r"(Global)?NetworkPolicy|Staged\w+")  # read elsewhere; the staged ones are never enforced
# Fields of an object that hold rules for traffic; each rule of a list has some of the latter.
_RULES = re.compile(r"(in|e)gress(Deny|Rules)?")
_OF_ONE_RULE = ({"direction"}, {"sources", "destinations"})
_DOWN = "the server that has them does not answer"
_SHOWN = 5
_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class UnknownKind:
    """A kind, as NAME.GROUP, whose meaning this program does not know or whose objects it could not list.

    `names` are a few of its `count` objects, `has_rules` is True if some of those have rules for traffic; `trouble` is
    the reason why they could not be listed.
    """

    title: str
    count: int = 0
    names: tuple[str, ...] = ()
    has_rules: bool = False
    trouble: str = ""

    @property
    def of_the_network(self) -> bool:
        """True if its name or its objects look like a network policy, and its name is not about another subject."""
        return self.has_rules or _OF_THE_NETWORK.search(self.title) is not None

    @property
    def is_plain(self) -> bool:
        """True if its name identifies another subject than the network."""
        return names_another_matter(self.title.partition(".")[0])


@dataclass(frozen=True, kw_only=True)
class PolicyObjects:
    """AdminNetworkPolicies and the like as they are, and the policy kinds that are not known."""

    of_administrators: tuple[Object, ...] = ()
    unknown: tuple[UnknownKind, ...] = ()


def read_policy_kinds(cluster: Cluster) -> PolicyObjects:
    """All kinds named like policies except those read elsewhere; unknown ones without objects are left out."""
    try:
        served, silent = discover(cluster)
    except ClusterError as error:
        return PolicyObjects(unknown=(UnknownKind(title="any kind of NetworkPolicy", trouble=str(error)),))
    named = [each for each in served if _NAMED_LIKE_ONE.search(each.kind) and not _is_read_elsewhere(each)]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        read = list(pool.map(lambda kind: _read(cluster, kind), named))
    return PolicyObjects(
        of_administrators=tuple(item for items, _ in read for item in items),
        unknown=(
            *_silent(served, silent),
            *(kind for _, kind in read if kind and (kind.of_the_network or not kind.is_plain)),
        ),
    )


def _is_read_elsewhere(served: ServedKind) -> bool:
    if served.group in _CALICO and _CALICOS.fullmatch(served.kind):
        return True
    if served.group in _CILIUMS or (served.group, served.kind) == (_KUBERNETES, "NetworkPolicy"):
        return True
    named = _OF_THE_NETWORK.search(served.kind) is not None
    return is_of_something_else(served.kind, served.group, named_of_the_network=named)


def _read(cluster: Cluster, served: ServedKind) -> tuple[list[Object], UnknownKind | None]:
    title = f"{served.kind}.{served.group}"
    if served.down:
        return [], UnknownKind(title=title, trouble=_DOWN)
    try:
        if served.group == ADMINISTRATORS:
            # Items of a list have no `kind`.
            return [{**each, "kind": served.kind} for each in cluster.list(served.path)], None
        found = cluster.find(served.path, limit=_SHOWN) or {}
    except ClusterError as error:
        return [], UnknownKind(title=title, trouble=error.said)
    items = found.get("items") or []
    if not items:
        return [], None
    names = tuple(_name(each["metadata"]) for each in items[:_SHOWN])
    count = len(items) + int((found.get("metadata") or {}).get("remainingItemCount") or 0)
    return [], UnknownKind(title=title, count=count, names=names, has_rules=any(map(_has_rules, items)))


def _has_rules(item: Object) -> bool:
    """True if the object has fields of traffic rules, whatever its name."""
    spec = item.get("spec")
    if not isinstance(spec, Mapping):
        return False
    if any(isinstance(value, list) and _RULES.fullmatch(key) for key, value in spec.items()):
        return True
    rules = spec.get("rules")
    listed = [each for each in rules if isinstance(each, Mapping)] if isinstance(rules, list) else []
    return any(fields <= set(each) for each in listed for fields in _OF_ONE_RULE)


def _name(metadata: Mapping[str, Any]) -> str:
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else metadata["name"]


def _silent(served: Sequence[ServedKind], groups: Sequence[str]) -> list[UnknownKind]:
    """Groups that may have policies and whose kinds the API server does not know now."""
    # Calico's API server shows the objects of the other group.
    read_without_it = {_CALICO[1]} if any(each.group == _CALICO[0] for each in served) else set[str]()
    return [
        UnknownKind(title=f"every kind of {each}", trouble="the API server cannot say what it is")
        for each in groups
        if each not in read_without_it and not has_other_matters(each)
    ]
