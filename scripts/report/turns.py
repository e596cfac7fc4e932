"""Assembles each node's turn from the stack's outputs, the Node's annotations and its Events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, get_args

from components.operations.events import OVER_BUDGET, reason_of
from components.operations.step_records import (
    RECORD,
    HalfRecord,
    Outcome,
    StepRecord,
    StepRecordError,
    half_of,
    restart_step,
    steps_of,
)
from components.operations.turn_annotations import TurnStep
from components.plurals import many
from scripts.report.model import Losses, Step, Trouble, Turn, TurnState

# Earlier versions told their steps by an Event's reason alone; within one second they came in this order.
_UNRECORDED = (
    "cordon", "drain", "agent", "restore", "reboot", "command", "wait", "recycle", "verify", "evict", "uncordon",
    "watch",
)  # fmt: skip
_BY_REASON = {reason_of(name): name for name in _UNRECORDED}
_OUTCOMES: dict[str, Outcome] = {reason_of(name): name for name in get_args(Outcome) if name}
_BAD: tuple[Outcome, ...] = ("failed", "stopped")


@dataclass(frozen=True, kw_only=True)
class Told:
    """One Event of the program on a Node; the API keeps Events for an hour by default.

    `record` is its machine-readable record of the turn's steps; `unread` is the reason if that is missing.
    """

    node: str
    at: datetime
    reason: str
    message: str
    record: HalfRecord | None = None
    unread: str = ""

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> "Told | None":
        """Parse the API's object; None if it has no time."""
        at = moment(item.get("lastTimestamp") or item.get("eventTime"))
        if at is None:
            return None
        node, reason = item["involvedObject"]["name"], item.get("reason") or ""
        annotation = (item["metadata"].get("annotations") or {}).get(RECORD, "")
        record, why = _record(annotation, node=node)
        if not annotation and reason != OVER_BUDGET:
            why = "an earlier version told it, which recorded nothing"
        at = (record and record.latest) or at  # the API's times have a resolution of a second
        return cls(node=node, at=at, reason=reason, message=item.get("message") or "", record=record, unread=why)

    @property
    def step(self) -> str:
        """The step that it announces; empty if it announces an end."""
        return self.record.current if self.record else _BY_REASON.get(self.reason, "")

    @property
    def outcome(self) -> Outcome:
        """The outcome of a half turn; empty for anything but its end."""
        return self.record.outcome if self.record else _OUTCOMES.get(self.reason, "")

    @property
    def over_budget(self) -> bool:
        """True if it tells of a wave that lost too much."""
        return self.reason == OVER_BUDGET

    @property
    def bad(self) -> bool:
        """True for a failure, a stop, or too many losses."""
        return self.over_budget or self.outcome in _BAD

    @property
    def word(self) -> str:
        """The step or the outcome, in one word."""
        return self.step or self.outcome or ("traffic" if self.over_budget else self.reason)

    @property
    def begins(self) -> datetime | None:
        """The moment at which the node's turn began; None if it does not say."""
        if self.record is None:
            return self.at if self.step == _UNRECORDED[0] else None
        return self.record.steps[0].start if self.record.half == 1 and self.record.steps else None

    @property
    def restarts(self) -> bool:
        """True for an Event without a record that tells of a node's restart."""
        return self.record is None and restart_step(self.step)


def _record(annotation: str, *, node: str) -> tuple[HalfRecord | None, str]:
    """The record, or the reason why there is none."""
    if not annotation:
        return None, ""
    try:
        found = half_of(annotation)
    except StepRecordError as error:
        return None, f"the record is none of this version's ({error})"
    return (found, "") if found.node == node else (None, f"the record speaks of node {found.node}")


@dataclass(frozen=True, kw_only=True)
class Marked:
    """The record of a turn in the Node's annotations; `record` has the times, steps and counts of one that is over."""

    step: TurnStep | None
    since: datetime | None = None
    by: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)


def moment(text: object) -> datetime | None:
    """Parse a time in the format of the API and the engine; None for anything else."""
    try:
        found = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else None


def make_turns(
    outputs: Mapping[str, Any], *, waves: Sequence[Sequence[str]], nodes: Sequence[str], marks: Mapping[str, Marked],
    told: Sequence[Told],
) -> tuple[Turn, ...]:  # fmt: skip
    """A turn for each node: the waves' nodes in their order, then the `nodes` that are in none."""
    wave_of = {node: number for number, wave in enumerate(waves) for node in wave}
    results = records_of_turns(outputs, marks)
    rest = sorted({*nodes, *results} - set(wave_of))
    words = by_node(told)
    return tuple(
        _turn(
            node, wave=wave_of.get(node), result=results.get(node) or {}, mark=marks.get(node),
            told=words.get(node, []),
        )
        for node in [*wave_of, *rest]
    )  # fmt: skip


