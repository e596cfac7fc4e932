"""How a node is, as its kubelet reports it: what it has to give and what it suffers from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.operations.model import condition_is_true
from components.operations.placing.amounts import read_amounts
from components.operations.placing.taints import Taint, read_taints
from components.operations.quantities import NOTHING, Room
from components.operations.selectors import Object

_TROUBLES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
_KEEP_AWAY = ("NoSchedule", "NoExecute")
_CORDON = "node.kubernetes.io/unschedulable"


@dataclass(frozen=True, kw_only=True)
class NodeState:
    """One node's state."""

    troubles: tuple[str, ...] = ()
    taints: frozenset[str] = frozenset()
    room: Room = NOTHING
    kernel: str = ""
    keeps_away: tuple[Taint, ...] = ()
    allocatable: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, item: Object) -> "NodeState":
        """From the API's JSON."""
        spec, status = item.get("spec") or {}, item.get("status") or {}
        taints = [each for each in spec.get("taints") or [] if each.get("effect") in _KEEP_AWAY]
        return cls(
            troubles=tuple(each for each in _TROUBLES if condition_is_true(item, each)),
            taints=frozenset(f"{each['key']}={each.get('value', '')}" for each in taints if each["key"] != _CORDON),
            room=Room.read(status.get("allocatable")),
            keeps_away=read_taints(spec.get("taints") or ()),
            allocatable=read_amounts(status.get("allocatable")),
            kernel=(status.get("nodeInfo") or {}).get("kernelVersion", ""),
        )
