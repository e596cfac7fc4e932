"""Renders a reading for the terminal."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from textwrap import shorten

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from components.operations.turn_annotations import TurnStep
from components.probe.measured import FlowTotals, Measurement, Outage
from scripts.report.charts.timeline import clock, seconds_text
from scripts.report.figures import KINDS, Totals, counted
from scripts.report.turns import Told
from scripts.watch.reading import Reading

_MOST_NODES, _MOST_FLOWS, _MOST_TOLD = 15, 4, 6
_BAR_WIDTH = 40
_LONGEST_SAID = 160


def waves(reading: Reading) -> list[list[str]]:
    """The waves in the order in which they began: nodes whose turns overlap form one wave.

    The cluster does not record the config's waves, but a wave begins only when the one before has ended.
    """
    spells = sorted(_spells(reading), key=lambda spell: spell[1:])
    found: list[list[str]] = []
    latest: datetime | None = None
    for node, start, end in spells:
        if latest is None or start >= latest:
            found.append([])
        found[-1].append(node)
        latest = max(latest or end, end)
    return found


def _spells(reading: Reading) -> Iterator[tuple[str, datetime, datetime]]:
    for node, mark in reading.marks.items():
        if mark.step is None or mark.since is None:
            continue
        begins = [began for each in reading.told_by_node.get(node, ()) if (began := each.begins)]
        done = mark.step is TurnStep.MIGRATED
        yield node, min(max(begins, default=mark.since), mark.since), mark.since if done else reading.at


def failing(measured: Measurement) -> list[tuple[datetime | None, FlowTotals]]:
    """The flows with losses, each with the start of its latest outage; newest first, at equal times the worst first."""
    last: dict[tuple[str, ...], datetime] = {}
    for outage in measured.outages:
        if not outage.planned:
            last[_ends(outage)] = outage.start
    found = [(last.get(_ends(flow)), flow) for flow in measured.flows if flow.failed]
    return sorted(found, key=lambda each: (each[0] or measured.start, each[1].failed), reverse=True)


def _ends(flow: FlowTotals | Outage) -> tuple[str, ...]:
    return flow.kind, flow.source_node, flow.target_node


def draw(
    reading: Reading, *, measured: Measurement | None = None, untold: str = "", silent_seconds: float = 0
) -> RenderableType:
    """The whole view; `untold` is the reason for missing flows, `silent_seconds` the time without an answer."""
    parts: list[RenderableType] = [_head(reading), _bar(reading)]
    if silent_seconds >= 3:
        parts.append(Text(f"! the cluster has not answered for {silent_seconds:.0f} s; this is how it was", "yellow"))
    if reading.under_way:
        parts.append(_turns(reading))
    if measured:
        parts.append(_kinds(measured))
        parts.append(_losses(measured))
    if untold:
        parts.append(_apart(Text(f"flows: {' '.join(untold.split())}", "dim", no_wrap=True, overflow="ellipsis")))
    if reading.told:
        parts.append(_story(reading.told[-_MOST_TOLD:]))
    return Padding(Group(*parts), (0, 1))


def _head(reading: Reading) -> Text:
    text = Text(f"{reading.source or 'CNI'} → Cilium  ", style="bold")
    for phase in reading.strategy.phases:
        there = reading.milestone is not None and reading.milestone.includes(phase.milestone)
        now = phase.name == reading.phase
        sign, style = ("●", "bold cyan") if now else ("✓", "green") if there else ("·", "dim")
        text.append(f"{sign} {phase.name}  ", style)
    text.append(f"{clock(reading.at)} UTC", "dim")
    return text


def _bar(reading: Reading) -> RenderableType:
    done, total = len(reading.migrated), len(reading.marks)
    row = Table.grid(padding=(0, 2))
    said = f"{done} of {total} nodes on Cilium, {len(waves(reading))} waves so far"
    who = f"run by {reading.runs}" if reading.runs else "no run at work"
    row.add_row(
        ProgressBar(total=max(total, 1), completed=done, width=_BAR_WIDTH, complete_style="green"),
        Text(said),
        Text(who, "dim"),
    )
    return row


def _turns(reading: Reading) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for name in ("node", "wave", "step", "for", "pods left", "said"):
        table.add_column(name, justify="right" if name in ("wave", "for", "pods left") else "left")
    number = {node: index for index, wave in enumerate(waves(reading)) for node in wave}
    for node in reading.under_way[:_MOST_NODES]:
        mark, told = reading.marks[node], reading.told_by_node.get(node)
        latest = told[-1] if told else None
        since = (latest.at if latest else None) or mark.since
        left = reading.pods_left.get(node)
        bad = latest is not None and latest.bad
        step = latest.word if latest and (latest.step or bad) else str(mark.step)
        table.add_row(
            Text(node, "bold"),
            str(number.get(node, "")),
            Text("back: " + step if mark.step is TurnStep.RETURNING else step, "red" if bad else "cyan"),
            seconds_text(max(0.0, (reading.at - since).total_seconds())) if since else "",
            "" if left is None else str(left),
            Text(shorten(latest.message, _LONGEST_SAID) if latest else "", "red" if bad else "dim"),
        )
    if len(reading.under_way) > _MOST_NODES:
        table.add_row(Text(f"and {len(reading.under_way) - _MOST_NODES} more", "dim"))
    return _apart(table)


def _kinds(measured: Measurement) -> RenderableType:
    table = _table(f"flows until {clock(measured.end)}", "sent", "failed", "longest gap", numbers=3)
    for kind in KINDS:
        flows = [flow for flow in measured.flows if flow.kind == kind]
        totals = Totals.of(flows)
        failed = Text(f"{totals.failed:,}", "red" if totals.failed else "")
        if flows:
            table.add_row(kind, f"{totals.sent:,}", failed, f"{totals.longest_gap_ms:,.0f} ms")
    if measured.silent:
        few = ", ".join(measured.silent[:_MOST_FLOWS])
        more = f" and {len(measured.silent) - _MOST_FLOWS} more" if len(measured.silent) > _MOST_FLOWS else ""
        return _apart(Group(table, Text(f"! not read: the probes of {few}{more}", "yellow")))
    return _apart(table)


def _losses(measured: Measurement) -> RenderableType:
    lost = failing(measured)
    if not lost:
        return Text("no flow has lost anything", "green")
    table = _table("flows with losses, newest first", "from", "to", "last at", "failed", "longest gap", numbers=3)
    for at, flow in lost[:_MOST_FLOWS]:
        table.add_row(
            Text(flow.kind, "red"), flow.source_node, flow.target_node, clock(at) if at else "",
            f"{flow.failed:,} of {flow.sent:,}", f"{flow.longest_gap_ms:,.0f} ms",
        )  # fmt: skip
    if len(lost) > _MOST_FLOWS:
        table.add_row(Text(f"and {len(lost) - _MOST_FLOWS} more", "dim"))
    return _apart(table)


def _table(*columns: str, numbers: int) -> Table:
    """A table without borders; its last columns are numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place >= len(columns) - numbers else "left")
    return table


def _story(told: Sequence[Told]) -> RenderableType:
    lines = Group(*(Text(line(each), "red" if each.bad else "dim", no_wrap=True) for each in told))
    return _apart(lines)


def _apart(part: RenderableType) -> RenderableType:
    return Padding(part, (1, 0, 0, 0))


def line(told: Told) -> str:
    """One Event in one line: when, which node, what."""
    return f"{clock(told.at)} {told.node} {told.word}: {' '.join(told.message.split())}"


def farewell(reading: Reading, *, measured: Measurement | None) -> str:
    """The last line, once the migration has ended."""
    tail = f"; {counted(sum(flow.failed for flow in measured.flows), 'request')} lost" if measured else ""
    done, total = len(reading.migrated), len(reading.marks)
    return f"{done} of {total} nodes are on Cilium, phase {reading.phase} is complete{tail}"
