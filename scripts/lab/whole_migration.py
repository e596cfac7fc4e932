"""A whole migration as a user would run it: each phase and each node's turn is previewed, run, and verified."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from scripts.lab.console import console
from scripts.lab.session import Session


class Witness(Protocol):
    """Verifies the cluster independently of the program; each check returns a summary, or raises LabError."""

    def on_source(self, node: str) -> Sequence[str]:
        """Check that the node is on the old network."""

    def on_cilium(self, node: str) -> Sequence[str]:
        """Check that the node is on Cilium's network."""

    def source_gone(self, nodes: Sequence[str]) -> Sequence[str]:
        """Check that nothing is left of the old CNI."""


@dataclass(kw_only=True)
class WholeMigration:
    """A migration from `preflight` to `cleanup`, one node a wave."""

    session: Session
    witness: Witness
    nodes: Sequence[str]
    consent: str
    restart: str = "recycle"

    def run(self) -> dict[str, float]:
        """Run every phase in order; returns the seconds of each node's turn, including the engine's start."""
        self.phase("preflight")
        self.session.set(restart__method=self.restart)
        self.phase("secondary")
        for name in self.nodes:
            self.witness.on_source(name)
        seconds = {name: self.node(name, wave) for wave, name in enumerate(self.nodes)}
        self.phase("finalize")
        self.session.set(cleanup__consent=self.consent)
        self.phase("cleanup")
        _show(self.witness.source_gone(self.nodes))
        return seconds

    def phase(self, name: str) -> None:
        """Run one phase: config, preview, up."""
        console.rule(f"phase {name}", style="cyan")
        self.session.set(phase=name)
        self.session.preview()
        self.session.up()

    def node(self, name: str, wave: int) -> float:
        """Run one node's turn as a wave of its own; returns its seconds."""
        console.rule(f"{name}, wave {wave}", style="cyan")
        self.session.set_path(f"waves[{wave}][0]", name)
        self.session.preview()
        seconds = self.session.up().seconds
        _show([f"{name}: {line}" for line in self.witness.on_cilium(name)])
        return seconds


def _show(lines: Sequence[str]) -> None:
    for line in lines:
        console.print(f"  [green]✓[/green] {line}")
