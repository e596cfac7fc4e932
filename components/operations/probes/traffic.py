"""Traffic checks around a change: no losses before it, and its own losses within a budget."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, OperationError, pause
from components.operations.probes.probe_logs import STALE_SECONDS, read_probes, read_probes_at
from components.operations.progress import Progress
from components.operations.step_records import StepRecordError, steps_of
from components.plurals import many
from components.probe.budget import Budget, broken
from components.probe.explanations import Restart
from components.probe.measured import FlowTotals, Measurement
from components.probe.reading import measure
from components.probe.records import Key, Networks, Reading, Record

_SECONDS_A_RECORD = 2.0
_LINES_A_RECORD = 3  # a probe's own record, an inherited one, now and then a past
_BEGIN_SECONDS = 15.0
_NAMED = 12
_MARGIN_SECONDS = 1.0  # for what a probe was waiting for when it began
# A reading taken before a change, kept while this process lives; a later process reads it from the probes' logs again.
_before: dict[str, Reading] = {}


@dataclass(frozen=True, kw_only=True)
class Change:
    """A wave or a phase, with texts for messages when traffic blocks it or breaks its budget."""

    title: str
    not_begun: str = "nothing was changed"
    not_gone_on: str = "nothing more was changed"
    way_back: str = ""

    @classmethod
    def of_wave(cls, title: str) -> "Change":
        """The change of a wave."""
        return cls(
            title=title,
            not_begun="no node was touched",
            not_gone_on="no further node was touched",
            way_back="taking the nodes out of `waves` gives them back",
        )


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of the traffic checks: budget and durations, in seconds."""

    budget: Budget
    networks: Networks
    baseline_seconds: float
    soak_seconds: float
    deadline_seconds: float


def assert_quiet(cluster: Cluster, *, change: Change, rules: Rules, progress: Progress) -> None:
    """Check the last seconds of every flow and keep the reading; raises OperationError if there are losses already.

    A probe that has just started may have lost its first requests to a Service that was not set up on nodes yet. So if
    the baseline reaches back to a probe's start, losses are checked again until it does not.
    """
    progress.step("traffic", f"looking at what every flow lost in the last {rules.baseline_seconds:.0f} s")
    deadline = Deadline(2 * rules.baseline_seconds + _BEGIN_SECONDS)
    while True:
        reading, silent = _grown_up(cluster, rules=rules, progress=progress)
        earlier = baseline(reading, seconds=rules.baseline_seconds)
        lost = broken(measure(reading, networks=rules.networks, since=earlier, silent=silent), rules.budget)
        if not lost or deadline.passed or not reaches_back(reading, seconds=rules.baseline_seconds):
            break
        progress.say(f"a probe that has just begun lost something ({lost[0]}): looking whether that is over")
        pause(_SECONDS_A_RECORD)
    if lost:
        raise OperationError(
            f"{change.title} does not begin, {change.not_begun}: traffic is lost already:\n  "
            + _listed(lost)
            + "\n  mend that and run `pulumi up` again, or allow it in traffic.budget"
        )
    _before[change.title] = Reading(latest=reading.latest)
    progress.done(f"{many(len(reading.latest), 'probe')} read, nothing lost")


def baseline(reading: Reading, *, seconds: float) -> Reading:
    """The counts as they were `seconds` before now, as far back as a reading of all records goes.

    "Now" is the last record of a node's probe, by the node's own clock: a run that ended earlier has nothing new.
    """
    newest = max((each.at for each in reading.latest.values()), default=0.0)
    now: defaultdict[str, float] = defaultdict(lambda: newest - STALE_SECONDS)  # a deleted node has no probe left
    for each in reading.latest.values():
        now[each.node] = max(now[each.node], each.at)
    found = {}
    for key, records in reading.history.items():
        latest = reading.latest[key]
        within = (each for each in records.values() if each.at >= now[latest.node] - seconds)
        found[key] = min(within, key=lambda each: each.number, default=latest)
    return Reading(latest=found)


def reaches_back(reading: Reading, *, seconds: float) -> bool:
    """True if some probe had not started, or only just, `seconds` before its latest record."""
    return any(each.since > each.at - seconds - _SECONDS_A_RECORD for each in reading.latest.values() if not each.by)


def _grown_up(cluster: Cluster, *, rules: Rules, progress: Progress) -> tuple[Reading, list[str]]:
    """A reading that covers the baseline's seconds of every probe; waits if the probes have just started."""
    lines = round(_LINES_A_RECORD * rules.baseline_seconds / _SECONDS_A_RECORD) + _LINES_A_RECORD + 1
    deadline = Deadline(rules.baseline_seconds + _BEGIN_SECONDS)
    while True:
        reading, silent = read_probes(cluster, lines=lines, keep_all=True, deadline_seconds=rules.deadline_seconds)
        records = reading.latest.values()
        seen = max((each.at for each in records), default=0.0) - min((each.since for each in records), default=0.0)
        if deadline.passed or (not silent and seen >= rules.baseline_seconds - _SECONDS_A_RECORD):
            return reading, silent
        progress.say(f"the probes have looked for {seen:.0f} s")
        pause(_SECONDS_A_RECORD)


