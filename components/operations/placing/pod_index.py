"""An index of pods by namespace and label, so that a selector is matched against few of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from components.operations.selectors import Object

T = TypeVar("T")
Label = tuple[str, str]


def _label(selector: Object | None) -> Label | None:
    """A label that everything matched by the selector has, if the selector demands one."""
    return next(iter(((selector or {}).get("matchLabels") or {}).items()), None)


def _buckets() -> dict[Label | None, dict[str, T]]:
    return defaultdict(dict)


@dataclass
class ByLabel(Generic[T]):
    """Things indexed by pods' labels; those without labels are candidates every time."""

    _found: dict[Label | None, dict[str, T]] = field(default_factory=_buckets)

    def put(self, key: str, thing: T, *, labels: Mapping[str, str]) -> None:
        """Add a pod, under each of its labels and under none."""
        for label in (*labels.items(), None):
            self._found[label][key] = thing

    def take(self, key: str, *, labels: Mapping[str, str]) -> None:
        """It is not there any more."""
        for label in (*labels.items(), None):
            self._found[label].pop(key, None)

    def meant_by(self, selector: Object | None) -> list[T]:
        """Candidates that the selector may match."""
        return list(self._found[_label(selector)].values())


@dataclass
class BySelector(Generic[T]):
    """Things with a pod selector, indexed by a label that its pods must have."""

    _found: dict[Label | None, dict[str, T]] = field(default_factory=_buckets)

    def put(self, key: str, thing: T, *, selector: Object | None) -> None:
        """Add one with this selector."""
        self._found[_label(selector)][key] = thing

    def take(self, key: str, *, selector: Object | None) -> None:
        """It is not there any more."""
        self._found[_label(selector)].pop(key, None)

    def may_mean(self, labels: Mapping[str, str]) -> Iterator[T]:
        """Candidates that may match a pod with these labels."""
        for label in (*labels.items(), None):
            yield from self._found[label].values()
