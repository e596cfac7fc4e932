"""When a turn did which of its steps, as data: in the stack's outputs, and on each of the turn's Events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from components.names import PREFIX
from components.operations.progress import StepTime

# The annotation of an Event that holds a HalfRecord.
RECORD = f"{PREFIX}/record"
Outcome = Literal["", "done", "failed", "stopped"]


class StepRecordError(Exception):
    """A record that this version does not read; the text is the first thing that is wrong with it."""


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StepRecord(_Read):
    """One step by the clock of the run's machine; `end` is absent while it is under way."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    start: AwareDatetime
    end: AwareDatetime | None = None

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
        """The last moment that it speaks of."""
        return max((step.end or step.start for step in self.steps), default=None)

    @property
    def current(self) -> str:
        """The step under way; empty if there is none."""
        return self.steps[-1].name if self.steps and not self.outcome and not self.steps[-1].end else ""


_STEPS = TypeAdapter(tuple[StepRecord, ...])


def records_of(times: Sequence[StepTime]) -> tuple[StepRecord, ...]:
    """The records of the steps that a turn's progress timed."""
    return tuple(StepRecord(name=each.name, start=each.start, end=each.end) for each in times)


def as_outputs(times: Sequence[StepTime]) -> list[dict[str, Any]]:
    """The same as the stack's outputs keep it."""
    return [each.model_dump(mode="json", exclude_none=True) for each in records_of(times)]


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
