"""The checks that decide, before anything is changed, whether what the config asks for can work on this cluster."""

from components.checks.catalogue import CATALOGUE
from components.checks.finding import Check, Context, Finding, Severity, refusals, run_checks

__all__ = ["CATALOGUE", "Check", "Context", "Finding", "Severity", "refusals", "run_checks"]
