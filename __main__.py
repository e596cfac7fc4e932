"""The migration as a Pulumi program: config and cluster make a plan, the plan is declared, nothing else."""

# ruff: noqa: E402 (the collector is off while all is imported, which makes no garbage: a tenth of that time)

import gc
import os
import signal

gc.disable()

import pulumi

from components import timings
from components.phases.known_state import releases_in_state
from components.phases.migration import declare
from components.plan import PlanError, make_plan

gc.freeze()
gc.enable()


def read_config() -> tuple[dict[str, object], set[str]]:
    """This project's own settings, as the engine hands them over, and the keys with a secret in them."""
    prefix = f"{pulumi.get_project()}:"
    settings = {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    own = {key.removeprefix(prefix): value for key, value in settings.items() if key.startswith(prefix)}
    return own, {key for key in own if pulumi.runtime.config.is_config_secret(f"{prefix}{key}")}


def end_quietly() -> None:
    """Have the engine's own end of a failed run, an interrupt, show no stack trace beside the error that matters."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(1))


def main() -> None:
    """Plan, say what will happen, declare."""
    timings.note_start("program")
    end_quietly()
    cluster = pulumi.Config("kubernetes")
    settings, secret = read_config()
    try:
        plan = make_plan(
            settings,
            kubeconfig=cluster.get("kubeconfig") or "",
            context=cluster.get("context") or "",
            secret=secret,
            releases_in_state=releases_in_state,
        )
    except PlanError as error:
        raise pulumi.RunError(str(error)) from error
    for line in plan.lines(at_once=pulumi.runtime.settings.SETTINGS.parallel or 1):
        kind, _, text = line.partition(": ")
        pulumi.log.warn(text) if kind == "warning" else pulumi.log.info(line)
    with timings.timed("declare", "resources"):
        outputs = declare(plan)
    for name, value in outputs.items():
        pulumi.export(name, value)


main()
