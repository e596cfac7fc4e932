"""Command line that prints the plan at any time and changes nothing: `python -m scripts.plan --stack prod`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from components.checks import refusals
from components.plurals import many
from scripts.check.command_options import as_asked, err, plan_of, run
from scripts.plan.content import Plan
from scripts.plan.rendering import plain, to_json, to_tables, to_yaml

out = Console(highlight=False)


class Output(StrEnum):
    """Output formats of the plan."""

    TABLE = "table"
    YAML = "yaml"
    JSON = "json"


class Values(StrEnum):
    """The two sets of Helm values."""

    MIGRATION = "migration"
    FINAL = "final"


def plan(
    stack: Annotated[
        str, typer.Option(help="Plan with this Pulumi stack's config; the selected one's if nothing is named.")
    ] = "",
    config_file: Annotated[Path | None, typer.Option(help="Plan with the config in this file instead.")] = None,
    output: Annotated[Output, typer.Option(help="How to print.")] = Output.TABLE,
    values: Annotated[Values | None, typer.Option(help="Print these values alone, as Helm reads them.")] = None,
    program: Annotated[Path, typer.Option(help="The folder with Pulumi.yaml.")] = Path(),
    kubeconfig: Annotated[str, typer.Option(help="Instead of the stack's own kubeconfig.")] = "",
    context: Annotated[str, typer.Option(help="Instead of the stack's own context.")] = "",
) -> None:
    """Print the old network as detected, and Cilium's values for this cluster, each with its reason."""
    found = plan_of(
        stack=stack, config_file=config_file, program=program, kubeconfig=kubeconfig, context=context
    )  # fmt: skip
    told = Plan.of(found)
    if values:
        print(plain(told.migration_values if values is Values.MIGRATION else told.final_values), end="")
    elif output is Output.JSON:
        print(to_json(told))
    elif output is Output.YAML:
        print(to_yaml(told), end="")
    else:
        out.print(to_tables(told))
    refused = refusals(found.findings)
    if refused:
        same = as_asked(
            stack=stack, config_file=config_file, program=program, kubeconfig=kubeconfig, context=context
        )  # fmt: skip
        says_why = escape(f"`.venv/bin/python -m scripts.check{same}` says why")
        err.print(f"{many(len(refused), 'check')} would refuse this: {says_why}", soft_wrap=True)


if __name__ == "__main__":
    run(plan)
