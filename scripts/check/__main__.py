"""Command line that runs the checks at any time and changes nothing: `python -m scripts.check --stack prod`."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from components.checks import Severity
from components.plurals import many
from scripts.check.command_options import err, plan_of, run
from scripts.check.rendering import to_json, to_tables

BLOCKED = 1
out = Console(highlight=False)


class Output(StrEnum):
    """Output formats of the findings."""

    TABLE = "table"
    JSON = "json"


def check(
    stack: Annotated[
        str, typer.Option(help="Ask with this Pulumi stack's config; the selected one's if nothing is named.")
    ] = "",
    config_file: Annotated[Path | None, typer.Option(help="Ask with the config in this file instead.")] = None,
    phase: Annotated[str, typer.Option(help="Ask as if the stack were in this phase.")] = "",
    output: Annotated[Output, typer.Option(help="How to print.")] = Output.TABLE,
    program: Annotated[Path, typer.Option(help="The folder with Pulumi.yaml.")] = Path(),
    kubeconfig: Annotated[str, typer.Option(help="Instead of the stack's own kubeconfig.")] = "",
    context: Annotated[str, typer.Option(help="Instead of the stack's own context.")] = "",
) -> None:
    """Print all findings of the checks on the cluster; exits with 1 if one of them blocks the run."""
    plan = plan_of(
        stack=stack, config_file=config_file, program=program, kubeconfig=kubeconfig, context=context,
        wishes={"phase": phase} if phase else {},
    )  # fmt: skip
    if output is Output.JSON:
        print(to_json(plan.findings))
    else:
        for table in to_tables(plan.findings):
            out.print(table)
    blockers = sum(each.severity is Severity.BLOCKER for each in plan.findings)
    unrecognised = sum(each.unrecognised is not None for each in plan.findings)
    verdict = f"{many(blockers, 'blocker')} of {many(len(plan.findings), 'finding')}"
    if unrecognised:
        verdict += f", {many(unrecognised, 'thing')} not understood"
    err.print(f"phase '{plan.config.phase}' from {plan.source.title}: {verdict}", soft_wrap=True)
    sys.exit(BLOCKED if blockers else 0)


if __name__ == "__main__":
    run(check)
