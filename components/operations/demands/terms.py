"""Node affinity of pods and volumes, and affinity between pods, as the scheduler reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.operations.selectors import Object, matches


class NotKnownError(Exception):
    """Something that a verdict depends on is unknown or could not be read; the text names it."""


def _rule_holds(rule: Object, labels: Mapping[str, str]) -> bool:
    key, operator, values = rule.get("key", ""), rule.get("operator", ""), rule.get("values") or []
    value = labels.get(key)
    if operator in ("In", "NotIn"):
        return (value in values) is (operator == "In")
    if operator in ("Exists", "DoesNotExist"):
        return (value is not None) is (operator == "Exists")
    if operator in ("Gt", "Lt"):
        try:
            found, bound = int(value or ""), int(values[0])
        except (ValueError, IndexError):
            return False
        return found > bound if operator == "Gt" else found < bound
    raise NotKnownError(f"the operator {operator} in its node affinity is not understood")


def node_fits(terms: Sequence[Object], *, name: str, labels: Mapping[str, str]) -> bool:
    """True if one of the terms of a node selector matches; a term without rules never does."""
    for term in terms:
        rules, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
        if (rules or fields) and (
            all(_rule_holds(rule, labels) for rule in rules)
            and all(_rule_holds(rule, {"metadata.name": name}) for rule in fields)
        ):
            return True
    return False


def _with_keys(selector: Object | None, term: Object, labels: Mapping[str, str]) -> Object | None:
    """The selector with the pod's values of matchLabelKeys added, as newer API servers do themselves."""
    own = [
        {"key": key, "operator": operator, "values": [labels[key]]}
        for name, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn"))
        for key in term.get(name) or []
        if key in labels
    ]
    if selector is None or not own:
        return selector
    return {**selector, "matchExpressions": [*(selector.get("matchExpressions") or []), *own]}


@dataclass(frozen=True, kw_only=True)
class PodTerm:
    """One required term of a pod's affinity or anti-affinity."""

    topology_key: str
    selector: Object | None
    namespaces: tuple[str, ...]
    namespace_selector: Object | None = None

    @classmethod
    def read(cls, term: Object, *, namespace: str, labels: Mapping[str, str]) -> "PodTerm":
        """The term in the API's JSON; namespace and labels are those of the pod that has it."""
        chosen, given = term.get("namespaceSelector"), tuple(term.get("namespaces") or ())
        return cls(
            topology_key=term.get("topologyKey") or "",
            selector=_with_keys(term.get("labelSelector"), term, labels),
            namespaces=given or ((namespace,) if chosen is None else ()),
            namespace_selector=chosen,
        )

    def covers(self, namespace: str, labels: Mapping[str, str], *, namespaces: Mapping[str, Mapping[str, str]]) -> bool:
        """True if the term selects pods with these labels in this namespace; `namespaces` has each one's labels."""
        if not matches(self.selector, labels):
            return False
        if namespace in self.namespaces:
            return True
        if self.namespace_selector is None:
            return False
        if self.namespace_selector and namespace not in namespaces:
            raise NotKnownError(f"its affinity selects namespaces, and the labels of {namespace} could not be read")
        return matches(self.namespace_selector, namespaces.get(namespace, {}))


@dataclass(frozen=True, kw_only=True)
class Spread:
    """One topology spread constraint that must hold."""

    max_skew: int
    topology_key: str
    selector: Object | None
    min_domains: int = 1
    honours_affinity: bool = True
    honours_taints: bool = False

    @classmethod
    def read(cls, item: Object, labels: Mapping[str, str]) -> "Spread":
        """From the API's JSON."""
        return cls(
            max_skew=int(item.get("maxSkew") or 1),
            topology_key=item.get("topologyKey") or "",
            selector=_with_keys(item.get("labelSelector"), item, labels),
            min_domains=int(item.get("minDomains") or 1),
            honours_affinity=item.get("nodeAffinityPolicy") != "Ignore",
            honours_taints=item.get("nodeTaintsPolicy") == "Honor",
        )
