"""The lab's command line: `python -m scripts.lab up`."""

import os
import shlex
import shutil
import sys
from typing import Annotated

import typer
from rich.table import Table

from scripts.lab.cluster.sources import SOURCES
from scripts.lab.console import LabError, Step, console
from scripts.lab.images.store import image_store
from scripts.lab.lab import Lab
from scripts.lab.paths import cache_folder, lab_folder
from scripts.lab.simulated import lab as simulated
from scripts.lab.workloads.apply import app as workload_commands

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
node_commands = typer.Typer(no_args_is_help=True, help="One machine of the lab.")
app.add_typer(node_commands, name="node")
app.add_typer(workload_commands, name="workloads")


@app.command()
def up(
    nodes: Annotated[int, typer.Option(min=1, max=40, help="How many worker nodes.")] = 3,
    source: Annotated[str, typer.Option(help="flannel, canal or calico")] = "flannel",
) -> None:
    """Start the lab: a control plane and nodes with a CNI and CoreDNS; running parts stay as they are."""
    lab = Lab()
    with Step(f"lab {lab.lab_id} up"):
        lab.up(nodes=nodes, source=source)
    console.print(f"export KUBECONFIG={lab.kubeconfig}")


@app.command()
def down() -> None:
    """Stop the lab and check that nothing of it is left behind; the nodes' logs stay."""
    Lab().down()


@app.command()
def clean(
    *, cache: Annotated[bool, typer.Option("--cache", help="Also remove every built part and image.")] = False
) -> None:
    """Stop and remove the labs, those of tests and the simulated one too; built parts stay without `--cache`."""
    simulated.control_plane().stop()
    for folder in (lab_folder() / "tests", lab_folder()):
        if folder.exists():
            Lab(folder).clean()
    if cache:
        shutil.rmtree(cache_folder(), ignore_errors=True)
    else:
        console.print(f"built parts and images are still in {cache_folder()}; `clean --cache` removes them too")


@app.command()
def status() -> None:
    """Show the machines of the lab."""
    found = Lab().status()
    if not found.running:
        console.print(f"lab {found.lab_id} is not up")
        raise typer.Exit(1)
    console.print(f"lab {found.lab_id}: API server at {found.server} {'ready' if found.api_ready else 'NOT READY'}")
    table = Table("machine", "address", "process", "boots", "node", "boot ID", box=None)
    for known in found.machines:
        node = {True: "Ready", False: "NotReady", None: "-"}[known.ready]
        process = str(known.process) if known.running else "off"
        table.add_row(known.name, known.address, process, str(known.boots), node, known.boot_id[:8])
    console.print(table)


@app.command("exec", context_settings={"ignore_unknown_options": True})
def execute(node: str, command: list[str]) -> None:
    """Run a command on a machine: exec worker-1 -- ip route."""
    raise typer.Exit(Lab().exec(node, command, capture=False, check=False).returncode)


@app.command()
def kubeconfig() -> None:
    """Print the path of the kubeconfig."""
    print(Lab().kubeconfig)


@app.command()
def build() -> None:
    """Build every program and image that the lab needs, Pulumi's too, without starting anything."""
    from scripts.lab.session import build_everything  # the other commands start without it

    build_everything(list(SOURCES.values()))


@app.command()
def images() -> None:
    """Build the images and print the folder that they are unpacked in."""
    print(image_store())


@node_commands.command()
def reboot(name: str) -> None:
    """Reboot a node as by its reset button."""
    with Step(f"{name} rebooted"):
        Lab().reboot(name)


@node_commands.command()
def start(name: str) -> None:
    """Start a node that powered itself off."""
    with Step(f"{name} started"):
        Lab().start(name)


@app.command()
def demo(
    nodes: Annotated[int, typer.Option(min=2, max=40, help="How many worker nodes.")] = 3,
    source: Annotated[str, typer.Option(help="The CNI to migrate from: flannel, canal or calico.")] = "flannel",
    restart: Annotated[str, typer.Option(help="recycle or reboot")] = "recycle",
    *,
    keep: Annotated[bool, typer.Option(help="Leave the lab up afterwards.")] = False,
) -> None:
    """Start a real cluster, migrate it completely under traffic, and print the losses."""
    from scripts.lab.demo import run_demo  # the other commands start without it

    run_demo(nodes=nodes, source=source, restart=restart, keep=keep)


@app.command("demo-simulated")
def demo_simulated(nodes: Annotated[int, typer.Option(min=3, max=100, help="How many simulated nodes.")] = 3) -> None:
    """Start a simulated cluster and migrate it completely: real engine and API server, no data path."""
    from scripts.lab.simulated.demo import run_simulated_demo  # the other commands start without it

    run_simulated_demo(nodes=nodes)


@app.command()
def sim(
    nodes: Annotated[int, typer.Option(min=1, max=5000, help="How many simulated nodes.")] = 100,
    *,
    down: Annotated[bool, typer.Option(help="Stop it instead.")] = False,
) -> None:
    """Start a real control plane with simulated nodes, for runs of the whole program; no container runs."""
    if down:
        simulated.control_plane().stop()
        return
    plane = simulated.start(nodes)
    console.print(f"export KUBECONFIG={plane.kubeconfig}")


@app.command()
def env() -> None:
    """Print shell settings to run `pulumi` and `kubectl` on the lab: eval "$(python -m scripts.lab env)"."""
    from scripts.lab.session import prepare  # the other commands start without it

    lab = Lab()
    environment = prepare(kubeconfig=lab.kubeconfig)
    environment["PATH"] = f"{lab.kubectl_binary.parent}{os.pathsep}{environment['PATH']}"
    for name, value in environment.items():
        if name.startswith("PULUMI_") or name in ("PATH", "VIRTUAL_ENV", "KUBECONFIG", "HELM_BINARY"):
            print(f"export {name}={shlex.quote(value)}")


def main() -> None:
    """Run a command; errors that the user can act on are printed as one line."""
    try:
        app()
    except LabError as error:
        console.print(f"[red]✗[/red] {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
