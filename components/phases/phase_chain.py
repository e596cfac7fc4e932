"""The phases' components in order: each depends on those before it, and all act on the stack's own cluster."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import pulumi

if TYPE_CHECKING:
    from components.providers.connectivity_check import ConnectivityCheck

PhaseT = TypeVar("PhaseT", bound=pulumi.Resource)


@dataclass(kw_only=True)
class Chain:
    """The components that a strategy has declared so far, and their part of the stack's outputs.

    `turns` are the records of the nodes' turns by node, `waves` those of the waves in order, `costs` the checks of what
    each phase's own traffic cost, by the phase's name.
    """

    provider: pulumi.ProviderResource
    done: list[pulumi.Resource] = field(default_factory=list)
    turns: dict[str, Any] = field(default_factory=dict)
    waves: list[dict[str, Any]] = field(default_factory=list)
    costs: "dict[str, ConnectivityCheck]" = field(default_factory=dict)

    @property
    def options(self) -> pulumi.ResourceOptions:
        """The options of the next component."""
        return pulumi.ResourceOptions(depends_on=list(self.done), providers={"kubernetes": self.provider})

    def add(self, component: PhaseT) -> PhaseT:
        """Have the components that follow depend on this one."""
        self.done.append(component)
        return component
