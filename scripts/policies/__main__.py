"""Command line that prints the policy inventory and changes nothing: `python -m scripts.policies --stack prod`."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from components.plurals import many
from components.policies import engine
from scripts.check.command_options import err, plan_of, run
from scripts.policies.rendering import summary, to_json, to_table
from scripts.policies.translation_files import write
from stacks.policies import Verdict

LOST = 1
out = Console(highlight=False)


class Output(StrEnum):
    """Output formats of the inventory."""

    TABLE = "table"
    JSON = "json"


def policies(
    stack: Annotated[
        str, typer.Option(help="Ask with this Pulumi stack's config; the selected one's if nothing is named.")
    ] = "",
    config_file: Annotated[Path | None, typer.Option(help="Ask with the config in this file instead.")] = None,
    output: Annotated[Output, typer.Option(help="How to print.")] = Output.TABLE,
    write_to: Annotated[
        Path | None, typer.Option("--write", help="Write the translations into this folder, one file an object.")
    ] = None,
    program: Annotated[Path, typer.Option(help="The folder with Pulumi.yaml.")] = Path(),
    kubeconfig: Annotated[str, typer.Option(help="Instead of the stack's own kubeconfig.")] = "",
    context: Annotated[str, typer.Option(help="Instead of the stack's own context.")] = "",
) -> None:
    """Print the fate of every policy under Cilium; exits with 1 if a lost one is not acknowledged."""
    plan = plan_of(
        stack=stack, config_file=config_file, program=program, kubeconfig=kubeconfig, context=context
    )  # fmt: skip
    found = plan.inventory
    if output is Output.JSON:
        print(to_json(found))
    elif found.entries:
        out.print(to_table(found))
    enforces = engine(plan.snapshot, plan.source)
    err.print(f"enforced by {enforces or 'nobody in sight'} today: {summary(found)}", soft_wrap=True)
    for each in plan.snapshot.unknown_kinds:
        err.print(f"not understood: {each.title}, {each.trouble or many(each.count, 'object')}", soft_wrap=True)
    if write_to is not None:
        files = write(found, write_to)
        err.print(f"{many(len(files), 'file')} written to {write_to}", soft_wrap=True)
    given_up = set(plan.config.policies.accept_lost)
    sys.exit(LOST if any(each.title not in given_up for each in found.of(Verdict.LOST)) else 0)


if __name__ == "__main__":
    run(policies)
