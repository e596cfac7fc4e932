"""One pod with or without a place, as whole manifests, and nodes for most of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.placing.manifests import ZONE, Object, node

THREE = tuple(node(f"worker-{number}") for number in (1, 2, 3))
ZONES = tuple(node(f"worker-{number}", labels={ZONE: zone}) for number, zone in ((1, "a"), (2, "b"), (3, "b")))


@dataclass(frozen=True, kw_only=True)
class Case:
    """One line of the table; `told` is empty for a pod that has a place. Lists of the API are by their last word."""

    title: str
    told: str = ""
    pods: Sequence[Object]
    nodes: Sequence[Object] = THREE
    lists: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    check: str = "replacements-placed"
