"""Names of the objects that are made for policies: unique, and different from all existing policies."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stacks.policies.reading.calico import name_of

Object = Mapping[str, Any]
_LONGEST = 253  # limit of an object's name in Kubernetes
_DIGITS = 10
_KUBERNETES = "networking.k8s.io/v1"
Place = tuple[str, str, str, str]


def _place(item: Object, *, kind: str = "", version: str = "") -> Place:
    """Group, kind, namespace and name; Calico's two groups count as one, and its default tier is stripped."""
    group = (version or item.get("apiVersion") or "projectcalico.org").partition("/")[0].removeprefix("crd.")
    return group, kind or item["kind"], item["metadata"].get("namespace", ""), name_of(item)


@dataclass(kw_only=True)
class Names:
    """The names in use; an object gets an alternative name if its own is taken, the same in every run."""

    taken: set[Place] = field(default_factory=set)

    def are_somebodys(self, items: Iterable[Object], *, kind: str, of_calico: bool) -> None:
        """Record policies on the cluster that the program did not make; items of a list may lack their kind."""
        for item in items:
            self.taken.add(_place(item, kind=kind, version="" if of_calico else _KUBERNETES))

    def given(self, objects: Iterable[Object], *, origin: str) -> tuple[Object, ...]:
        """The objects with unique names; `origin` is the title of the policy that they are for."""
        return tuple(self._given(each, origin) for each in objects)

    def _given(self, item: Object, origin: str) -> Object:
        name = item["metadata"]["name"]
        if len(name) > _LONGEST or _place(item) in self.taken:
            digest = hashlib.sha256(f"{origin} {name}".encode()).hexdigest()[:_DIGITS]
            kept = name[: _LONGEST - _DIGITS - 1].rstrip("-.")
            item = {**item, "metadata": {**item["metadata"], "name": f"{kept}-{digest}"}}
        self.taken.add(_place(item))
        return item
