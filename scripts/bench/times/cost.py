"""The cost of one engine command: wall and CPU time, by process and by the spans that the program records."""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from components import timings
from components.timings import Timing
from scripts.bench.times.processes import Watch

_ROLES = (
    "engine",
    "language host",
    "language host asks pip",
    "program",
    "dynamic providers",
    "Kubernetes plugin",
    "Helm",
)
_WAITS = 6


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One command: its wall time, and for each role its processes' (number, lifetime, CPU time), in seconds."""

    command: str
    seconds: float
    roles: dict[str, tuple[int, float, float]]
    timings: list[Timing] = field(default_factory=list)

    @property
    def processor(self) -> float:
        """CPU seconds of all its processes."""
        return sum(processor for _, _, processor in self.roles.values())

    def total(self, kind: str, beginning: str = "") -> float:
        """Seconds of all spans of a kind."""
        return sum(each.seconds for each in self.timings if each.kind == kind and each.what.startswith(beginning))


def measure(command: str, run: Callable[[], object], *, environment: dict[str, str]) -> Cost:
    """Run the command once and measure the processes that start meanwhile and the spans recorded in `environment`."""
    with tempfile.TemporaryDirectory() as folder, Watch() as watch:
        environment[timings.VARIABLE] = folder
        try:
            began = time.monotonic()
            run()
            seconds = time.monotonic() - began
        finally:
            del environment[timings.VARIABLE]
        found = timings.read(Path(folder))
    return Cost(command=command, seconds=seconds, roles=watch.by_role(), timings=found)


def processes_table(costs: Sequence[Cost]) -> list[str]:
    """CPU seconds by role, with the number of processes if there were several."""
    lines = [f"| command | wall | processor | {' | '.join(_ROLES)} |", "|---" * (3 + len(_ROLES)) + "|"]
    for cost in costs:
        cells = []
        for role in _ROLES:
            count, _, processor = cost.roles.get(role, (0, 0.0, 0.0))
            cells.append(f"{processor:.1f}" + (f" ({count})" if count > 1 else "") if count else "")
        lines.append(f"| {cost.command} | {cost.seconds:.1f} | {cost.processor:.1f} | {' | '.join(cells)} |")
    return lines


def spans_table(costs: Sequence[Cost]) -> list[str]:
    """Wall seconds of the program and the providers, by activity."""
    lines = [
        "| command | program: start and imports | reading the cluster | checks | declaring | providers: start | "
        "requests (number, kB) | steps |",
        "|---" * 8 + "|",
    ]
    for cost in costs:
        requests = [each for each in cost.timings if each.kind == "request"]
        kilobytes = sum(each.size for each in requests) / 1000
        lines.append(
            f"| {cost.command} | {cost.total('start', 'program'):.1f} | {cost.total('reading'):.1f} | "
            f"{cost.total('checks'):.1f} | {cost.total('declare'):.1f} | {cost.total('start', 'providers'):.1f} | "
            f"{cost.total('request'):.1f} ({len(requests)}, {kilobytes:,.0f}) | {cost.total('step'):.1f} |"
        )
    return lines


def waits_table(costs: Sequence[Cost]) -> list[str]:
    """The longest steps and waits of all commands together."""
    lines = ["| command | what | seconds |", "|---|---|---|"]
    for cost in costs:
        spans: dict[str, float] = defaultdict(float)
        for each in cost.timings:
            if each.kind in ("step", "wait"):
                spans[f"{each.kind}: {each.what}"] += each.seconds
        for what, seconds in sorted(spans.items(), key=lambda item: -item[1])[:_WAITS]:
            if seconds >= 0.5:
                lines.append(f"| {cost.command} | {what} | {seconds:.1f} |")
    return lines
