"""The few shapes of the documents' pictures, as SVG that follows the reader's light or dark colours."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

_STYLE = """
  svg { --paper: #ffffff; --ink: #1f2328; --faint: #59636e; --line: #8c959f;
        --old: #ffe2c2; --new: #cfe8ff; --both: #e6ddf8; --plain: #eef1f4; --strong: #0969da }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #0d1117; --ink: #e6edf3; --faint: #9198a1; --line: #656c76;
          --old: #5a3510; --new: #12395f; --both: #3b2d63; --plain: #21262d; --strong: #4493f8 }
  }
  text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 14px;
  fill: var(--ink) }
  .title { font-weight: 600 } .small { font-size: 12.5px }
  .faint { fill: var(--faint); font-size: 12.5px } .middle { text-anchor: middle }
  .end { text-anchor: end } .paper { fill: var(--paper) } .box { stroke: var(--line); stroke-width: 1 }
  .old { fill: var(--old) } .new { fill: var(--new) } .both { fill: var(--both) } .plain { fill: var(--plain) }
  .line { stroke: var(--line); stroke-width: 1.5; fill: none } .strong { stroke: var(--strong); stroke-width: 2;
  fill: none; stroke-dasharray: 6 4 } .head { fill: var(--line) }
"""
_HEAD = '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'


def picture(width: int, height: int, *, title: str, shapes: Sequence[str]) -> str:
    """The file of a picture; `title` is what a screen reader says of it."""
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<defs>{_HEAD}<path class="head" d="M0 0 8 4 0 8z"/></marker></defs>',
        f'<rect class="paper" width="{width}" height="{height}" rx="8"/>',
        *shapes,
        "</svg>\n",
    ])  # fmt: skip


def text(x: float, y: float, words: str, *, look: str = "") -> str:
    """One line of text; `look` are classes of the style."""
    return f'<text x="{x:g}" y="{y:g}" class="{look}">{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, *, look: str = "plain") -> str:
    """A rounded box."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" class="box {look}"/>'


def arrow(*points: tuple[float, float], look: str = "line", headed: bool = True) -> str:
    """A line through the points, with a head at its end."""
    way = " ".join(f"{x:g},{y:g}" for x, y in points)
    end = ' marker-end="url(#head)"' if headed else ""
    return f'<polyline points="{way}" class="{look}"{end}/>'
