"""What a plan has to say: the old CNI with the evidence for it, and every value with its reason."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from components.plan import MigrationPlan
from scripts.report.helm_values import safe
from stacks.values import final_values, migration_values, told_values


class Value(BaseModel):
    """One Helm value while both networks run and once Cilium is alone; what looks like a credential is not shown."""

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
        """From what was read and decided."""
        cilium, source = plan.cilium, plan.source
        facts = {
            "pod networks": ", ".join(source.pod_networks),
            "encapsulation": source.encapsulation,
            "UDP port": str(source.udp_port or ""),
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
                    path=each.path, migration=safe(each.path, each.migration), final=safe(each.path, each.final),
                    changes=each.changes, reason=each.migration_reason, final_reason=each.final_reason,
                )
                for each in told_values(cilium)
            ),
            migration_values=migration_values(cilium),
            final_values=final_values(cilium),
        )  # fmt: skip
