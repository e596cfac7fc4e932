"""Cilium's settings with nothing left open."""

from collections.abc import Mapping
from typing import Any, Literal

from stacks.config import CiliumSettings, TunnelProtocol
from stacks.settle.choice import Choice, SettleError

__all__ = ["Chaining", "Cilium", "SettleError"]
Chaining = Literal["none", "portmap"]
SETTLED = (
    "pod_cidr",
    "node_mask_size",
    "pod_cidr_v6",
    "node_mask_size_v6",
    "tunnel_protocol",
    "tunnel_port",
    "devices",
    "mtu",
    "chaining",
)


class Cilium(CiliumSettings):
    """The user's settings, with what they left open settled.

    `devices` and `mtu` are Cilium's own values of these names; `pods_mtu` and `largest_mtu` are what pods will have and
    what fits through the nodes' devices, None where no node was looked at. `old_links` are the old CNI's that Cilium
    would take for a way out. `installed_pool` is the pool of a Cilium that is there already. `reasons` has one line for
    each setting, `wished` the names of those that are the user's own. `bridged` is whether policies hold meanwhile.
    """

    pod_cidr: str
    node_mask_size: int
    node_mask_size_v6: int | None = None
    tunnel_protocol: TunnelProtocol
    tunnel_port: int
    devices: tuple[str, ...] = ()
    mtu: int | None = None
    chaining: Chaining = "none"
    node_config_version: str
    pods_mtu: int | None = None
    largest_mtu: int | None = None
    old_links: tuple[str, ...] = ()
    installed_pool: str = ""
    reasons: Mapping[str, str]
    wished: frozenset[str] = frozenset()
    bridged: bool = False

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor version of Cilium."""
        return release_of(self)

    @property
    def pools(self) -> tuple[str, ...]:
        """Its pool of each address family."""
        return (self.pod_cidr, self.pod_cidr_v6) if self.pod_cidr_v6 else (self.pod_cidr,)

    def record(self) -> dict[str, dict[str, Any]]:
        """What was settled and is not the user's own, with reasons: written down, so that it stays."""
        return {
            name: {"value": getattr(self, name), "reason": self.reasons[name]}
            for name in SETTLED
            if name not in self.wished
        }


def release_of(cilium: CiliumSettings) -> tuple[int, int]:
    """Major and minor version of Cilium."""
    major, minor = cilium.version.split(".")[:2]
    return int(major), int(minor)


def put_together(cilium: CiliumSettings, choices: Mapping[str, Choice[Any]], **facts: Any) -> Cilium:
    """The settings with the choices laid over them."""
    return Cilium(
        **{
            **cilium.model_dump(),
            **{name: each.value for name, each in choices.items()},
            "reasons": {name: each.reason for name, each in choices.items()},
            "wished": frozenset(name for name, each in choices.items() if each.wished),
            **facts,
        }
    )
