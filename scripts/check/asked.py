"""What every command that only looks has in common: whose config it asks with, and how it ends when it can't."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from components.plan import MigrationPlan, PlanError, examine
from scripts.check.settings import Settings, SettingsError, of_file, of_stack

FAILED = 2
err = Console(stderr=True, highlight=False)


def plan_of(
    *,
    stack: str,
    config_file: Path | None,
    program: Path,
    kubeconfig: str,
    context: str,
    wishes: Mapping[str, object] | None = None,
) -> MigrationPlan:
    """The cluster examined with a file's config, a stack's or none; `wishes` come before what that says.

    Raises SettingsError if the config cannot be had, PlanError if it or the cluster cannot be read.
    """
    settings = settings_of(
        stack=stack, config_file=config_file, program=program, kubeconfig=kubeconfig, context=context
    )  # fmt: skip
    return examine(
        {**settings.own, **(wishes or {})},
        kubeconfig=settings.kubeconfig,
        context=settings.context,
        secret=settings.secret,
    )


def settings_of(*, stack: str, config_file: Path | None, program: Path, kubeconfig: str, context: str) -> Settings:
    """A file's config, a stack's or none, and the cluster that is meant. Raises SettingsError if it cannot be had."""
    found = of_file(config_file) if config_file else of_stack(stack, folder=program) if stack else Settings()
    return replace(found, kubeconfig=kubeconfig or found.kubeconfig, context=context or found.context)


def run(command: Callable[..., None]) -> None:
    """Run the command; what the user can act on is one clear line."""
    try:
        typer.run(command)
    except (PlanError, SettingsError) as error:
        err.print(f"[red]✗[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(FAILED)
