"""Resource quantities of pods and nodes as numbers that can be added."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from components.operations.selectors import Object
from stacks.notation.quantities import amount


@lru_cache(maxsize=4096)
def quantity(text: object) -> float:
    """The number that the API writes as `250m`, `64Gi` or `1e3`; 0 for text that is no number."""
    try:
        return float(amount(str(text)))
    except ValueError:
        return 0


@dataclass(frozen=True, kw_only=True)
class Room:
    """An amount of what the scheduler counts: cores, bytes of memory, pods."""

    cores: float = 0
    memory: float = 0
    pods: int = 0

    @classmethod
    def read(cls, amounts: Object | None) -> "Room":
        """Amounts from a ResourceList of the API."""
        given = amounts or {}
        return cls(
            cores=quantity(given.get("cpu", 0)),
            memory=quantity(given.get("memory", 0)),
            pods=int(quantity(given.get("pods", 0))),
        )

    def __add__(self, other: "Room") -> "Room":
        return Room(cores=self.cores + other.cores, memory=self.memory + other.memory, pods=self.pods + other.pods)

    def __sub__(self, other: "Room") -> "Room":
        return Room(cores=self.cores - other.cores, memory=self.memory - other.memory, pods=self.pods - other.pods)

    def at_least(self, other: "Room") -> "Room":
        """The larger of both, resource by resource."""
        return Room(
            cores=max(self.cores, other.cores), memory=max(self.memory, other.memory), pods=max(self.pods, other.pods)
        )

    @property
    def text(self) -> str:
        """The amounts in a form for messages."""
        return f"{self.cores:.1f} cores, {self.memory / 1024**3:.1f} GiB, {self.pods} pods"


NOTHING = Room()


def total(rooms: Iterable[Room]) -> Room:
    """All of them together."""
    return sum(rooms, start=NOTHING)


def asked_for(spec: Object) -> Room:
    """Amounts that the scheduler reserves for a pod: its containers and sidecars, or a larger init container."""

    def requests(container: Object) -> Room:
        return Room.read((container.get("resources") or {}).get("requests"))

    first = spec.get("initContainers") or []
    sidecars = total(requests(each) for each in first if each.get("restartPolicy") == "Always")
    asked = sidecars + total(requests(each) for each in spec.get("containers") or [])
    for each in first:
        asked = asked.at_least(requests(each) + (sidecars if each.get("restartPolicy") != "Always" else NOTHING))
    return asked + Room.read(spec.get("overhead")) + Room(pods=1)
