"""Shared code of the read-only commands: selection of the config, and one-line errors."""

import shlex
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
    """Examine the cluster with the config of a file, of a stack or the default; `wishes` override it.

    Raises SettingsError if the config cannot be read, PlanError if it is not valid or the cluster cannot be read.
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
    """The config of a file, of a stack or the default, and its cluster. Raises SettingsError if it cannot be read.

    Without any option it is the config of the selected stack, as with the engine's own commands.
    """
    if config_file:
        found = of_file(config_file)
    elif stack:
        found = of_stack(stack, folder=program)
    else:
        found = Settings() if kubeconfig or context else _of_selected(program)
    return replace(found, kubeconfig=kubeconfig or found.kubeconfig, context=context or found.context)


def _of_selected(program: Path) -> Settings:
    try:
        return of_stack("", folder=program)
    except SettingsError as error:
        told = f"asked with the default config and the environment's kubeconfig, as no stack's can be had: {error}"
        err.print(f"[yellow]![/yellow] {escape(told)}", soft_wrap=True)
        return Settings()


def as_asked(*, stack: str, config_file: Path | None, program: Path, kubeconfig: str, context: str) -> str:
    """The options of this call, to show in a command with the same config; a space before each."""
    folder = "" if program == Path() else str(program)
    given = {
        "--stack": stack, "--config-file": str(config_file or ""), "--program": folder, "--kubeconfig": kubeconfig,
        "--context": context,
    }  # fmt: skip
    return "".join(f" {name} {shlex.quote(value)}" for name, value in given.items() if value)


def run(command: Callable[..., None]) -> None:
    """Run the command; errors that the user can act on are printed as one line."""
    try:
        typer.run(command)
    except (PlanError, SettingsError) as error:
        err.print(f"[red]✗[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(FAILED)
