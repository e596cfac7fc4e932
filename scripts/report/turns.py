"""Each node's turn, put together from the stack's outputs, the marks on the Node, and what it told in Events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from components.operations.marks import TurnStep
from scripts.report.model import Losses, Step, Trouble, Turn, TurnState

# The order of a turn's steps; the outputs have them by name.
STEPS = ("cordon", "drain", "agent", "reboot", "command", "wait", "recycle", "verify", "evict", "uncordon")
FIRST_HALF = ("cordon", "drain")
_BY_REASON = {f"Migration{name.title()}": name for name in STEPS}
_ENDS = ("MigrationFailed", "MigrationStopped")
_OVER_BUDGET = "MigrationTraffic"
# How the Event at the end of a turn's first half begins.
_EMPTIED = ("drained", "its pods stay")


@dataclass(frozen=True, kw_only=True)
class Told:
    """One Event of ours on a Node; the API keeps them for an hour unless it is told otherwise."""

    node: str
    at: datetime
    reason: str
    message: str

    @property
    def step(self) -> str:
        """The step that it announces; empty for an end."""
        return _BY_REASON.get(self.reason, "")


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
    """From the outputs, which are exact, and from Events what those do not have."""
    seconds = {str(name): float(took) for name, took in (result.get("seconds") or {}).items()}
    first_half = {name: seconds[name] for name in FIRST_HALF if name in seconds}
    second_half = {name: seconds[name] for name in STEPS if name in seconds and name not in FIRST_HALF}
    exact = _backward(moment(result.get("finished")), second_half)
    began = moment(result.get("began"))
    if began and exact:
        # Both times are told to the second; the halves of a quick turn would overlap.
        began = min(began, exact[0].start - timedelta(seconds=sum(first_half.values())))
    exact = [*_forward(began, first_half), *exact]
    have = {step.name for step in exact}
    first = exact[0].start if exact else None
    return sorted([*exact, *_from_events(told, without=have, before=first)], key=lambda step: step.start)


def _forward(start: datetime | None, seconds: Mapping[str, float]) -> list[Step]:
    steps: list[Step] = []
    for name, took in seconds.items() if start else ():
        assert start
        steps.append(Step(name=name, start=start, end=start + timedelta(seconds=took)))
        start = steps[-1].end
    return steps


def _backward(end: datetime | None, seconds: Mapping[str, float]) -> list[Step]:
    start = end - timedelta(seconds=sum(seconds.values())) if end else None
    return _forward(start, seconds)


def _from_events(told: Sequence[Told], *, without: set[str], before: datetime | None) -> list[Step]:
    """The steps of the latest turn that ended; each lasts until the next Event of its node."""
    ordered = sorted(told, key=in_order)
    begins = [number for number, each in enumerate(ordered) if each.step == STEPS[0]]
    latest = ordered[begins[-1] :] if begins else []
    found = [Step(name=each.step, start=each.at, end=after.at) for each, after in pairwise(latest) if each.step]
    found = [step for step in found if step.name not in without]
    if before is None:
        return found
    # Events are told to the second, so what is known exactly has the last word.
    early = [step for step in found if step.start <= before + timedelta(seconds=1)]
    return [Step(name=step.name, start=min(step.start, before), end=min(step.end, before)) for step in early]


def in_order(each: Told) -> tuple[datetime, float]:
    """The key to sort by: time, which is told to the second, and within one the order of a turn."""
    if each.step:
        return each.at, STEPS.index(each.step)
    return each.at, STEPS.index("drain") + 0.5 if each.message.startswith(_EMPTIED) else len(STEPS)


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
