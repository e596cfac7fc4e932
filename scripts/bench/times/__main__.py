"""Measures where the time of engine runs goes, as Markdown tables: `python -m scripts.bench.times`."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from scripts.bench.times.cost import Cost, processes_table, spans_table, waits_table
from scripts.bench.times.real import demo_costs
from scripts.bench.times.simulated import simulated_costs
from scripts.lab.console import console
from scripts.lab.paths import lab_folder


def show(title: str, costs: Sequence[Cost]) -> None:
    """Print the three tables and save the numbers."""
    for table in (processes_table(costs), spans_table(costs), waits_table(costs)):
        print("\n".join([f"\n### {title}\n", *table]))
    kept = [{"command": each.command, "seconds": each.seconds, "processor": each.processor} for each in costs]
    target = lab_folder() / f"times-{title.split()[0].lower()}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(kept, indent=1) + "\n")


def main(
    nodes: Annotated[int, typer.Option(help="Simulated nodes.")] = 12,
    *,
    demo: Annotated[bool, typer.Option(help="Each command of a real migration besides (needs root).")] = False,
) -> None:
    """Measure runs without changes on a simulated lab and, if asked, every command of the demo."""
    with tempfile.TemporaryDirectory() as folder:
        show("Simulated nodes", simulated_costs(Path(folder), nodes=nodes))
    if demo:
        show("Demo on the real lab", demo_costs())
    console.print(f"the numbers: {lab_folder()}/times-*.json")


if __name__ == "__main__":
    typer.run(main)
