"""Virtual nodes, which are a cloud service and not a machine: DaemonSets may be scheduled there, but no agent can run.

They are recognised by the marks that their providers set: a label with its value, or the key of a taint.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

LABELS = {
    "type": ("virtual-kubelet", "virtual-node"),  # Virtual Kubelet and products built on it: AKS, Alibaba's ECI
    "eks.amazonaws.com/compute-type": ("fargate",),
    "liqo.io/type": ("virtual-node",),
    "alibabacloud.com/virtual-node": ("true",),
    "node.kubernetes.io/instance-type": ("eklet",),  # Tencent's
    "virtualization": ("virtualnode2",),  # AKS' second kind
    "virtual-kubelet.io/provider": ("admiralty",),
    "virtual-node.interlink/type": ("virtual-kubelet",),
    "node-role.kubernetes.io/virtual-node": ("",),  # Oracle's
    "kubernetes.io/arch": ("wasm32-wasi", "wasm32-wagi"),  # Krustlet's run no containers
}
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
TERMS = f"{_REQUIRED}.nodeSelectorTerms"
_TAINTS = (
    "virtual-kubelet.io/provider",
    "virtual-node.liqo.io/not-allowed",
    "virtual-node.interlink/no-schedule",
    "eks.amazonaws.com/compute-type",
    "eks.tke.cloud.tencent.com/eklet",
)


def is_virtual(labels: Mapping[str, str], taints: Collection[str] = ()) -> bool:
    """True if the labels or the taints' keys mark a virtual node."""
    return any(labels.get(key) in values for key, values in LABELS.items()) or any(each in taints for each in _TAINTS)


def elsewhere() -> list[dict[str, Any]]:
    """The node affinity terms that keep pods off virtual nodes."""
    return [{"matchExpressions": [{"key": key, "operator": "NotIn", "values": list(LABELS[key])} for key in LABELS]}]


def affinity_of(terms: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A node affinity of these terms; an empty one without any."""
    return {_REQUIRED: {"nodeSelectorTerms": list(terms)}} if terms else {}


def terms_of(affinity: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The terms of a node affinity, as an object has it."""
    return tuple((affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or ())


def keeps_off(terms: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> bool:
    """True if the terms of `elsewhere` keep agents off a node with these labels."""
    expressions = [each for term in terms for each in term.get("matchExpressions") or []]
    return any(labels.get(each["key"]) in each["values"] for each in expressions if each["operator"] == "NotIn")


def keeps_off_these_alone(affinity: Mapping[str, Any]) -> bool:
    """True if a node affinity excludes nothing but virtual nodes."""
    required = affinity.get(_REQUIRED) or {}
    terms = _mappings(required.get("nodeSelectorTerms")) if isinstance(required, Mapping) else [{}]
    expressions = [expression for term in terms for expression in _mappings(term.get("matchExpressions") or [{}])]
    fields = [field for term in terms for field in _mappings(term.get("matchFields"))]
    return not fields and all(_spares_machines(each) for each in expressions)


def _mappings(given: Any) -> list[Mapping[str, Any]]:
    """The mappings of a list, or of a single value; anything else becomes an empty mapping."""
    found = given if isinstance(given, list | tuple) else [given] if given else []
    return [each if isinstance(each, Mapping) else {} for each in found]


def _spares_machines(expression: Mapping[str, Any]) -> bool:
    known = LABELS.get(str(expression.get("key")), ())
    values = expression.get("values")
    listed = isinstance(values, list | tuple) and bool(values)
    return expression.get("operator") == "NotIn" and listed and all(each in known for each in values or ())
