"""Renders a chart's description as SVG, so that the page needs no script; the page's style sheet sets the colours."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

import altair
import vl_convert

_NAMESPACE = "http://www.w3.org/2000/svg"
_SVG = f"{{{_NAMESPACE}}}"
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
FONT = "var(--font)"
FONT_SIZE = 12
# Average width of a character at that size, rounded up so that labels fit.
CHARACTER_PIXELS = 6.9
_SUPERFLUOUS = ("role", "pointer-events", "stroke-miterlimit", "font-family", "version")

ElementTree.register_namespace("", _NAMESPACE)


def colour(name: str) -> str:
    """A named colour of the page's style sheet, which differs between light and dark mode."""
    return f"var(--{name})"


def label_pixels(labels: Iterable[str], *, font_size: float = FONT_SIZE) -> int:
    """The width of the longest of these labels, in pixels."""
    longest = max((len(label) for label in labels), default=0)
    return round(longest * CHARACTER_PIXELS * font_size / FONT_SIZE) + 12


def on(rows: Sequence[Mapping[str, Any]]) -> altair.Chart:
    """A chart with these rows embedded as data."""
    return altair.Chart(altair.InlineData(values=list(rows)))


def draw(
    chart: altair.LayerChart | altair.FacetChart,
    *,
    title: str,
    marks: str,
    left: int,
    right: int = 8,
    top: int = 8,
    bottom: int = 8,
) -> str:
    """The chart as SVG text. `marks` is the class of the whole; the margins are in pixels and fixed.

    With fixed margins, charts of the same width below each other share their time axis exactly.
    """
    styled = (
        chart.properties(
            padding={"left": left, "right": right, "top": top, "bottom": bottom},
            autosize=altair.AutoSizeParams(type="none"),
        )
        .configure(background="transparent", font=FONT)
        .configure_view(stroke="transparent")
        .configure_axis(
            labelColor=colour("ink-soft"), titleColor=colour("ink-soft"), gridColor=colour("rule"),
            domainColor=colour("rule-strong"), tickColor=colour("rule-strong"), labelFontSize=FONT_SIZE - 1,
            titleFontSize=FONT_SIZE, titleFontWeight="normal", labelLimit=0,
        )
    )  # fmt: skip
    return _tidy(vl_convert.vegalite_to_svg(styled.to_dict()), title=title, marks=marks)


def _tidy(text: str, *, title: str, marks: str) -> str:
    """The SVG made smaller, with a name, and with each mark's description as its tooltip.

    To a screen reader the chart is one image with a name, as the page's tables hold the same data.
    """
    root = ElementTree.fromstring(text)  # noqa: S314 (the renderer's own output)
    for parent in list(root.iter()):
        for child in list(parent):
            if _is_nothing(child):
                parent.remove(child)
    for element in list(root.iter()):
        described = element.get("aria-label") and element.get("aria-roledescription") not in (None, "axis")
        if described:
            ElementTree.SubElement(element, f"{_SVG}title").text = element.get("aria-label")
        for name, value in list(element.attrib.items()):
            if name in _SUPERFLUOUS or name.startswith("aria-") or (name, value) == ("opacity", "1"):
                del element.attrib[name]
            elif name in ("d", "transform", "x2", "y2"):
                element.set(name, _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.2f}", value))
    root.set("class", f"chart {marks}")
    root.set("role", "img")
    root.set("aria-label", title)
    return ElementTree.tostring(root, encoding="unicode")


def _is_nothing(element: Any) -> bool:
    hidden = element.get("opacity") == "0" or element.get("display") == "none"
    empty = element.tag == f"{_SVG}path" and element.get("d", "") in ("", "M0,0h0v0h0Z")
    return bool(hidden or empty)
