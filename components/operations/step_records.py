"""Records of a turn's steps with their times, kept in the stack's outputs and on each of the turn's Events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from components.names import PREFIX
from components.operations.progress import Effect, StepTime

# The annotation of an Event that holds a HalfRecord.
RECORD = f"{PREFIX}/record"
Outcome = Literal["", "done", "failed", "stopped"]
# Earlier versions recorded no effects; these steps of theirs had one.
_EFFECTS: Mapping[str, Effect] = {"agent": "switch", "reboot": "restart", "command": "restart"}


class StepRecordError(Exception):
    """A record that this version cannot read; the text is its first fault."""


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StepRecord(_Read):
    """One step, timed by the clock of the run's machine; `end` is None while it is under way."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    start: AwareDatetime
    end: AwareDatetime | None = None
    effect: Effect = ""

    @model_validator(mode="before")
    @classmethod
    def _with_effect(cls, raw: Any) -> Any:
        if isinstance(raw, Mapping) and "effect" not in raw and raw.get("name") in _EFFECTS:
            return {**raw, "effect": _EFFECTS[raw["name"]]}
        return raw

    @model_validator(mode="after")
    def _forward(self) -> "StepRecord":
        if self.end and self.end < self.start:
            raise ValueError("it ends before it begins")
        return self


class HalfRecord(_Read):
    """The steps of one half of a turn so far; half 1 empties the node. `outcome` is empty while it is under way."""

    node: str
    half: Literal[1, 2]
    outcome: Outcome = ""
    steps: tuple[StepRecord, ...] = ()

    @property
    def latest(self) -> datetime | None:
        """The latest time in the record."""
        return max((step.end or step.start for step in self.steps), default=None)

    @property
    def current(self) -> str:
        """The step under way; empty if there is none."""
        return self.steps[-1].name if self.steps and not self.outcome and not self.steps[-1].end else ""


_STEPS = TypeAdapter(tuple[StepRecord, ...])


def records_of(times: Sequence[StepTime]) -> tuple[StepRecord, ...]:
    """The records of the steps that a turn's progress timed."""
    return tuple(StepRecord(name=each.name, start=each.start, end=each.end, effect=each.effect) for each in times)


def as_outputs(times: Sequence[StepTime]) -> list[dict[str, Any]]:
    """The records in the form of the stack's outputs."""
    return [each.model_dump(mode="json", exclude_none=True) for each in records_of(times)]


def restart_step(name: str) -> bool:
    """True if the step of that name restarted the node in the versions whose Events had no record."""
    return _EFFECTS.get(name) == "restart"


def steps_of(outputs: object) -> tuple[StepRecord, ...]:
    """The records in a stack's outputs. Raises StepRecordError."""
    try:
        return _STEPS.validate_python(outputs)
    except ValidationError as error:
        raise StepRecordError(_first(error)) from error


def half_of(annotation: str) -> HalfRecord:
    """The record on an Event. Raises StepRecordError."""
    try:
        return HalfRecord.model_validate_json(annotation)
    except ValidationError as error:
        raise StepRecordError(_first(error)) from error


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
