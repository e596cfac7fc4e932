"""The checks' command line: `python -m scripts.check --stack prod`, whenever one likes; changes nothing."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from components.checks import Severity
from components.words import many
from scripts.check.asked import err, plan_of, run
from scripts.check.shown import to_json, to_table
from stacks.phases import Phase

BLOCKED = 1
out = Console(highlight=False)


class Output(StrEnum):
    """How findings are printed."""

    TABLE = "table"
    JSON = "json"


def check(
    stack: Annotated[str, typer.Option(help="Ask with this Pulumi stack's config.")] = "",
    config_file: Annotated[Path | None, typer.Option(help="Ask with the config in this file instead.")] = None,
    phase: Annotated[Phase | None, typer.Option(help="Ask as if the stack were in this phase.")] = None,
    output: Annotated[Output, typer.Option(help="How to print.")] = Output.TABLE,
    program: Annotated[Path, typer.Option(help="The folder with Pulumi.yaml.")] = Path(),
    kubeconfig: Annotated[str, typer.Option(help="Instead of the stack's own kubeconfig.")] = "",
    context: Annotated[str, typer.Option(help="Instead of the stack's own context.")] = "",
) -> None:
    """Print everything that the checks find on the cluster; ends with 1 if something forbids the run."""
    plan = plan_of(
        stack=stack, config_file=config_file, program=program, kubeconfig=kubeconfig, context=context,
        wishes={"phase": phase.value} if phase else {},
    )  # fmt: skip
    if output is Output.JSON:
        print(to_json(plan.findings))
    elif plan.findings:
        out.print(to_table(plan.findings))
    blockers = sum(each.severity is Severity.BLOCKER for each in plan.findings)
    verdict = f"{many(blockers, 'blocker')} of {many(len(plan.findings), 'finding')}"
    err.print(f"phase '{plan.config.phase}' from {plan.source.title}: {verdict}", soft_wrap=True)
    sys.exit(BLOCKED if blockers else 0)


if __name__ == "__main__":
    run(check)
