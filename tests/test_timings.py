"""Timings are kept where somebody wants them, and cost nothing elsewhere."""

from pathlib import Path

import pytest

from components import timings
from scripts.bench.times.cost import Cost, processes_table, spans_table, waits_table
from scripts.bench.times.processes import Life


def test_nothing_is_kept_unless_a_folder_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(timings.VARIABLE, raising=False)
    monkeypatch.setattr(timings, "listeners", [])
    timings.note("wait", "agent", seconds=1)
    assert not timings.wanted()
    monkeypatch.setenv(timings.VARIABLE, str(tmp_path))
    timings.note("wait", "agent", seconds=1.23456, size=7)
    with timings.timed("reading", "cluster"):
        pass
    timings.note_start("program")
    found = timings.read(tmp_path)
    assert [(each.kind, each.what) for each in found] == [
        ("wait", "agent"), ("reading", "cluster"), ("start", "program"),
    ]  # fmt: skip
    assert (found[0].seconds, found[0].size) == (1.2346, 7)


def test_who_listens_hears_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[timings.Timing] = []
    monkeypatch.setattr(timings, "listeners", [heard.append])
    timings.note("engine", "pulumi up", seconds=4)
    assert [each.what for each in heard] == ["pulumi up"]


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ("/venv/bin/python -u -m pulumi.dynamic 127.0.0.1:1", "dynamic providers"),
        ("/bin/sh /home/python -m pip list -v --format json", "language host asks pip"),
        ("python /cli/pulumi-language-python-exec --engine", "program"),
        ("/cli/pulumi-language-python 127.0.0.1:1", "language host"),
        ("pulumi up --yes", "engine"),
        ("sleep 1", "other"),
    ],
)
def test_a_process_is_known_by_its_command(command: str, role: str) -> None:
    assert Life(command=command, began=0).role == role


def test_the_tables_have_a_row_a_command_and_leave_out_short_waits() -> None:
    spans = [
        timings.Timing(kind="wait", what="node worker-1: agent", at=1, seconds=13.2, process=1),
        timings.Timing(kind="wait", what="short", at=1, seconds=0.2, process=1),
        timings.Timing(kind="request", what="GET /api/v1/nodes", at=1, seconds=0.1, process=1, size=2000),
    ]
    cost = Cost(command="up", seconds=60.0, roles={"engine": (2, 50.0, 1.1)}, timings=spans)
    assert processes_table([cost])[-1].startswith("| up | 60.0 | 1.1 | 1.1 (2) |")
    assert "0.1 (1, 2)" in spans_table([cost])[-1]
    assert waits_table([cost])[2:] == ["| up | wait: node worker-1: agent | 13.2 |"]
