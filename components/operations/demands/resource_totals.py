"""Amounts of resources by name, in the scheduler's whole numbers: thousandths of a core, bytes, pieces."""

import math
from collections.abc import Iterable, Mapping

from components.operations.demands.quantities import quantity
from components.operations.selectors import Object

Amounts = Mapping[str, int]
CPU, PODS = "cpu", "pods"
# Resources that can be requested for a pod as a whole instead of per container.
_OF_PODS = ("cpu", "memory")
_HUGE = "hugepages-"


def read_amounts(given: Object | None) -> dict[str, int]:
    """Amounts from a ResourceList of the API."""
    return {
        name: math.ceil(round(quantity(text) * (1000 if name == CPU else 1), 3)) for name, text in (given or {}).items()
    }


def together(amounts: Iterable[Amounts]) -> dict[str, int]:
    """The sum of all of them."""
    found: dict[str, int] = {}
    for each in amounts:
        for name, number in each.items():
            found[name] = found.get(name, 0) + number
    return found


def largest(one: Amounts, other: Amounts) -> dict[str, int]:
    """The larger of both amounts, name by name."""
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in {*one, *other}}


def container_amounts(container: Object, kind: str = "requests") -> dict[str, int]:
    """The amounts that one container requests, or its `limits`."""
    return read_amounts((container.get("resources") or {}).get(kind))


def pod_amounts(spec: Object, kind: str = "requests") -> dict[str, int]:
    """Amounts that the scheduler reserves: containers and sidecars, or a larger init container; and the overhead.

    A sidecar is an init container that keeps running; the sidecars before an init container run beside it.
    """
    sidecars: dict[str, int] = {}
    first: dict[str, int] = {}
    for each in spec.get("initContainers") or []:
        asked = together([container_amounts(each, kind), sidecars])
        first = largest(first, asked)
        if each.get("restartPolicy") == "Always":
            sidecars = asked
    found = largest(
        together([sidecars, *(container_amounts(each, kind) for each in spec.get("containers") or [])]), first
    )
    whole = read_amounts((spec.get("resources") or {}).get(kind))
    found |= {name: number for name, number in whole.items() if name in _OF_PODS or name.startswith(_HUGE)}
    return together([found, read_amounts(spec.get("overhead"))])
