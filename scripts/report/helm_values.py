"""Cilium's Helm values side by side: while both networks run, and once it is alone."""

import re

import yaml

from scripts.report.model import ValueChange
from stacks.settle import Cilium
from stacks.values import told_values

HIDDEN = "(not shown)"
# The page is passed on; the user's own values may hold credentials.
_CREDENTIAL = re.compile(
    r"(password|passwd|secret|token|credential|private|apikey|\bkey$|\bcrt$|\bcert$)", re.IGNORECASE
)


def value_changes(cilium: Cilium) -> tuple[ValueChange, ...]:
    """Every value of either set, those that `finalize` changes first."""
    changes = [
        ValueChange(
            path=each.path, migration=_text(each.path, each.migration), final=_text(each.path, each.final),
            reason=each.migration_reason or each.final_reason,
        )
        for each in sorted(told_values(cilium), key=lambda told: told.path)
    ]  # fmt: skip
    return tuple(sorted(changes, key=lambda change: not change.changed))


def safe(path: str, value: object) -> object:
    """The value, or a placeholder if its name is that of a credential."""
    return HIDDEN if value is not None and _CREDENTIAL.search(path) else value


def _text(path: str, value: object) -> str | None:
    shown = safe(path, value)
    if shown is None:
        return None
    return yaml.safe_dump(shown, default_flow_style=True, width=1000).removesuffix("\n...\n").strip()
