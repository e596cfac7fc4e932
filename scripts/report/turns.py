"""Each node's turn, put together from the stack's outputs, the marks on the Node, and what it told in Events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from components.operations.marks import TurnStep
from components.operations.step_records import RECORD, HalfRecord, StepRecord, StepRecordError, half_of, steps_of
from components.words import many
from scripts.report.model import Losses, Step, Trouble, Turn, TurnState

# The steps that this version knows, in the order in which a legend has them.
STEPS = (
    "cordon", "drain", "agent", "restore", "reboot", "command", "wait", "recycle", "verify", "evict", "uncordon",
    "watch",
)  # fmt: skip
_BY_REASON = {f"Migration{name.title()}": name for name in STEPS}
_ENDS = ("MigrationFailed", "MigrationStopped")
_OVER_BUDGET = "MigrationTraffic"


@dataclass(frozen=True, kw_only=True)
class Told:
    """One Event of ours on a Node; the API keeps them for an hour unless it is told otherwise.

    `record` is what it says of the turn's steps as data; `unread` is why there is none where there should be one.
    """

    node: str
    at: datetime
    reason: str
    message: str
    record: HalfRecord | None = None
    unread: str = ""

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> "Told | None":
        """From the API's object; None without a time."""
        at = moment(item.get("lastTimestamp") or item.get("eventTime"))
        if at is None:
            return None
        node, reason = item["involvedObject"]["name"], item.get("reason") or ""
        annotation = (item["metadata"].get("annotations") or {}).get(RECORD, "")
        record, why = _record(annotation, node=node)
        if not annotation and reason != _OVER_BUDGET:
            why = "an earlier version told it, which recorded nothing"
        at = (record and record.latest) or at  # the API has times to the second
        return cls(node=node, at=at, reason=reason, message=item.get("message") or "", record=record, unread=why)

    @property
    def step(self) -> str:
        """The step that it announces; empty for an end."""
        return self.record.current if self.record else _BY_REASON.get(self.reason, "")


def _record(annotation: str, *, node: str) -> tuple[HalfRecord | None, str]:
    """The record, or why there is none."""
    if not annotation:
        return None, ""
    try:
        found = half_of(annotation)
    except StepRecordError as error:
        return None, f"the record is none of this version's ({error})"
    return (found, "") if found.node == node else (None, f"the record speaks of node {found.node}")


@dataclass(frozen=True, kw_only=True)
class Marked:
    """What the Node object says of the turn."""

    step: TurnStep | None
    since: datetime | None = None
    by: str = ""


def moment(text: object) -> datetime | None:
    """A time as the API and the engine write it; None for anything else."""
    try:
        found = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else None


def make_turns(
    outputs: Mapping[str, Any], *, waves: Sequence[Sequence[str]], nodes: Sequence[str], marks: Mapping[str, Marked],
    told: Sequence[Told],
) -> tuple[Turn, ...]:  # fmt: skip
    """A turn for each node: those of the waves in their order, then the `nodes` that are in none."""
    wave_of = {node: number for number, wave in enumerate(waves) for node in wave}
    results = outputs.get("nodes") or {}
    rest = sorted({*nodes, *results} - set(wave_of))
    words = by_node(told)
    return tuple(
        _turn(
            node, wave=wave_of.get(node), result=results.get(node) or {}, mark=marks.get(node),
            told=words.get(node, []),
        )
        for node in [*wave_of, *rest]
    )  # fmt: skip


def by_node(told: Sequence[Told]) -> dict[str, list[Told]]:
    """Each node's own Events, in their order."""
    found: dict[str, list[Told]] = {}
    for each in told:
        found.setdefault(each.node, []).append(each)
    return found


def troubles(told: Sequence[Told]) -> tuple[Trouble, ...]:
    """The turns that failed or were stopped, and the waves that lost too much, in order of time."""
    bad = sorted((each for each in told if each.reason in (*_ENDS, _OVER_BUDGET)), key=lambda each: each.at)
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
    """The Node object knows best; the outputs stand in for it where the cluster could not be read."""
    if mark is None:
        return "done" if result.get("finished") else "to do"
    if mark.step is TurnStep.MIGRATED:
        return "done"
    if mark.step is None:
        return "to do"
    latest = max(told, key=in_order, default=None)
    return "failed" if latest and latest.reason in _ENDS else "under way"


def _steps(result: Mapping[str, Any], told: Sequence[Told]) -> list[Step]:
    """Every step of the node's latest turn whose start and end were recorded, in the outputs or in Events."""
    found = {(step.name, step.start): step.end for step in (*_latest_turn(told), *_recorded(result))}
    steps = [Step(name=name, start=start, end=end) for (name, start), end in found.items() if end]
    return sorted(steps, key=lambda step: (step.start, step.end))


def _recorded(result: Mapping[str, Any]) -> tuple[StepRecord, ...]:
    try:
        return steps_of(result.get("steps") or [])
    except StepRecordError:
        return ()


def _latest_turn(told: Sequence[Told]) -> list[StepRecord]:
    """Steps by the Events from when the node was last begun to be emptied; each has all of its half so far."""
    found: list[StepRecord] = []
    began: datetime | None = None
    for record in (each.record for each in sorted(told, key=in_order) if each.record and each.record.steps):
        if record.half == 1 and record.steps[0].start != began:
            found, began = [], record.steps[0].start
        found += record.steps
    return found


def unread(outputs: Mapping[str, Any], told: Sequence[Told]) -> list[str]:
    """A line for every node whose steps were recorded in a way that this version does not read."""
    lines = []
    for node, result in sorted((outputs.get("nodes") or {}).items()):
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
    """The key to sort by: time, and within one moment the number of steps told."""
    if each.record:
        return each.at, len(each.record.steps) + bool(each.record.outcome)
    return each.at, STEPS.index(each.step) if each.step else len(STEPS)


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _losses(value: object) -> Losses | None:
    """What the flows from and to the node did in its wave, kind by kind in the outputs, as one."""
    parts = list(value.values()) if isinstance(value, Mapping) else []
    if not parts:
        return None
    return Losses(
        sent=sum(int(part["sent"]) for part in parts),
        failed=sum(int(part["failed"]) for part in parts),
        longest_gap_ms=max(float(part["longestGapMs"]) for part in parts),
    )
