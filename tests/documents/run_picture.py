"""The picture of one real migration, drawn from the table "The demo" of docs/benchmarks.md."""

import re

from tests.documents.markdown import ROOT
from tests.documents.svg import box, picture, text

_LOOKS = {"preflight": "old", "secondary": "both", "a node's turn": "both", "finalize": "new", "cleanup": "new"}
_NODES = 3
_WIDTH, _LEFT, _NARROW = 860, 20, 60


def figures() -> tuple[dict[str, str], str]:
    """The wall clock of each command in seconds, as the table has it, and the sentence on what was lost."""
    _, _, section = (ROOT / "docs" / "benchmarks.md").read_text().partition("\n## The demo\n")
    section = section.partition("\n## ")[0]
    rows = dict(re.findall(r"^\| ([\w' ]+) \| ([\d.-]+) \|", section, re.MULTILINE))
    lost = re.search(r"(\d+) of ([\d,]+) short requests failed", section)
    if not lost or not rows.keys() >= _LOOKS.keys():
        raise ValueError("docs/benchmarks.md has no such table any more")
    return {name: rows[name] for name in _LOOKS}, f"{lost[1]} of {lost[2]} short requests failed"


def _middle(seconds: str) -> float:
    ends = [float(each) for each in seconds.split("-")]
    return sum(ends) / len(ends)


def a_run() -> str:
    """The picture; each node's turn is as wide as the middle of their range."""
    rows, lost = figures()
    bars = [
        (name if name != "a node's turn" else f"node {number + 1}", name, rows[name])
        for name in rows
        for number in range(_NODES if name == "a node's turn" else 1)
    ]
    scale = (_WIDTH - 2 * _LEFT - 6 * (len(bars) - 1)) / sum(_middle(seconds) for _, _, seconds in bars)
    x, shapes = float(_LEFT), [text(_LEFT, 32, "Flannel to Cilium: three nodes, two cores, one real run", look="title")]
    for label, name, seconds in bars:
        width = _middle(seconds) * scale
        narrow = width < _NARROW
        shapes += [
            box(x, 50, width, 44, look=_LOOKS[name]),
            text(x, 112, label, look="small") if narrow else text(x + width / 2, 77, label, look="middle"),
            text(x, 129, f"{seconds} s", look="faint") if narrow
            else text(x + width / 2, 112, f"{seconds} s", look="faint middle"),
        ]  # fmt: skip
        x += width + 6
    shapes += [
        text(_LEFT, 158, f"{lost}, sent while all of this went on.", look="title"),
        text(
            _LEFT,
            179,
            "Seconds of each pulumi up; those of the three turns as their range. docs/benchmarks.md",
            look="faint",
        ),
    ]
    return picture(_WIDTH, 194, title=f"One migration of three nodes by phase; {lost}", shapes=shapes)
