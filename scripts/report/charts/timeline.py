"""The timeline: a bar for each node and step, the nodes of a wave together, the phases above."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import altair as alt

from scripts.report.charts.names import short_names
from scripts.report.charts.spans import Span
from scripts.report.charts.steps import style
from scripts.report.charts.svg import CHARACTER_PIXELS, FONT_SIZE, colour, draw, label_pixels, on
from scripts.report.model import Report, Run, Turn

PAGE_PIXELS = 1120
RIGHT = 92
_LEAST_LEFT = 96
_PHASE_PIXELS = 24


def left_margin(report: Report) -> int:
    """The width for the nodes' names, the same in every chart over time."""
    return max(_LEAST_LEFT, label_pixels(short_names(report.nodes).values()))


def plot_pixels(report: Report) -> int:
    """The width left for the time axis."""
    return PAGE_PIXELS - left_margin(report) - RIGHT


def time_axis(span: Span, **more: Any) -> alt.X:
    """The time axis in UTC, from the start to the end of the span."""
    days = span.start.date() != span.end.date()
    form = "%d %b %H:%M" if days else "%H:%M:%S" if span.seconds < 1200 else "%H:%M"
    scale = alt.Scale(type="utc", domain=[span.start.isoformat(), span.end.isoformat()], nice=False)
    axis = alt.Axis(format=form, tickCount=8, grid=True, labelFlush=False, labelOverlap="greedy", title=None, **more)
    return alt.X("start:T", scale=scale, axis=axis)


def phases(report: Report, span: Span) -> str:
    """A strip with the phases of the span, each from the start of its first update to the end of its last."""
    rows = []
    width = plot_pixels(report)
    for name, start, end in _phase_spells([run for run in report.updates if span.holds(run.start, run.end)]):
        room = span.share(start, end) * width
        rows.append(
            {
                "start": _within(start, span), "end": _within(end, span), "phase": name,
                "label": _fitting(name, room),
                "middle": _within(start + (end - start) / 2, span),
                "told": f"phase {name}: {clock(start)} to {clock(end)}, {seconds_text((end - start).total_seconds())}",
            }
        )  # fmt: skip
    base = on(rows)
    bars = base.mark_bar(
        height=_PHASE_PIXELS - 4, cornerRadius=3, color=colour("phase"), stroke=colour("phase-edge")
    ).encode(
        x=time_axis(span, labels=False, ticks=False, domain=False), x2="end:T", y=alt.value(_PHASE_PIXELS / 2),
        description="told:N",
    )  # fmt: skip
    text = base.mark_text(fontSize=FONT_SIZE - 1, color=colour("ink"), aria=False).encode(
        x=alt.X("middle:T", scale=alt.Scale(type="utc")), y=alt.value(_PHASE_PIXELS / 2), text="label:N"
    )
    chart = (bars + text).properties(width=width, height=_PHASE_PIXELS)
    left = left_margin(report)
    return draw(chart, title="Phases", marks="phases", left=left, right=RIGHT, top=0, bottom=2)


def timeline(report: Report, span: Span) -> str:
    """The timeline of the turns in the span; empty if there are none."""
    turns = [turn for turn in report.turns if turn.steps and span.holds(turn.steps[0].start, turn.steps[-1].end)]
    if not turns:
        return ""
    row = 30 if len(turns) <= 12 else 18 if len(turns) <= 40 else 13
    short, width = short_names(report.nodes), plot_pixels(report)
    order = [short[turn.node] for turn in turns]
    rows = alt.Y(
        "node:N", sort=order, scale=alt.Scale(domain=order, padding=0),
        axis=alt.Axis(
            title=None, ticks=False, domain=False, grid=False, labelPadding=8, labelFontSize=min(FONT_SIZE, row - 3)
        ),
    )  # fmt: skip
    stripes = (
        on([{"node": short[turn.node]} for turn in turns if turn.wave is not None and turn.wave % 2 == 0])
        .mark_rect(color=colour("stripe"), aria=False)
        .encode(y=rows, x=alt.value(0), x2=alt.value(width))
    )
    steps = on(_steps(turns, short, span, width))
    names = list(dict.fromkeys(step.name for turn in turns for step in turn.steps))
    colours = [colour(style(name)) for name in names]
    bars = steps.mark_bar(
        height={"band": 0.74}, stroke=colour("surface"), strokeWidth=0.75, cornerRadius=2 if row > 13 else 0
    ).encode(
        x=time_axis(span), x2="end:T", y=rows, description="told:N",
        color=alt.Color("step:N", legend=None, scale=alt.Scale(domain=names, range=colours)),
    )  # fmt: skip
    inside = steps.mark_text(fontSize=FONT_SIZE - 1, color=colour("on-step"), aria=False).encode(
        x=alt.X("middle:T", scale=alt.Scale(type="utc")), y=rows, text="label:N"
    )
    waves = (
        on(_waves(turns, short))
        .mark_text(align="left", fontSize=FONT_SIZE - 1, color=colour("ink-soft"), dx=8, aria=False)
        .encode(x=alt.value(width), y=rows, text="label:N")
    )
    chart = (stripes + bars + inside + waves).properties(width=width, height=row * len(turns))
    title = f"Timeline of {len(turns)} nodes, a bar a step"
    return draw(chart, title=title, marks="timeline", left=left_margin(report), right=RIGHT, top=2, bottom=24)


def _steps(turns: Sequence[Turn], short: dict[str, str], span: Span, width: int) -> list[dict[str, Any]]:
    rows = []
    for turn in turns:
        for step in turn.steps:
            took = seconds_text(step.seconds)
            room = span.share(step.start, step.end) * width
            full = f"{step.name} {took}"
            label = next((text for text in (full, took) if len(text) * CHARACTER_PIXELS + 6 < room), "")
            rows.append(
                {
                    "node": short[turn.node], "step": step.name, "label": label if len(turns) <= 40 else "",
                    "start": step.start.isoformat(), "end": step.end.isoformat(),
                    "middle": (step.start + (step.end - step.start) / 2).isoformat(),
                    "told": f"{turn.node}{_in_wave(turn)}: {step.name} {took} from {clock(step.start)}",
                }
            )  # fmt: skip
    return rows


def _in_wave(turn: Turn) -> str:
    return "" if turn.wave is None else f", wave {turn.wave}"


def _waves(turns: Sequence[Turn], short: dict[str, str]) -> list[dict[str, str]]:
    """A label at the middle row of each wave."""
    found = []
    for wave in dict.fromkeys(turn.wave for turn in turns if turn.wave is not None):
        rows = [turn for turn in turns if turn.wave == wave]
        found.append({"node": short[rows[(len(rows) - 1) // 2].node], "label": f"wave {wave}"})
    return found


def _phase_spells(runs: Sequence[Run]) -> list[tuple[str, datetime, datetime]]:
    spells: list[tuple[str, datetime, datetime]] = []
    for run in runs:
        name = run.phase or run.kind
        if spells and spells[-1][0] == name:
            spells[-1] = (name, spells[-1][1], max(run.end, spells[-1][2]))
        else:
            spells.append((name, run.start, run.end))
    return spells


def _fitting(name: str, pixels: float) -> str:
    """The name, cut to the room that there is."""
    characters = int((pixels - 6) / CHARACTER_PIXELS)
    return name if len(name) <= characters else f"{name[: characters - 1]}…" if characters > 3 else ""


def _within(time: datetime, span: Span) -> str:
    return min(max(time, span.start), span.end).isoformat()


def clock(time: datetime) -> str:
    """The time of day in the page's format."""
    return time.strftime("%H:%M:%S")


def seconds_text(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 05 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
