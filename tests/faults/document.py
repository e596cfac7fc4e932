"""`docs/faults.md`: what the user is told of each fault as the suite saw it, less what differs from run to run."""

import re
from collections.abc import Sequence
from pathlib import Path

from scripts.lab.paths import CHECKOUT, lab_folder

FILE = CHECKOUT / "docs" / "faults.md"
_HEAD = """# Faults, and what you are told of each

Each line was made to happen to a node's turn, on a real API server with simulated nodes, and seen to end well: where
the run fails, the next `pulumi up` completes the turn with every workload at its desired count, no node left cordoned
that was not so before, and no helper pod left behind. Written by `make docs` from `tests/faults/`; CI compares those of
its sample.

| what goes wrong | what `pulumi up` says | and then |
|---|---|---|
"""
_VARYING = (
    (re.compile(r"\bworker-\d+"), "NODE"),
    (re.compile(r"\bfault-[a-z-]+/"), "NAMESPACE/"),
    (re.compile(r"\b(web|sick)-[0-9a-f]{7,10}-[a-z0-9]{5}\b"), r"\1-…"),
    # The letters that the API server makes names of, or hexadecimal digits of ours.
    (
        re.compile(
            r"\b(cilium|edge|inspect-network|restore-cni-conf)-([bcdfghjklmnpqrstvwxz2456789]{5}|[0-9a-f]{8})\b"
        ),
        r"\1-…",
    ),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "…"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:…"),
    (re.compile(r"\b(10|172)\.\d+\.\d+\.\d+\b"), "ADDRESS"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+Z"), "TIME"),
    (re.compile(r"\b\d+ pods? waiting \([^)]*\)"), "… pods waiting (…)"),
    (re.compile(r" does not answer as it should \(.*?\); "), " does not answer as it should (…); "),
    (re.compile(r", seen \d+ s ago"), ", seen … s ago"),
    (re.compile(r"\S+@\S+/\d+(\.[0-9a-f]+)*"), "WHO@WHERE/PROCESS"),
    (re.compile(r" \(\d+\.\d s\)$"), ""),
    (re.compile(r"\b\d+ of \d+ flows"), "… of … flows"),
    (re.compile(r"\bin \d+ s, \d+ tries\b"), "in … s, … tries"),
    (re.compile(r"\bwave \d+"), "wave N"),
    (re.compile(r"(old|new)→(old|new)"), "old→new"),
    (re.compile(r"in step '[a-zA-Z ]+'"), "in step '…'"),
    (
        re.compile(r"^error: .*(transport|EOF|connection|Unavailable).*"),
        "error: … (the engine's words for a lost connection)",
    ),
    (re.compile(r": [\d,]+ of [\d,]+ failed.*"), ": … of … failed, longest gap … ms, first at …"),
    (re.compile(r"pod to pod(, long connection|, full-size packets)?"), "pod to pod"),
)


def plain(told: str) -> str:
    """A message without what differs from run to run."""
    text = " ".join(told.split())
    for pattern, replacement in _VARYING:
        text = pattern.sub(replacement, text)
    return text


def add(*, id: str, title: str, told: str, then: str) -> None:  # noqa: A002 (the column's name)
    """Keep what was told of one fault and how it went on; several processes may do so at once."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / id).write_text(_row(title=title, told=told, then=then))


def seen(id: str) -> str:  # noqa: A002 (as above)
    """The row of a fault that was met; raises FileNotFoundError if it was not."""
    return (_folder() / id).read_text()


def as_written(written: str, *, title: str, then: str) -> str:
    """The row of a fault that this run does not meet: what was told of it is taken from the document as it is."""
    row = next((line for line in written.splitlines() if line.startswith(f"| {title} | ")), "")
    return f"| {title} | {row.removeprefix(f'| {title} | ').rpartition(' | ')[0]} | {then} |"


def document(rows: Sequence[str]) -> str:
    """The whole document."""
    return _HEAD + "\n".join(rows) + "\n"


def _row(*, title: str, told: str, then: str) -> str:
    shown = plain(told).replace("`", "'").replace("|", "\\|")
    return f"| {title} | `{shown}` | {then} |"


def _folder() -> Path:
    return lab_folder() / "told"
