"""The Pulumi program of the migration: makes a plan from the config and the cluster, and declares its resources."""

# ruff: noqa: E402 (garbage collection is off during the imports, which saves a tenth of their time)

import gc
import os
import signal
from pathlib import Path

gc.disable()

import pulumi

from components import timings
from components.killed_runs import end_left_plugins, left_plugins
from components.operations.deadline import OperationError
from components.operator_lines import Level, Line
from components.phases.migration import declare
from components.phases.stack_state import stack_state
from components.plan import PlanError, make_plan

gc.freeze()
gc.enable()


def read_config() -> tuple[dict[str, object], set[str]]:
    """This project's settings as the engine passes them, and the keys that hold a secret."""
    prefix = f"{pulumi.get_project()}:"
    settings = {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    own = {key.removeprefix(prefix): value for key, value in settings.items() if key.startswith(prefix)}
    return own, {key for key in own if pulumi.runtime.config.is_config_secret(f"{prefix}{key}")}


def end_quietly() -> None:
    """Exit without a stack trace on the interrupt with which the engine ends a failed run."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(1))


def end_what_was_left() -> None:
    """End plugins that a killed run left, as they may still change the cluster; a preview only warns about them."""
    if not pulumi.runtime.is_dry_run():
        return end_left_plugins(Path.cwd())
    for plugin in left_plugins(Path.cwd()):
        pulumi.log.warn(f"{plugin.title} outlived an engine that was killed, and may still be at work: `up` ends it")
    return None


def say(line: Line) -> None:
    """Give a line to the engine at its level; the engine has none for notes, so those are marked."""
    if line.level is Level.WARNING:
        pulumi.log.warn(line.text)
    else:
        pulumi.log.info(f"note: {line.text}" if line.level is Level.NOTE else line.text)


def main() -> None:
    """Make the plan, print it, declare its resources."""
    timings.note_start("program")
    end_quietly()
    cluster = pulumi.Config("kubernetes")
    settings, secret = read_config()
    try:
        end_what_was_left()
        plan = make_plan(
            settings,
            kubeconfig=cluster.get("kubeconfig") or "",
            context=cluster.get("context") or "",
            secret=secret,
            read_state=stack_state,
        )
    except (PlanError, OperationError) as error:
        raise pulumi.RunError(str(error)) from error
    for line in plan.lines(at_once=pulumi.runtime.settings.SETTINGS.parallel or 1):
        say(line)
    with timings.timed("declare", "resources"):
        outputs = declare(plan)
    for name, value in outputs.items():
        pulumi.export(name, value)


main()
