"""The printable content of a plan: the old CNI with its evidence, and every value with its reason."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from components.plan import MigrationPlan
from scripts.report.helm_values import HIDDEN, safe
from stacks.values import final_values, leaves, merge, migration_values, told_values


class Value(BaseModel):
    """One Helm value while both networks run and once Cilium is alone; values that look like credentials are hidden."""

    model_config = ConfigDict(frozen=True)

    path: str
    migration: Any
    final: Any
    changes: bool
    reason: str
    final_reason: str


class Plan(BaseModel):
    """A plan, ready to be printed."""

    model_config = ConfigDict(frozen=True)

    source: str
    evidence: tuple[str, ...]
    facts: dict[str, str]
    cilium: str
    node_config: str
    values: tuple[Value, ...]
    migration_values: dict[str, Any]
    final_values: dict[str, Any]

    @classmethod
    def of(cls, plan: MigrationPlan) -> "Plan":
        """Build it from the examined cluster."""
        cilium, source = plan.cilium, plan.source
        # The engine does not tell which value below a key is the secret one.
        own = merge(plan.config.cilium.values, plan.config.cilium.final_values) if "cilium" in plan.secret else {}
        hidden = {path for path, _ in leaves(own)}

        def shown(path: str, value: Any) -> Any:
            return HIDDEN if value is not None and path in hidden else safe(path, value)

        facts = {
            "pod networks": ", ".join(source.pod_networks),
            "encapsulation": source.encapsulation,
            "UDP port": str(source.udp_port or ""),
            "encryption": source.encryption,
            "VNI": str(source.vni or ""),
            "links": ", ".join(dict.fromkeys(each for each in (source.interface, *source.links) if each)),
            "MTU": str(source.mtu or ""),
            "policies": source.policy_engine,
            "BGP peers": ", ".join(source.bgp_peers),
            "kept by": ", ".join(f"{each.name} ({each.mark})" for each in source.owners),
            "nodes": str(len(plan.nodes)),
        }
        return cls(
            source=f"{source.title} {source.version}".strip(),
            evidence=source.evidence,
            facts={name: text for name, text in facts.items() if text},
            cilium=cilium.version,
            node_config=f"{cilium.node_config_version}: {cilium.reasons['node_config_version']}",
            values=tuple(
                Value(
                    path=each.path, migration=shown(each.path, each.migration), final=shown(each.path, each.final),
                    changes=each.changes, reason=each.migration_reason, final_reason=each.final_reason,
                )
                for each in told_values(cilium)
            ),
            migration_values=_without(migration_values(cilium), own),
            final_values=_without(final_values(cilium), own),
        )  # fmt: skip


def _without(values: Mapping[str, Any], hidden: Mapping[str, Any]) -> dict[str, Any]:
    """The values with those that are also `hidden` replaced by a placeholder."""

    def shown(key: str, value: Any) -> Any:
        if key not in hidden:
            return value
        both = isinstance(value, Mapping) and isinstance(hidden[key], Mapping)
        return _without(value, hidden[key]) if both else HIDDEN

    return {key: shown(key, value) for key, value in values.items()}
