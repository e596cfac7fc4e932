"""Renders the page: one HTML file without scripts or network requests; all data from the cluster is escaped."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from components.probe.budget import WORDS
from components.probe.measured import FlowTotals
from scripts.report.changes import held_to
from scripts.report.charts import matrix, steps, timeline, traffic
from scripts.report.charts.names import shared_domain, short_names
from scripts.report.charts.spans import Span, spans
from scripts.report.figures import by_kind, by_networks, by_node, headline, under_way
from scripts.report.model import Report, Turn

MOST_ROWS = 200
MOST_PAUSES = 10
_MOST_LINES = 12
_WORST_FLOWS = 15
_MOST_SWITCHES = 14
_TEMPLATES = Path(__file__).parent / "templates"
_SIGNS = {"clean": "✓", "gaps": "!", "losses": "✕", "unfinished": "…", "unmeasured": "?"}


@dataclass(frozen=True, kw_only=True)
class _Story:
    """The charts of one time span, below each other on one time axis."""

    span: Span
    phases: Markup
    timeline: Markup
    success: Markup
    latencies: list[tuple[str, Markup]]
    switches: bool


def _drawn(svg: str) -> Markup:
    """Trusted SVG: the renderer and the XML library have escaped all data in it."""
    return Markup(svg)  # noqa: S704


@lru_cache(maxsize=1)
def _style() -> str:
    """The style sheet, with a rule for each colour that a legend shows."""
    shown = [
        *(f"step-{name}" for name in steps.COLOURED),
        steps.OTHER,
        *(f"heat-{number}" for number in range(6)),
        "lost",
        "planned",
        "wave-band",
    ]
    swatches = "".join(f".swatch.{name}{{background:var(--{name})}}" for name in shown)
    lines = "".join(f".line.{name}{{border-color:var(--{name})}}" for name in ("answered", "p50", "p99"))
    own = ".swatch.lost-edge{border:2.5px solid var(--lost)}.line.switch{border-color:var(--step-agent)}"
    return (_TEMPLATES / "page.css").read_text() + swatches + lines + own


def _policy(style: str) -> str:
    """The content security policy: no script, no request, no style but the page's own."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def to_html(report: Report) -> str:
    """The page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    short = short_names(report.nodes)
    environment.filters |= {
        "number": lambda value: f"{value:,.0f}",
        "share": _share,
        "duration": timeline.seconds_text,
        "latency": traffic.latency_text,
        "clock": timeline.clock,
        "day": lambda time: time.strftime("%d %b %Y"),
        "daytime": _daytime,
        "milliseconds": lambda time: time.strftime("%H:%M:%S.") + f"{time.microsecond // 1000:03}",
        "short": lambda node: short.get(node, node),
        "under_way": lambda outage: ", ".join(under_way(report, outage)[:3]),
        "step_seconds": _step_seconds,
        "step_style": steps.style,
        "held_to": held_to,
        "few": lambda nodes: ", ".join([short.get(node, node) for node in nodes[:3]] + _more(nodes[3:])),
    }
    return environment.get_template("page.html").render(_values(report))


def to_json(report: Report) -> str:
    """The report with its headline, for machines."""
    return json.dumps({"headline": headline(report).model_dump(mode="json"), **report.model_dump(mode="json")}) + "\n"


def _values(report: Report) -> dict[str, Any]:
    style, head = _style(), headline(report)
    happened = list(report.happened())
    seconds = [turn.seconds for turn in report.turns if turn.seconds is not None]
    drawn = matrix.matrices(report)
    shown = matrix.shown_nodes(report)
    measured = report.measurement
    outages = measured.outages if measured else ()
    stories = [_story(report, span) for span in spans(happened)]
    return {
        "report": report,
        "headline": head,
        "style": Markup(style),  # noqa: S704 (a file of this project)
        "policy": _policy(style),
        "title": f"{report.source or 'CNI'} → Cilium",
        "sign": _SIGNS[head.verdict],
        "began": min((start for start, _ in happened), default=None),
        "ended": max((end for _, end in happened), default=None),
        "waves": len({turn.wave for turn in report.turns if turn.wave is not None}),
        "over_budget": sum(bool(change.over_budget) for change in report.changes),
        "most_lines": _MOST_LINES,
        "median_turn": median(seconds) if seconds else None,
        "sections": _sections(report, stories=bool(stories), matrices=bool(drawn)),
        "stories": stories,
        "steps": steps.used(report),
        "domain": shared_domain(report.nodes),
        "matrices": [{"title": each.title, "drawn": _drawn(each.svg)} for each in drawn],
        "wide": len(shown) > matrix.NUMBERED_NODES,
        "cut": len(shown) if len(shown) < len(report.turns) else 0,
        "sparse": len({(f.source_node, f.target_node) for f in measured.flows if f.target_node})
        < len(shown) * (len(shown) - 1)
        if measured
        else False,
        "scale": matrix.scale_labels(),
        "worst_flows": _worst(report),
        "kinds": by_kind(report),
        "networks": by_networks(report),
        "node_totals": by_node(report),
        "outages": [outage for outage in outages if not outage.planned],
        "planned_outages": [outage for outage in outages if outage.planned],
        "pauses": sorted(measured.pauses if measured else (), key=lambda pause: -pause.milliseconds),
        "most_pauses": MOST_PAUSES,
        "kind_words": WORDS,
        "most_rows": MOST_ROWS,
        "any_began": any(turn.began for turn in report.turns),
        "any_evicted": any(turn.pods_evicted is not None for turn in report.turns),
        "any_losses": any(turn.losses for turn in report.turns),
        "facts": _facts(report),
    }


def _story(report: Report, span: Span) -> _Story:
    switches = sum(step.effect == "switch" for turn in report.turns for step in turn.steps)
    return _Story(
        span=span,
        phases=_drawn(timeline.phases(report, span)),
        timeline=_drawn(timeline.timeline(report, span)),
        success=_drawn(traffic.success(report, span)),
        latencies=[(kind, _drawn(svg)) for kind, svg in traffic.latencies(report, span)],
        switches=0 < switches <= _MOST_SWITCHES,
    )


def _sections(report: Report, *, stories: bool, matrices: bool) -> list[tuple[str, str]]:
    there = {
        ("timeline", "Timeline"): stories,
        ("connectivity", "Connectivity"): matrices,
        ("outages", "Outages"): report.measurement is not None,
        ("nodes", "Nodes"): bool(report.turns),
        ("checks", "Checks"): bool(report.findings or report.checks_without_finding),
        ("values", "Helm values"): bool(report.values),
        ("record", "Versions and record"): True,
    }
    return [section for section, present in there.items() if present]


def _worst(report: Report) -> list[FlowTotals]:
    flows = report.measurement.flows if report.measurement else ()
    return sorted(flows, key=lambda flow: (-flow.failed, -flow.longest_gap_ms))[:_WORST_FLOWS]


def _more(rest: Sequence[str]) -> list[str]:
    return [f"and {len(rest)} more"] if rest else []


def _facts(report: Report) -> list[tuple[str, str]]:
    versions, measured = report.versions, report.measurement
    found = [
        ("Kubernetes", versions.kubernetes),
        ("Kubelets", ", ".join(versions.kubelets)),
        (f"{report.source or 'Old CNI'} before", versions.source),
        ("Cilium wanted", versions.cilium_wanted),
        ("Cilium running", ", ".join(versions.cilium_running)),
        ("cilium-live-migration", versions.program),
        ("Pulumi", versions.pulumi),
        ("Strategy", report.strategy),
        ("Measured", _measured(report) if measured else ""),
        ("Report made", f"{report.made:%d %b %Y %H:%M:%S} UTC" + (f" by {report.made_by}" if report.made_by else "")),
    ]
    return [(name, text) for name, text in found if text]


def _measured(report: Report) -> str:
    assert report.measurement
    start, end = report.measurement.start, report.measurement.end
    lasted = timeline.seconds_text((end - start).total_seconds())
    return f"by {report.measurement.probes} probes from {start:%d %b %H:%M:%S} to {end:%d %b %H:%M:%S} UTC, {lasted}"


def _share(value: float | None) -> str:
    """A share as a percentage, never rounded up to 100."""
    if value is None:
        return ""
    text = f"{100 * value:.3f}"
    return "100 %" if value == 1 else "under 100 %" if text == "100.000" else f"{text} %"


def _daytime(time: datetime, since: datetime) -> str:
    return time.strftime("%H:%M:%S" if time.date() == since.date() else "%d %b %Y %H:%M:%S")


def _step_seconds(turn: Turn, name: str) -> str:
    took = sum(step.seconds for step in turn.steps if step.name == name)
    return timeline.seconds_text(took) if any(step.name == name for step in turn.steps) else ""