def judge(
    cluster: Cluster, *, change: Change, since: datetime, restarts: Iterable[Restart], rules: Rules, progress: Progress
) -> tuple[Measurement, list[str]]:
    """(the measurement since the change began, one line for each flow that broke the budget)."""
    progress.step("traffic", f"watching for {rules.soak_seconds:.0f} s more, then counting what every flow lost")
    pause(rules.soak_seconds)
    earlier = _before.get(change.title) or read_probes_at(cluster, since, deadline_seconds=rules.deadline_seconds)
    reading, silent = read_probes(cluster, deadline_seconds=rules.deadline_seconds)
    earlier = Reading(latest=_ended_before(reading, since) | earlier.latest)
    measurement = measure(reading, networks=rules.networks, since=earlier, silent=silent, restarts=restarts)
    lost = broken(measurement, rules.budget)
    sent = sum(flow.sent for flow in measurement.flows)
    failed = sum(flow.failed for flow in measurement.flows)
    progress.done(f"{sent:,} sent, {failed:,} failed, longest gap {_longest(measurement.flows):,.0f} ms")
    return measurement, lost


def _ended_before(reading: Reading, moment: datetime) -> dict[Key, Record]:
    """The runs without a record since the moment: their losses belong to an earlier change."""
    return {key: each for key, each in reading.latest.items() if each.at <= moment.timestamp()}


def record_of(measurement: Measurement, node: str = "") -> dict[str, Any]:
    """The results by kind of the flows of one node, or of all, for the stack's outputs; gaps in milliseconds."""
    found: dict[str, dict[str, float]] = {}
    for flow in measurement.flows:
        if node and node not in (flow.source_node, flow.target_node):
            continue
        kind = found.setdefault(flow.kind, {"sent": 0, "failed": 0, "planned": 0, "longestGapMs": 0.0})
        kind["sent"] += flow.sent
        kind["failed"] += flow.failed
        kind["planned"] += flow.planned
        kind["longestGapMs"] = round(max(kind["longestGapMs"], flow.longest_gap_ms), 1)
    return dict(sorted(found.items()))


def totals_of(measurement: Measurement, node: str) -> dict[str, float]:
    """The results of all flows of one node together, small enough to be kept for each of thousands."""
    kinds = record_of(measurement, node).values()
    return {
        "sent": sum(kind["sent"] for kind in kinds),
        "failed": sum(kind["failed"] for kind in kinds),
        "longestGapMs": max((kind["longestGapMs"] for kind in kinds), default=0.0),
    }


def refusal(change: Change, lost: Sequence[str]) -> str:
    """The message for a change that broke its budget."""
    back = f", {change.way_back}" if change.way_back else ""
    return (
        f"{change.title} is done, but it broke its traffic budget, so {change.not_gone_on}:\n  "
        + _listed(lost)
        + f"\n  look into that first; `pulumi up` again accepts it and goes on{back}"
    )


def restart_of(node: str, turn: Mapping[str, Any]) -> Restart | None:
    """The time during which a turn restarted its node, from the turn's own record; None if it did not.

    Only losses in that time are excused: pods stay reachable while their node is drained and its agent re-created. A
    record of an earlier version without step times excuses nothing. Raises OperationError if it can't be read.
    """
    try:
        steps = steps_of(turn.get("steps") or []) if turn.get("restarted") else ()
    except StepRecordError as error:
        raise OperationError(
            f"node {node}: the record of its turn's steps is none of this version's ({error}), so the time of its "
            "restart is not known; run the version that moved it, or set `traffic.budget` to `off` for this run"
        ) from error
    restarts = [step for step in steps if step.effect == "restart"]
    times = [(step.start.timestamp(), step.end.timestamp()) for step in restarts if step.end]
    if not times:
        return None
    starts, ends = zip(*times, strict=True)
    return Restart(node=node, start=min(starts) - _MARGIN_SECONDS, end=max(ends) + _MARGIN_SECONDS)


def moment(text: str) -> datetime:
    """The time in a text that this program wrote."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def _longest(flows: Sequence[FlowTotals]) -> float:
    return max((flow.longest_gap_ms for flow in flows), default=0.0)


def _listed(lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - _NAMED} more"] if len(lines) > _NAMED else []
    return "\n  ".join([*lines[:_NAMED], *more])
