"""Command line that writes the report: `python -m scripts.report --stack prod --html report.html`."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from scripts.report.collect import collect, read_measurement
from scripts.report.figures import headline
from scripts.report.page import to_html, to_json
from scripts.report.stack_record import ReportError

console = Console(stderr=True, highlight=False)
_COLOURS = {"clean": "green", "gaps": "yellow", "losses": "red", "unfinished": "yellow", "unmeasured": "yellow"}


def report(
    stack: Annotated[str, typer.Option(help="The Pulumi stack that did the migration.")],
    html: Annotated[Path | None, typer.Option(help="The HTML file to write.")] = None,
    json: Annotated[Path | None, typer.Option(help="The JSON file to write.")] = None,
    measurement: Annotated[
        Path | None, typer.Option(help="A saved measurement (JSON) to use instead of reading the probes.")
    ] = None,
    program: Annotated[Path, typer.Option(help="The folder with Pulumi.yaml.")] = Path(),
    kubeconfig: Annotated[str, typer.Option(help="Instead of the stack's own kubeconfig.")] = "",
    context: Annotated[str, typer.Option(help="Instead of the stack's own context.")] = "",
) -> None:
    """Write the report of a migration and its losses, from the stack, the cluster and the probe; changes nothing."""
    if html is None and json is None:
        raise ReportError("nothing to write: name a file with --html, --json or both")
    measured = read_measurement(measurement) if measurement else None
    found = collect(stack, folder=program, measured=measured, kubeconfig=kubeconfig, context=context)
    for line in found.left_out:
        console.print(f"[yellow]![/yellow] left out: {escape(line)}", soft_wrap=True)
    for path, write in ((html, to_html), (json, to_json)):
        if path:
            try:
                path.write_text(write(found))
            except OSError as error:
                raise ReportError(f"{path}: cannot be written ({error.strerror})") from error
            console.print(
                f"[green]✓[/green] {escape(str(path))} [dim]{path.stat().st_size // 1024} kB[/dim]", soft_wrap=True
            )
    head = headline(found)
    console.print(f"[{_COLOURS[head.verdict]}]{head.sentence}[/]")


def main() -> None:
    """Run the command; errors that the user can act on are printed as one line."""
    try:
        typer.run(report)
    except ReportError as error:
        console.print(f"[red]✗[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
