"""Command line of the live view, for use beside a `pulumi up` in another terminal: `python -m scripts.watch`."""

import os
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.lease import Observer
from scripts.report.turns import Told
from scripts.watch.losses import Losses
from scripts.watch.reading import Reading, WatchedCluster, look
from scripts.watch.view import draw, farewell, line
from stacks.strategies import Phase

console = Console(highlight=False)
_EVERY_SECONDS = 1.0
# A slow reading burdens the cluster, so the next ones are taken less often.
_SHARE_OF_TIME = 0.25


class WatchError(Exception):
    """The watch cannot go on; the text is one line that says what to do."""


@dataclass
class Looks:
    """Reads the cluster repeatedly in a thread of its own, so that a slow request does not block the view."""

    cluster: Cluster
    cilium_namespace: str
    latest: Reading | None = None
    answered: float = field(default_factory=time.monotonic)
    trouble: ClusterError | None = None

    def start(self) -> None:
        """Start the thread, which ends with the process."""
        threading.Thread(target=self._go_on, name="looks", daemon=True).start()

    def _go_on(self) -> None:
        runs = Observer()
        while True:
            began = time.monotonic()
            try:
                self.latest = look(self.cluster, cilium_namespace=self.cilium_namespace, runs=runs)
                self.answered, self.trouble = time.monotonic(), None
            except ClusterError as error:
                self.trouble = error
            took = time.monotonic() - began
            time.sleep(max(_EVERY_SECONDS - took, took / _SHARE_OF_TIME - took, 0.1))


def follow(looks: Looks, *, losses: Losses, until: str, patience_seconds: float, deadline_seconds: float) -> str:
    """Show the migration until it has ended; returns the last line. Raises WatchError."""
    end, told = time.monotonic() + deadline_seconds, set[Told]()
    with Live(console=console, auto_refresh=False, transient=False) as live:
        while True:
            reading = looks.latest
            if reading:
                silent = time.monotonic() - looks.answered
                if console.is_terminal:
                    view = draw(reading, measured=losses.latest, untold=losses.untold, silent_seconds=silent)
                    live.update(view, refresh=True)
                else:
                    for each in (each for each in reading.told if each not in told):
                        console.print(escape(line(each)), soft_wrap=True)
                    told.update(reading.told)
                if reading.has_reached(_phase(until, reading)):
                    return farewell(reading, measured=losses.latest)
            _heed(looks, patience_seconds=patience_seconds)
            if time.monotonic() > end:
                raise WatchError(
                    f"{_named(until, reading)} was not reached in {deadline_seconds:.0f} s; the migration goes on "
                    "unwatched"
                )
            time.sleep(_EVERY_SECONDS / 2)


def _phase(name: str, reading: Reading) -> Phase:
    strategy = reading.strategy
    if name and name not in strategy.names:
        raise WatchError(f"--until {name} is no phase of strategy '{strategy.name}': {', '.join(strategy.names)}")
    return strategy.phase(name) if name else strategy.phases[-1]


def _named(until: str, reading: Reading | None) -> str:
    return until or (reading.strategy.phases[-1].name if reading else "the last phase")


def _heed(looks: Looks, *, patience_seconds: float) -> None:
    """Raise WatchError at once for errors that retries cannot fix, and for silence after a while."""
    silent = time.monotonic() - looks.answered
    if looks.trouble and not looks.trouble.may_pass:
        raise WatchError(f"{looks.trouble}; name another cluster with --kubeconfig or --context")
    if silent > patience_seconds:
        why = f" ({looks.trouble})" if looks.trouble else ""
        raise WatchError(
            f"{looks.cluster.server} has not answered for {silent:.0f} s{why}; "
            "the migration may well go on: watch again once it answers"
        )


def watch(
    until: Annotated[str, typer.Option(help="The phase whose end is the end of the watch; the last if unsaid.")] = "",
    kubeconfig: Annotated[str, typer.Option(help="Instead of your environment's.")] = "",
    context: Annotated[str, typer.Option(help="Instead of the kubeconfig's current one.")] = "",
    cilium_namespace: Annotated[str, typer.Option(help="Where Cilium is installed.")] = "kube-system",
    patience: Annotated[float, typer.Option(help="Seconds without an answer until it gives up.")] = 60,
    deadline: Annotated[float, typer.Option(help="Seconds until the watch ends in any case.")] = 86_400,
) -> None:
    """Show a running migration, read from the cluster only; changes nothing and ends when the migration does."""
    try:
        cluster = WatchedCluster(kubeconfig=kubeconfig, context=context)
    except ClusterError as error:
        raise WatchError(str(error)) from error
    looks, losses = Looks(cluster, cilium_namespace), Losses(cluster, cilium_namespace)
    looks.start()
    losses.start()
    said = follow(looks, losses=losses, until=until, patience_seconds=patience, deadline_seconds=deadline)
    console.print(f"[green]✓[/green] {escape(said)}", soft_wrap=True)
    _leave(0)


def main() -> None:
    """Run the command; errors that the user can act on are printed as one line."""
    try:
        typer.run(watch)
    except WatchError as error:
        console.print(f"[red]✗[/red] {escape(str(error))}", soft_wrap=True)
        _leave(1)
    except KeyboardInterrupt:
        console.print("stopped watching; the migration goes on")
        _leave(130)


def _leave(code: int) -> None:
    """Exit at once: an ordinary exit would wait for requests that get no answer."""
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
