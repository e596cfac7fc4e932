"""The lab's terminal output: steps, progress, and one line for each error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import ClassVar

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

console = Console(stderr=True, highlight=False)


class LabError(Exception):
    """Something the user can act on; its text is shown as it is, without a stack trace."""


class BuildProgress:
    """Progress of a build: a live line on a terminal; elsewhere a line at the start, every half minute and the end."""

    _EVERY_SECONDS = 30.0
    _places: ClassVar[list[Callable[[], str]]] = []

    def __init__(self, name: str) -> None:
        self.name = name
        self._packages = 0
        self._started = self._said = time.monotonic()
        self._live: Progress | None = None
        if sys.stderr.isatty():
            self._live = Progress(
                SpinnerColumn(),
                TextColumn("building {task.description}{task.fields[place]}"),
                BarColumn(pulse_style="cyan"),
                TextColumn("{task.completed} packages"),
                TimeElapsedColumn(),
                console=console,
                transient=True,
            )
            self._task = self._live.add_task(name, total=None, place=self._amid())

    @classmethod
    @contextmanager
    def amid(cls, place: Callable[[], str]) -> Iterator[None]:
        """Add the position among all builds to the progress of every build in the block."""
        cls._places.append(place)
        try:
            yield
        finally:
            cls._places.pop()

    def _amid(self) -> str:
        return f" ({self._places[-1]()})" if self._places else ""

    def __enter__(self) -> "BuildProgress":
        if self._live:
            self._live.start()
        else:
            console.print(f"building {self.name}{self._amid()} ...")
        return self

    def advance(self, package: str) -> None:
        """Count one more compiled package (or line of the tool's output)."""
        self._packages += 1
        if self._live:
            self._live.update(self._task, completed=self._packages, place=self._amid())
        elif time.monotonic() - self._said > self._EVERY_SECONDS:
            self._said = time.monotonic()
            console.print(
                f"building {self.name}{self._amid()}: {self._packages} packages, {self._said - self._started:.0f} s, "
                f"now {package}"
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
        if kind is None:
            console.print(f"built {self.name}: {self._packages} packages in {time.monotonic() - self._started:.0f} s")


class Step:
    """One named step with its wall time, printed when it ends."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._started = 0.0
        self.seconds = 0.0

    def __enter__(self) -> "Step":
        self._started = time.monotonic()
        console.print(f"[dim]…[/dim] {self._text}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = time.monotonic() - self._started
        mark = "[green]✓[/green]" if kind is None else "[red]✗[/red]"
        console.print(f"{mark} {self._text} [dim]{self.seconds:.1f} s[/dim]")
