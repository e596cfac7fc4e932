"""Keeps autoscalers away from a node for its turn by their own annotations, and later restores just what it set.

The annotations' earlier values are recorded on the Node in the same request.
"""

import json
from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from components.operations.deadline import OperationError
from components.operations.objects.model import Node
from components.operations.turn_annotations import HELD

KARPENTER = "karpenter.sh/do-not-disrupt"
CLUSTER_AUTOSCALER = "cluster-autoscaler.kubernetes.io/scale-down-disabled"
_HOLDS = "true"
_RECORD = TypeAdapter(dict[str, str | None])
Annotations = dict[str, str | None]


def holding(node: Node) -> Annotations:
    """The annotations to write on the node for its turn; one that was set by others already stays as it is."""
    if HELD in node.annotations:
        return dict.fromkeys(_before(node), _HOLDS)
    before = {
        key: node.annotations.get(key) for key in (KARPENTER, CLUSTER_AUTOSCALER) if node.annotations.get(key) != _HOLDS
    }
    return {HELD: json.dumps(before, sort_keys=True), **dict.fromkeys(before, _HOLDS)}


def released(node: Node) -> Annotations:
    """The annotations that release the node; one that others changed in the meantime stays as it is.

    Raises OperationError if the record of the earlier values cannot be read.
    """
    if HELD not in node.annotations:
        return {}
    ours = {key: old for key, old in _before(node).items() if node.annotations.get(key) == _HOLDS}
    return {**ours, HELD: None}


def release_words(node: Node) -> list[str]:
    """The same as arguments of `kubectl annotate node`; unreadable ones are left as they are."""
    try:
        words = released(node)
    except OperationError:
        words = {HELD: None}
    return [f"{key}-" if value is None else f"{key}={value}" for key, value in words.items()]


def _before(node: Node) -> Mapping[str, str | None]:
    try:
        read = _RECORD.validate_json(node.annotations[HELD])
        return {key: read[key] for key in (KARPENTER, CLUSTER_AUTOSCALER) if key in read}
    except ValidationError as error:
        raise OperationError(
            f"node {node.name}: annotation {HELD} was changed by hand, so what {KARPENTER} and {CLUSTER_AUTOSCALER} "
            f"were before is not known: set both as you want them, `kubectl annotate node {node.name} {HELD}-`, and "
            "`pulumi up` again"
        ) from error
