"""Cilium's Helm values side by side: while both networks run, and once it is alone."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from scripts.report.model import ValueChange
from stacks.config import CiliumSettings
from stacks.values import final_method, final_values, migration_method, migration_values

HIDDEN = "(not shown)"
# The page leaves the cluster; a user's own values may hold what must not.
_CREDENTIAL = re.compile(
    r"(password|passwd|secret|token|credential|private|apikey|\bkey$|\bcrt$|\bcert$)", re.IGNORECASE
)


def value_changes(cilium: CiliumSettings) -> tuple[ValueChange, ...]:
    """Every value of either set, those that `finalize` changes first."""
    migration, final = dict(_leaves(migration_values(cilium))), dict(_leaves(final_values(cilium)))
    reasons = {each.path: each.reason for each in (*final_method(cilium), *migration_method(cilium))}
    changes = [
        ValueChange(
            path=path, migration=migration.get(path), final=final.get(path), reason=reasons.get(path, "")
        )
        for path in sorted({*migration, *final})
    ]  # fmt: skip
    return tuple(sorted(changes, key=lambda change: not change.changed))


def _leaves(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        here = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, here)
        else:
            yield here, _text(here, value)


def _text(path: str, value: object) -> str:
    if _CREDENTIAL.search(path):
        return HIDDEN
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n...\n").strip()
