"""Checks that run before any change and decide whether the config can work on this cluster."""

from components.checks.catalogue import CATALOGUE
from components.checks.framework.check import Check, refusals, run_checks, unfit_acknowledgements
from components.checks.framework.context import Context, StackState
from components.checks.framework.finding import Finding, Severity

__all__ = [
    "CATALOGUE", "Check", "Context", "Finding", "Severity", "StackState", "refusals", "run_checks",
    "unfit_acknowledgements",
]  # fmt: skip