def records_of_turns(outputs: Mapping[str, Any], marks: Mapping[str, Marked]) -> dict[str, dict[str, Any]]:
    """The record of each node's turn: from its Node, and what the stack's outputs have besides.

    Earlier versions kept all of it in the outputs, which are then the only place.
    """
    kept: Mapping[str, Any] = outputs.get("nodes") or {}
    found: dict[str, dict[str, Any]] = {node: dict(result or {}) for node, result in kept.items()}
    for node, mark in marks.items():
        if mark.record:
            found[node] = {**found.get(node, {}), **mark.record}
    for wave in outputs.get("waves") or []:
        for node, totals in (wave.get("traffic") or {}).items():
            found.setdefault(node, {}).setdefault("traffic", {"all": totals})
    return found


def by_node(told: Sequence[Told]) -> dict[str, list[Told]]:
    """The Events of each node, in their order."""
    found: dict[str, list[Told]] = {}
    for each in told:
        found.setdefault(each.node, []).append(each)
    return found


def troubles(told: Sequence[Told]) -> tuple[Trouble, ...]:
    """The turns that failed or were stopped, and the waves that lost too much, in order of time."""
    bad = sorted((each for each in told if each.bad), key=lambda each: each.at)
    return tuple(Trouble(node=each.node, at=each.at, reason=each.reason, message=each.message) for each in bad)


def _turn(node: str, *, wave: int | None, result: Mapping[str, Any], mark: Marked | None, told: Sequence[Told]) -> Turn:
    steps = _steps(result, told)
    began = moment(result.get("began")) or (steps[0].start if steps else None)
    finished = moment(result.get("finished"))
    return Turn(
        node=node,
        wave=wave,
        state=_state(result, mark, told),
        began=began,
        finished=finished,
        steps=tuple(steps),
        pods_evicted=_number(result.get("podsEvicted")),
        pods_recycled=_number(result.get("podsRecycled")),
        rebooted=result.get("restarted"),
        flows_verified=_number((result.get("verified") or {}).get("flows")),
        losses=_losses(result.get("traffic")),
    )


def _state(result: Mapping[str, Any], mark: Marked | None, told: Sequence[Told]) -> TurnState:
    """The state of a turn by its Node object, or by the outputs if the cluster could not be read."""
    if mark is None:
        return TurnState.DONE if result.get("finished") else TurnState.TO_DO
    if mark.step is TurnStep.MIGRATED:
        return TurnState.DONE
    if mark.step is None:
        return TurnState.TO_DO
    latest = max(told, key=in_order, default=None)
    return TurnState.FAILED if latest and latest.outcome in _BAD else TurnState.UNDER_WAY


def _steps(result: Mapping[str, Any], told: Sequence[Told]) -> list[Step]:
    """Every step of the node's latest turn whose start and end were recorded, in the outputs or in Events."""
    found = {(step.name, step.start): step for step in (*_latest_turn(told), *_recorded(result))}
    steps = [Step(name=s.name, start=s.start, end=s.end, effect=s.effect) for s in found.values() if s.end]
    return sorted(steps, key=lambda step: (step.start, step.end))


def _recorded(result: Mapping[str, Any]) -> tuple[StepRecord, ...]:
    try:
        return steps_of(result.get("steps") or [])
    except StepRecordError:
        return ()


def _latest_turn(told: Sequence[Told]) -> list[StepRecord]:
    """Steps of the node's latest turn from its Events; each Event has all steps of its half so far."""
    found: list[StepRecord] = []
    began: datetime | None = None
    for record in (each.record for each in sorted(told, key=in_order) if each.record and each.record.steps):
        if record.half == 1 and record.steps[0].start != began:
            found, began = [], record.steps[0].start
        found += record.steps
    return found


def unread(
    outputs: Mapping[str, Any], told: Sequence[Told], marks: Mapping[str, Marked] = MappingProxyType({})
) -> list[str]:
    """A line for every node whose step records this version cannot read."""
    lines = []
    for node, result in sorted(records_of_turns(outputs, marks).items()):
        try:
            steps_of(result.get("steps") or [])
        except StepRecordError as error:
            lines.append(f"steps of node {node}, as the stack's record of them is none of this version's: {error}")
        else:
            if result.get("seconds") and result.get("steps") is None:
                lines.append(f"steps of node {node}, as the version that moved it recorded no times of them")
    for node, own in by_node(told).items():
        bad = [each.unread for each in own if each.unread]
        if bad:
            lines.append(f"steps of node {node} that {many(len(bad), 'Event')} told: {bad[-1]}")
    return lines


def in_order(each: Told) -> tuple[datetime, int]:
    """The sort key of Events: the time, and at equal times the number of recorded steps."""
    if each.record:
        return each.at, len(each.record.steps) + bool(each.record.outcome)
    return each.at, _UNRECORDED.index(each.step) if each.step else len(_UNRECORDED)


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _losses(value: object) -> Losses | None:
    """Losses of the flows from and to the node in its wave: the sum over the kinds in the outputs."""
    parts = list(value.values()) if isinstance(value, Mapping) else []
    if not parts:
        return None
    return Losses(
        sent=sum(int(part["sent"]) for part in parts),
        failed=sum(int(part["failed"]) for part in parts),
        longest_gap_ms=max(float(part["longestGapMs"]) for part in parts),
    )
