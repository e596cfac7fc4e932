"""Run every benchmark and print its ratio: `python -m scripts.bench`."""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.table import Table

from scripts.bench import checks, drains, many_nodes, previews, probes, waves
from scripts.lab.console import console
from scripts.lab.paths import lab_folder
from scripts.lab.simulated import lab as simulated
from scripts.lab.simulated.control_plane import ControlPlane


class Ratio(BaseModel):
    """The result of one benchmark; times are medians in seconds."""

    name: str
    ours: float
    baseline: str
    of_baseline: float

    @property
    def ratio(self) -> float:
        """The program's time divided by the baseline's."""
        return self.ours / self.of_baseline


def _median(run: Callable[[], None], times: int, before: Callable[[], None] = lambda: None) -> float:
    taken = []
    for _ in range(times):
        before()
        began = time.monotonic()
        run()
        taken.append(time.monotonic() - began)
    return statistics.median(taken)


def _previews(plane: ControlPlane, folder: Path, *, nodes: int, times: int) -> Ratio:
    ours, baseline = previews.prepare(plane, folder)
    return Ratio(
        name=f"no-change preview, {nodes} nodes",
        ours=_median(ours, times),
        baseline="preview of an empty Python program",
        of_baseline=_median(baseline, times),
    )


def _drains(plane: ControlPlane, *, pods: int, times: int) -> Ratio:
    settle, ours, baseline = drains.prepare(plane, pods=pods)
    return Ratio(
        name=f"drain of a node with {pods} pods",
        ours=_median(ours, times, settle),
        baseline="kubectl drain",
        of_baseline=_median(baseline, times, settle),
    )


def _waves(*, width: int) -> Ratio:
    with tempfile.TemporaryDirectory() as scratch, ControlPlane(simulated_nodes=True) as plane:
        wave, one = waves.measure(plane, Path(scratch), width=width)
    return Ratio(name=f"wave of {width} nodes with 5 s drains", ours=wave, baseline="one node's turn", of_baseline=one)


def _growth(*, done: int) -> Ratio:
    plane = ControlPlane(simulated_nodes=True, pod_network=simulated.POD_NETWORK)
    with tempfile.TemporaryDirectory() as scratch, plane:
        found = many_nodes.measure(plane, Path(scratch), done=done, more=10)
    console.print(
        f"with {done + found.more} nodes done: {found.resources:.1f} resources and {found.state_bytes:.0f} bytes of "
        f"state a node, a run without changes {found.unchanged:.1f} s"
    )
    return Ratio(
        name=f"{found.more} nodes more with {done} done", ours=found.later, baseline=f"the first {found.more} nodes",
        of_baseline=found.first,
    )  # fmt: skip


def _probes(*, nodes: int) -> Ratio:
    with ControlPlane(simulated_nodes=True, pod_network=simulated.POD_NETWORK) as plane:
        read, baseline = probes.measure(plane, nodes=nodes)
    console.print(f"reading {nodes} nodes' probes took {read.seconds:.1f} s and {read.megabytes:.0f} MB")
    return Ratio(
        name=f"results of {nodes} nodes' probes, read and judged",
        ours=read.seconds,
        baseline="kubectl logs of 50 of them, times the rest",
        of_baseline=baseline,
    )


def _checks(*, nodes: int, pods: int) -> list[Ratio]:
    with ControlPlane() as plane:
        *looked, baseline = checks.measure(plane, nodes=nodes, pods=pods)
    found = []
    for name, each in zip(("all checks", "the plan"), looked, strict=True):
        title = f"{name}, {nodes} nodes and {pods} pods"
        console.print(f"{title}: {each.seconds:.1f} s and {each.megabytes:.0f} MB")
        found.append(
            Ratio(
                name=title,
                ours=each.seconds,
                baseline="kubectl get of all pods and nodes as JSON",
                of_baseline=baseline,
            )
        )
    return found


def main(
    nodes: Annotated[int, typer.Option(help="Simulated nodes of the preview.")] = 100,
    pods: Annotated[int, typer.Option(help="Pods on the node that is drained.")] = 60,
    width: Annotated[int, typer.Option(help="Nodes of the wave.")] = 20,
    done: Annotated[int, typer.Option(help="Nodes that are done before ten more move.")] = 100,
    probed: Annotated[int, typer.Option(help="Simulated nodes whose probes are read.")] = 1000,
    crowd: Annotated[int, typer.Option(help="Pods on as many nodes, a tenth of them, that are checked.")] = 10_000,
    times: Annotated[int, typer.Option(help="Runs of each; the median counts.")] = 3,
) -> None:
    """Measure, print, and write `.lab/bench.json`."""
    with tempfile.TemporaryDirectory() as scratch, ControlPlane(simulated_nodes=True) as plane:
        simulated.populate(plane, nodes)
        found = [
            _previews(plane, Path(scratch), nodes=nodes, times=times),
            _drains(plane, pods=pods, times=times),
        ]
    found.append(_waves(width=width))
    found.append(_growth(done=done))
    found.append(_probes(nodes=probed))
    found += _checks(nodes=crowd // 10, pods=crowd)
    table = Table("what", "ours", "baseline", "takes", "ratio")
    for each in found:
        table.add_row(each.name, f"{each.ours:.2f} s", each.baseline, f"{each.of_baseline:.2f} s", f"{each.ratio:.2f}")
    console.print(table)
    target = lab_folder() / "bench.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps([{**each.model_dump(), "ratio": each.ratio} for each in found], indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
