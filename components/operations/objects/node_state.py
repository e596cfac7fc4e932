"""A node's state as its kubelet reports it: allocatable resources, taints and conditions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.operations.demands.quantities import NOTHING, Room
from components.operations.demands.resource_totals import read_amounts
from components.operations.demands.taints import Taint, read_taints
from components.operations.objects.model import condition_is_true
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
    system: str = ""
    kubelet_version: str = ""
    provider_id: str = ""
    keeps_away: tuple[Taint, ...] = ()
    allocatable: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, item: Object) -> "NodeState":
        """From the API's JSON."""
        spec, status = item.get("spec") or {}, item.get("status") or {}
        info = status.get("nodeInfo") or {}
        taints = [each for each in spec.get("taints") or [] if each.get("effect") in _KEEP_AWAY]
        return cls(
            troubles=tuple(each for each in _TROUBLES if condition_is_true(item, each)),
            taints=frozenset(f"{each['key']}={each.get('value', '')}" for each in taints if each["key"] != _CORDON),
            room=Room.read(status.get("allocatable")),
            keeps_away=read_taints(spec.get("taints") or ()),
            allocatable=read_amounts(status.get("allocatable")),
            kernel=info.get("kernelVersion", ""),
            system=info.get("osImage", ""),
            kubelet_version=info.get("kubeletVersion", ""),
            provider_id=spec.get("providerID") or "",
        )
