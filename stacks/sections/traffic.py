"""The config section `traffic`: how it is measured, and what a wave may lose."""

from collections.abc import Mapping
from typing import Annotated, Any, get_args

from pydantic import Field, field_validator

from stacks.flows import FlowKind
from stacks.sections.base import Section
from stacks.sections.seconds import Seconds

_OFF: tuple[Any, ...] = ("off", False)  # PyYAML reads the word as the second


class Allowance(Section):
    """The loss budget of one kind of flow in a wave: failed attempts of all its flows, and the longest gap of any."""

    failed: Annotated[int, Field(ge=0)] = 0
    gap_ms: Annotated[float, Field(ge=0)] = 5000


def _budget() -> dict[FlowKind, Allowance]:
    """Default budget: no failed attempt, but three for `dns` and `api` flows, which try rarely and do not retry."""
    seldom = Allowance(failed=3, gap_ms=10_000)
    return {kind: seldom if kind in ("dns", "api") else Allowance() for kind in get_args(FlowKind)}


class TrafficSettings(Section):
    """Limits of traffic loss before and during a wave; a kind of flow that is `off` in `budget` is not judged."""

    enabled: bool = True
    baseline_seconds: Annotated[int, Field(ge=4, le=600)] = 20
    soak_seconds: Annotated[int, Field(ge=0, le=3600)] = 4
    deadline_seconds: Seconds = 120
    pause_ms: Annotated[float, Field(ge=0)] = 5000
    budget: dict[FlowKind, Allowance] = Field(default_factory=_budget)

    @field_validator("budget", mode="before")
    @classmethod
    def _laid_over_defaults(cls, said: Any) -> Any:
        if not isinstance(said, Mapping):
            return said
        known: dict[str, Any] = {kind: each.model_dump(by_alias=True) for kind, each in _budget().items()}
        for kind, value in said.items():
            if kind in known and value in _OFF:
                del known[kind]
            else:
                both = isinstance(value, Mapping) and kind in known
                known[kind] = {**known[kind], **value} if both else value
        return known
