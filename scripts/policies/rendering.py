"""Renders the inventory as a table and as JSON."""

import json

from rich.markup import escape
from rich.table import Table

from stacks.policies import Inventory, Verdict

_COLOURS = {Verdict.AS_IS: "green", Verdict.TRANSLATED: "cyan", Verdict.LOST: "red"}


def to_table(found: Inventory) -> Table:
    """A table with one row a policy, lost ones first."""
    table = Table(show_lines=True)
    table.add_column("policy", overflow="fold")
    table.add_column("under Cilium", no_wrap=True)
    for title in ("why, and what to know", "while both networks run, bridged"):
        table.add_column(title, overflow="fold")
    for verdict in reversed(Verdict):
        for each in found.of(verdict):
            said = "\n".join((*each.reasons, *each.notes))
            table.add_row(
                escape(each.title), f"[{_COLOURS[verdict]}]{verdict}[/]", escape(said), escape(each.bridge)
            )  # fmt: skip
    return table


def to_json(found: Inventory) -> str:
    """JSON of every policy with its translations."""
    entries = [
        {
            "title": each.title,
            "kind": each.kind,
            "namespace": each.namespace,
            "name": each.name,
            "verdict": each.verdict.value,
            "reasons": each.reasons,
            "notes": each.notes,
            "bridge": each.bridge,
            "translations": each.manifests,
            "window": each.window,
            "oldEngine": each.old_side,
        }
        for each in found.entries
    ]
    return json.dumps({"policies": entries}, indent=1, ensure_ascii=False)


def summary(found: Inventory) -> str:
    """The number of policies by verdict."""
    return ", ".join(f"{len(found.of(verdict))} {verdict}" for verdict in Verdict)
