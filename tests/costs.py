"""Each test's seconds of set-up, engine and processor: `pytest --costs FILE` keeps, `-m tests.costs FILE` shows."""

import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components import timings

_SHOWN = 50


def _processor() -> float:
    """Processor seconds of this process and of those it started that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


class Costs:
    """Keeps what one test costs until its teardown is over."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._engine = 0.0
        timings.listeners.append(self._listen)

    def _listen(self, timing: timings.Timing) -> None:
        if timing.kind == "engine":
            self._engine += timing.seconds

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note the processor's and the engine's time of the whole test."""
        self._engine, processor = 0.0, _processor()
        self._phases: dict[str, float] = {}
        result = yield
        line = {"test": item.nodeid, **self._phases, "engine": self._engine, "processor": _processor() - processor}
        with self._file.open("a") as file:
            file.write(json.dumps(line) + "\n")
        return result

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one phase's wall time."""
        self._phases[report.when or "call"] = report.duration


def show(lines: list[dict[str, Any]], most: int = _SHOWN) -> list[str]:
    """The dearest tests as a table's rows: seconds in all, set-up, engine, processor, waiting."""
    rows = []
    for each in lines:
        wall = sum(each.get(phase, 0.0) for phase in ("setup", "call", "teardown"))
        waiting = max(0.0, wall - each["processor"])
        cells = (wall, each.get("setup", 0.0), each["engine"], each["processor"], waiting)
        rows.append((wall, f"| {' | '.join(f'{cell:.1f}' for cell in cells)} | {each['test']} |"))
    return [row for _, row in sorted(rows, reverse=True)[:most]]


def main(file: Path) -> None:
    """Print the dearest tests of a run."""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    head = ["| all | set-up | engine | processor | waiting | test |", "|---|---|---|---|---|---|"]
    sys.stdout.write("\n".join([*head, *show(lines)]) + "\n")


def register(config: pytest.Config, file: str) -> None:
    """Have the costs of this process' tests written to the file; with xdist that is each worker's."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        config.pluginmanager.register(Costs(Path(file)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
