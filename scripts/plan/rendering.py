"""Renders a plan as tables, as YAML with the reasons as comments, and as JSON."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from scripts.plan.content import Plan, Value
from scripts.report.helm_values import safe

_WIDTH = 110
_REST = {"migration_values", "final_values"}


def to_tables(plan: Plan) -> Group:
    """Tables of the old network, the values of the migration, and the changes of phase `finalize`."""
    return Group(_found(plan), "", _values(plan), "", _changes(plan))


def _found(plan: Plan) -> Table:
    table = Table(title=f"the old network: {escape(plan.source)}", title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in plan.facts.items():
        table.add_row(name, escape(text))
    for each in plan.evidence:
        table.add_row("evidence", escape(each))
    return table


def _values(plan: Plan) -> Table:
    title = f"Helm values of Cilium {plan.cilium} beside it; CiliumNodeConfig {plan.node_config}"
    table = Table(title=escape(title), title_justify="left", show_lines=True)
    table.add_column("value", overflow="fold")
    table.add_column("is", overflow="fold")
    table.add_column("because", overflow="fold")
    for each in plan.values:
        if each.migration is not None:
            table.add_row(escape(each.path), escape(text_of(each.migration)), escape(each.reason))
    return table


def _changes(plan: Plan) -> Table:
    table = Table(title="what phase 'finalize' changes", title_justify="left", show_lines=True)
    for column in ("value", "was", "is then", "because"):
        table.add_column(column, overflow="fold")
    for each in _changed(plan):
        was, then = text_of(each.migration), text_of(each.final)
        table.add_row(escape(each.path), f"[red]{escape(was)}[/]", f"[green]{escape(then)}[/]", escape(_why(each)))
    return table


def to_yaml(plan: Plan) -> str:
    """The same as one YAML document."""
    head = {"source": {"is": plan.source, **plan.facts, "evidence": list(plan.evidence)}}
    reasons = {each.path: each.reason for each in plan.values}
    changed = _differences(plan.migration_values, plan.final_values)
    because = {each.path: f"was {text_of(each.migration)}: {_why(each)}" for each in _changed(plan)}
    return "".join(
        (
            yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=_WIDTH),
            f"# CiliumNodeConfig {plan.node_config}\n",
            f"# Helm values of Cilium {plan.cilium} while both networks run\nmigration:\n",
            *_lines(plan.migration_values, reasons, indent=1),
            "# what phase 'finalize' changes\nfinal:\n" if changed else "final: {}\n",
            *_lines(changed, because, indent=1),
        )
    )


def to_json(plan: Plan) -> str:
    """Everything but the two trees of values, which `--values` prints."""
    return plan.model_dump_json(indent=1, exclude=_REST)


def plain(values: Mapping[str, Any]) -> str:
    """Values as YAML for Helm."""
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True)


def text_of(value: object) -> str:
    """A value as YAML on one line; a dash for one that is not set."""
    if value is None:
        return "-"
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("\n...\n").strip()


def _changed(plan: Plan) -> list[Value]:
    return [each for each in plan.values if each.changes]


def _why(value: Value) -> str:
    return value.final_reason or ("no longer set" if value.final is None else "")


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of `after` that are new or different from `before`; null for those that were removed."""
    found: dict[str, Any] = {}
    for key in dict.fromkeys((*before, *after)):
        was, then = before.get(key), after.get(key)
        if isinstance(was, Mapping) and isinstance(then, Mapping):
            within = _differences(was, then)
            found |= {key: within} if within else {}
        elif was != then:
            found[key] = then
    return found


def _lines(tree: Mapping[str, Any], comments: Mapping[str, str], *, indent: int, path: str = "") -> Iterator[str]:
    space = "  " * indent
    for key, value in tree.items():
        here = f"{path}.{key}" if path else str(key)
        for line in textwrap.wrap(comments.get(here, ""), _WIDTH - len(space)):
            yield f"{space}# {line}\n"
        if isinstance(value, Mapping) and value:
            yield f"{space}{text_of(str(key))}:\n"
            yield from _lines(value, comments, indent=indent + 1, path=here)
        else:
            yield f"{space}{text_of(str(key))}: {'null' if value is None else text_of(safe(here, value))}\n"
