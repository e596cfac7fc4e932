"""The connectivity matrix: the longest gap for each pair of nodes, or for each node and kind of flow."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import altair as alt

from components.probe.measured import FlowTotals
from scripts.report.charts.names import short_names
from scripts.report.charts.svg import FONT_SIZE, colour, draw, label_pixels, on
from scripts.report.figures import KINDS, PAIR_KINDS, counted
from scripts.report.model import Report
from stacks.flows import FlowKind

# Upper bounds of the scale's classes in milliseconds; one more is above.
BOUNDS_MS = (250, 500, 1000, 2000, 5000)
# Up to this number of nodes each kind has its own matrix, with numbers in its cells.
NUMBERED_NODES = 12
_MOST_NODES = 120
_PAGE_PIXELS = 1120
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """One drawn matrix and its heading."""

    title: str
    svg: str


def heat_class(milliseconds: float) -> int:
    """The class of the scale for a gap."""
    return sum(milliseconds > bound for bound in BOUNDS_MS)


def scale_labels() -> list[str]:
    """Labels of the classes, the shortest gaps first."""
    said = [f"{bound / 1000:g} s" if bound >= 1000 else f"{bound} ms" for bound in BOUNDS_MS]
    between = [f"{low} – {high}" for low, high in pairwise(said)]
    return [f"up to {said[0]}", *between, f"over {said[-1]}"]


def shown_nodes(report: Report) -> list[str]:
    """The nodes that the matrices show: all, or those with the longest gaps if there are too many."""
    flows = report.measurement.flows if report.measurement else ()
    seen = {node for flow in flows for node in (flow.source_node, flow.target_node) if node}
    nodes = [*(node for node in report.nodes if node in seen), *sorted(seen - set(report.nodes))]
    if len(nodes) <= _MOST_NODES:
        return nodes
    worst = dict.fromkeys(nodes, 0.0)
    for flow in flows:
        for node in (flow.source_node, flow.target_node):
            if node:
                worst[node] = max(worst[node], flow.longest_gap_ms)
    kept = set(sorted(nodes, key=lambda node: -worst[node])[:_MOST_NODES])
    return [node for node in nodes if node in kept]


def matrices(report: Report) -> list[Matrix]:
    """The matrices: for few nodes one for each kind, with numbers; for many one of all kinds, and a strip by kind."""
    flows = report.measurement.flows if report.measurement else ()
    nodes = shown_nodes(report)
    if not flows or not nodes:
        return []
    short = short_names(nodes)
    names = [short[node] for node in nodes]
    if len(nodes) <= NUMBERED_NODES:
        kinds = [kind for kind in PAIR_KINDS if any(flow.kind == kind for flow in flows)]
        found = [_pairs(kind, names, _cells([f for f in flows if f.kind == kind], short)) for kind in kinds]
        others = [flow for flow in flows if flow.kind not in PAIR_KINDS or not flow.target_node]
        lone = [kind for kind in KINDS if any(flow.kind == kind for flow in others)]
        if lone:
            silent = ", and pods that never answered" if set(lone) & set(PAIR_KINDS) else ""
            title = f"services, DNS, API{silent}"
            found.append(_by_kind(title, names, lone, _kind_cells(others, short, lone)))
        return found
    kinds = [kind for kind in KINDS if any(flow.kind == kind for flow in flows)]
    pairs = [flow for flow in flows if flow.kind in PAIR_KINDS]
    # One left margin, so that a node has the same position in both.
    left = max(label_pixels(kinds), label_pixels(names, font_size=_cell_pixels(names)[1]))
    return [
        _strip(names, kinds, _kind_cells(flows, short, kinds), left=left),
        _pairs("pod to pod, worst of all kinds", names, _cells(pairs, short), left=left),
    ]


def _cells(flows: Iterable[FlowTotals], short: dict[str, str]) -> list[Row]:
    """One cell for each pair of nodes, with the worst of its flows."""
    pairs: dict[tuple[str, str], list[FlowTotals]] = {}
    for flow in flows:
        if flow.source_node in short and flow.target_node in short:
            pairs.setdefault((short[flow.source_node], short[flow.target_node]), []).append(flow)
    return [
        {"source": source, "target": target, **_cell(f"{source} → {target}", each)}
        for (source, target), each in pairs.items()
    ]


def _kind_cells(flows: Iterable[FlowTotals], short: dict[str, str], kinds: Sequence[FlowKind]) -> list[Row]:
    groups: dict[tuple[str, str], list[FlowTotals]] = {}
    for flow in flows:
        if flow.source_node in short and flow.kind in kinds:
            groups.setdefault((short[flow.source_node], flow.kind), []).append(flow)
    return [{"source": node, "target": kind, **_cell(node, each)} for (node, kind), each in groups.items()]


def _cell(subject: str, flows: Sequence[FlowTotals]) -> Row:
    gap, failed = max(flow.longest_gap_ms for flow in flows), sum(flow.failed for flow in flows)
    worst: dict[FlowKind, float] = {}
    for flow in flows:  # one kind has several if the ends changed from one network to the other
        worst[flow.kind] = max(worst.get(flow.kind, 0.0), flow.longest_gap_ms)
    kinds = ", ".join(f"{kind} {longest:,.0f} ms" for kind, longest in worst.items())
    sent = sum(flow.sent for flow in flows)
    return {
        "class": heat_class(gap), "label": f"{gap:,.0f}", "failed": failed, "lost": f"{failed:,} lost",
        "told": f"{subject}: longest gap {kinds}; {counted(sent, 'request')}, {failed:,} lost",
    }  # fmt: skip


def _layers(rows: list[Row], *, x: alt.X, y: alt.Y, numbers: bool, cell: float) -> alt.LayerChart:
    classes = list(range(len(BOUNDS_MS) + 1))
    fill = alt.Color("class:O", legend=None, scale=_of_classes(classes, "heat"))
    ink = alt.Color("class:O", legend=None, scale=_of_classes(classes, "heat-ink"))
    base = on(rows).encode(x=x, y=y)
    well, lossy = base.transform_filter("!datum.failed"), base.transform_filter("datum.failed > 0")
    layers = [
        base.mark_rect(stroke=colour("surface"), strokeWidth=1 if cell > 6 else 0.5).encode(
            color=fill, description="told:N"
        ),
        lossy.mark_rect(filled=False, stroke=colour("lost"), strokeWidth=2.5 if cell > 20 else 1.5, aria=False),
    ]
    if numbers:
        bold = lossy.mark_text(aria=False, fontSize=FONT_SIZE + 1, fontWeight="bold", dy=-7)
        layers += [
            well.mark_text(aria=False, fontSize=FONT_SIZE + 1).encode(text="label:N", color=ink),
            bold.encode(text="label:N", color=ink),
            lossy.mark_text(aria=False, fontSize=FONT_SIZE - 1, dy=8).encode(text="lost:N", color=ink),
        ]
    together: alt.LayerChart = alt.layer(*layers).resolve_scale(color="independent")
    return together


def _of_classes(classes: Sequence[int], name: str) -> alt.Scale:
    return alt.Scale(domain=list(classes), range=[colour(f"{name}-{each}") for each in classes])


def _band(field: str, order: Sequence[str], **axis: Any) -> dict[str, Any]:
    common = {"title": None, "ticks": False, "domain": False, "labelPadding": 6, "labelOverlap": False}
    scale = alt.Scale(domain=list(order), padding=0)
    return {"shorthand": f"{field}:N", "sort": list(order), "scale": scale, "axis": alt.Axis(**{**common, **axis})}


def _pairs(title: str, names: list[str], rows: list[Row], *, left: int = 0) -> Matrix:
    numbers = len(names) <= NUMBERED_NODES
    cell, font = _cell_pixels(names)
    labels = label_pixels(names, font_size=font)
    across = len(names) <= 6 and labels < cell + 6
    chart = _layers(
        rows, cell=cell, numbers=numbers,
        x=alt.X(**_band("target", names, orient="top", labelAngle=0 if across else -90, labelFontSize=font)),
        y=alt.Y(**_band("source", names, labelFontSize=font)),
    ).properties(width=cell * len(names), height=(44 if numbers else cell) * len(names))  # fmt: skip
    above = f"{title}: from the row's node to the column's" if numbers else title
    svg = draw(chart, title=f"Longest gap, {title}", marks="matrix", left=left or labels, top=26 if across else labels)
    return Matrix(title=above, svg=svg)


def _by_kind(title: str, names: list[str], kinds: Sequence[FlowKind], rows: list[Row]) -> Matrix:
    chart = _layers(
        rows, cell=96, numbers=True,
        x=alt.X(**_band("target", kinds, orient="top", labelAngle=0, labelFontSize=FONT_SIZE)),
        y=alt.Y(**_band("source", names, labelFontSize=FONT_SIZE)),
    ).properties(width=96 * len(kinds), height=44 * len(names))  # fmt: skip
    svg = draw(chart, title=f"Longest gap, {title}", marks="matrix", left=label_pixels(names), top=26)
    return Matrix(title=f"{title}: from the row's node", svg=svg)


def _strip(names: list[str], kinds: Sequence[FlowKind], rows: list[Row], *, left: int) -> Matrix:
    """A strip with nodes as columns and kinds as rows: the worst flow of each kind from each node."""
    cell, font = _cell_pixels(names)
    top = label_pixels(names, font_size=font)
    chart = _layers(
        rows, cell=cell, numbers=False,
        x=alt.X(**_band("source", names, orient="top", labelAngle=-90, labelFontSize=font)),
        y=alt.Y(**_band("target", kinds, labelFontSize=FONT_SIZE)),
    ).properties(width=cell * len(names), height=18 * len(kinds))  # fmt: skip
    svg = draw(chart, title="Longest gap by kind, from each node", marks="matrix", left=left, top=top)
    return Matrix(title="from each node, by kind", svg=svg)


def _cell_pixels(names: list[str]) -> tuple[float, float]:
    """The width of a cell, and the size of the names that fit beside it."""
    if len(names) <= NUMBERED_NODES:
        return (84.0 if len(names) <= 4 else 62.0), FONT_SIZE
    cell = max(5.0, min(24.0, (_PAGE_PIXELS - label_pixels(names) - 20) / len(names)))
    return cell, min(FONT_SIZE, max(6.0, cell - 1.5))
