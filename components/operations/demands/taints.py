"""Taints of nodes, and pods' tolerations of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.operations.demands.terms import NotKnownError
from components.operations.selectors import Object

EVICTS = "NoExecute"
_KEEP_AWAY = ("NoSchedule", EVICTS)


@dataclass(frozen=True, kw_only=True)
class Taint:
    """One taint that keeps pods away."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"

    @property
    def text(self) -> str:
        """The taint in kubectl's notation."""
        return f"{self.key}{f'={self.value}' if self.value else ''}:{self.effect}"


CORDON = Taint(key="node.kubernetes.io/unschedulable")


def read_taints(items: Iterable[Object]) -> tuple[Taint, ...]:
    """The taints of a node that keep pods away."""
    return tuple(
        Taint(key=each.get("key", ""), value=each.get("value") or "", effect=each["effect"])
        for each in items
        if each.get("effect") in _KEEP_AWAY
    )


def _tolerates(toleration: Object, taint: Taint) -> bool:
    key, operator = toleration.get("key") or "", toleration.get("operator") or "Equal"
    if toleration.get("effect") not in (None, "", taint.effect) or (key and key != taint.key):
        return False
    if operator == "Exists":
        return True
    if operator == "Equal":
        return bool(key) and (toleration.get("value") or "") == taint.value
    raise NotKnownError(f"the operator {operator} in its tolerations is not understood")


def untolerated(taints: Iterable[Taint], tolerations: Sequence[Object]) -> Taint | None:
    """The first taint that none of the tolerations matches."""
    return next((taint for taint in taints if not any(_tolerates(each, taint) for each in tolerations)), None)
