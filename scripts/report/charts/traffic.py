"""Charts of the traffic over time, below the timeline and on the same axis: success rate, and latency by kind."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import altair as alt

from components.probe.measured import LATENCY_BOUNDS_MS, Moment
from scripts.report.charts.spans import Span
from scripts.report.charts.svg import FONT_SIZE, colour, draw, on
from scripts.report.charts.timeline import RIGHT, clock, left_margin, plot_pixels, time_axis
from scripts.report.figures import KINDS, Latency, Totals, counted
from scripts.report.model import Report
from stacks.flows import FlowKind

_SUCCESS_PIXELS, _LATENCY_PIXELS = 90, 46
_MOST_POINTS = 240
_LONGEST_LINES = 14
Row = dict[str, Any]


def success(report: Report, span: Span) -> str:
    """The success rate of all kinds together; losses in red, planned ends shown separately."""
    moments = _within(report, span)
    if not moments:
        return ""
    rows = [_success_row(start, end, totals) for start, end, totals in _binned(moments, span)]
    # Zoomed so that a few losses among millions are visible; without losses the axis covers a full percent.
    missing = 100 - min(row["answered"] for row in rows)
    floor = max(0.0, 100 - 1.15 * missing) if missing else 99.0
    scale = alt.Scale(domain=[floor, 100], nice=False, zero=False)
    axis = alt.Axis(title=None, tickCount=3, grid=True, labelExpr="format(datum.value, '.6~') + ' %'", labelPadding=6)
    base = on(rows)
    x, x2 = time_axis(span, labels=False, ticks=False), "end:T"
    bars = [
        base.transform_filter(f"datum.{lower} < datum.{upper}")
        .mark_rect(color=colour(fill), stroke=colour(fill), strokeWidth=2)
        .encode(
            x=x, x2=x2, y=alt.Y(f"{upper}:Q", scale=scale, axis=axis), y2=f"{lower}:Q", description="told:N"
        )
        for fill, upper, lower in (("lost", "top", "without_lost"), ("planned", "without_lost", "answered"))
    ]  # fmt: skip
    line = base.mark_line(interpolate="step-after", color=colour("answered"), strokeWidth=1.75, aria=False).encode(
        x=x, y=alt.Y("answered:Q", scale=scale, axis=axis)
    )
    flags = (
        base.transform_filter("datum.without_lost < 100")
        .mark_point(
            shape="triangle-down", size=70, filled=True, opacity=1, color=colour("lost"), yOffset=-7, aria=False
        )
        .encode(x=x, y=alt.value(0))
    )
    chart = alt.layer(*_marked(report, span), line, *bars, flags).properties(
        width=plot_pixels(report), height=_SUCCESS_PIXELS
    )  # fmt: skip
    lost = sum(moment.failed for moment in moments)
    title = f"Success rate over time, {counted(lost, 'request')} lost"
    return draw(chart, title=title, marks="success", left=left_margin(report), right=RIGHT, top=16, bottom=8)


def latencies(report: Report, span: Span) -> list[tuple[FlowKind, str]]:
    """A chart for each kind with the median and the 99th percentile, all on one logarithmic scale."""
    moments = _within(report, span)
    kinds = [kind for kind in KINDS if any(moment.kind == kind for moment in moments)]
    rows = {kind: _latency_rows([each for each in moments if each.kind == kind], span) for kind in kinds}
    highest = max((row["p99"] for each in rows.values() for row in each), default=1.0)
    top = next((bound for bound in (10, 100, 1000) if bound >= highest), LATENCY_BOUNDS_MS[-1])
    return [(kind, _latency(report, span, kind, rows[kind], top=top, last=kind == kinds[-1])) for kind in kinds]


def _latency(report: Report, span: Span, kind: FlowKind, rows: Sequence[Row], *, top: int, last: bool) -> str:
    scale = alt.Scale(type="log", domain=[0.5, top], nice=False, clamp=True)
    ticks = [value for value in (1, 10, 100, 1000) if value <= top]
    axis = alt.Axis(title=None, values=ticks, grid=True, labelExpr="datum.value + ' ms'", labelPadding=6)
    y = alt.Y("p50:Q", scale=scale, axis=axis)
    base = on(rows)
    x = time_axis(span, labels=last, ticks=last)
    band = base.mark_area(interpolate="step-after", color=colour("p99"), opacity=0.28, aria=False).encode(
        x=x, y=y, y2="p99:Q"
    )
    upper = base.mark_line(interpolate="step-after", color=colour("p99"), strokeWidth=1.25, aria=False).encode(
        x=x, y=alt.Y("p99:Q", scale=scale, axis=axis)
    )
    middle = base.mark_line(interpolate="step-after", color=colour("p50"), strokeWidth=1.75, aria=False).encode(
        x=x, y=y
    )
    points = base.mark_rect(fillOpacity=0).encode(
        x=x, x2="end:T", y=alt.value(0), y2=alt.value(_LATENCY_PIXELS), description="told:N"
    )
    name = (
        on([{"kind": kind}])
        .mark_text(align="left", fontSize=FONT_SIZE - 1, color=colour("ink-soft"), dx=8, aria=False)
        .encode(x=alt.value(plot_pixels(report)), y=alt.value(_LATENCY_PIXELS / 2), text="kind:N")
    )
    chart = alt.layer(*_marked(report, span), band, upper, middle, points, name).properties(
        width=plot_pixels(report), height=_LATENCY_PIXELS
    )  # fmt: skip
    return draw(
        chart, title=f"Latency of {kind} over time", marks="latency", left=left_margin(report), right=RIGHT, top=9,
        bottom=24 if last else 9,
    )  # fmt: skip


def _within(report: Report, span: Span) -> list[Moment]:
    moments = report.measurement.timeline if report.measurement else ()
    return [one for one in moments if span.holds(one.start, one.start + timedelta(seconds=one.seconds))]


def _binned(moments: Iterable[Moment], span: Span) -> list[tuple[datetime, datetime, Totals]]:
    """Moments merged into as many bins as fit; a time without any is left out, not drawn as zero."""
    moments = sorted(moments, key=lambda one: one.start)
    seconds = max(span.seconds / _MOST_POINTS, max((one.seconds for one in moments), default=1.0))
    bins: dict[int, list[Moment]] = {}
    for one in moments:
        bins.setdefault(max(0, int((one.start - span.start).total_seconds() // seconds)), []).append(one)
    found = []
    for each in bins.values():
        end = max(one.start + timedelta(seconds=one.seconds) for one in each)
        found.append((max(each[0].start, span.start), min(end, span.end), Totals.of(each)))
    return found


def _success_row(start: datetime, end: datetime, totals: Totals) -> Row:
    sent = max(totals.sent, 1)
    without_lost = 100 - 100 * totals.failed / sent
    told = f"{clock(start)}: {counted(totals.sent, 'request')} sent, {totals.failed:,} lost"
    return {
        "start": start.isoformat(), "end": end.isoformat(), "top": 100, "without_lost": without_lost,
        "answered": max(0.0, without_lost - 100 * totals.planned / sent),
        "told": told + (f", {totals.planned:,} ended as planned" if totals.planned else ""),
    }  # fmt: skip


def _latency_rows(moments: Sequence[Moment], span: Span) -> list[Row]:
    rows = []
    for start, end, totals in _binned(moments, span):
        median, high = totals.latency_at(0.5), totals.latency_at(0.99)
        if median and high:
            rows.append(
                {
                    "start": start.isoformat(), "end": end.isoformat(), "p50": max(median.milliseconds, 0.5),
                    "p99": max(high.milliseconds, 0.5),
                    "told": f"{clock(start)}: median {latency_text(median)}, 99 % within {latency_text(high)}",
                }
            )  # fmt: skip
    return rows


def _marked(report: Report, span: Span) -> list[alt.Chart]:
    """Waves as bands behind the curve and, if there are few, each switch of an agent as a line."""
    turns = [turn for turn in report.turns if turn.steps and span.holds(turn.steps[0].start, turn.steps[-1].end)]
    bands = []
    for wave in dict.fromkeys(turn.wave for turn in turns):
        own = [turn for turn in turns if turn.wave == wave]
        start, end = min(turn.steps[0].start for turn in own), max(turn.steps[-1].end for turn in own)
        bands.append({"start": max(start, span.start).isoformat(), "end": min(end, span.end).isoformat()})
    switches = [step.start for turn in turns for step in turn.steps if step.effect == "switch"]
    lines = [{"start": each.isoformat()} for each in switches] if len(switches) <= _LONGEST_LINES else []
    x = time_axis(span, labels=False, ticks=False)
    return [
        on(bands)
        .mark_rect(color=colour("wave-band"), aria=False)
        .encode(x=x, x2="end:T", y=alt.value(0), y2=alt.value("height")),
        on(lines)
        .mark_rule(color=colour("step-agent"), strokeDash=[3, 3], aria=False)
        .encode(x=x, y=alt.value(0), y2=alt.value("height")),
    ]


def latency_text(latency: Latency | None) -> str:
    """`0.8 ms`, `12 ms`, `over 2,000 ms`; empty without one."""
    if latency is None:
        return ""
    if latency.beyond:
        return f"over {latency.milliseconds:,.0f} ms"
    return f"{latency.milliseconds:,.1f} ms" if latency.milliseconds < 10 else f"{latency.milliseconds:,.0f} ms"
