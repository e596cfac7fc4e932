"""Fully resolved Cilium settings."""

from collections.abc import Mapping
from typing import Any, Literal

from stacks.sections.cilium import CiliumSettings, TunnelProtocol
from stacks.settle.agents import AWS_RULES
from stacks.settle.cluster import Terms
from stacks.settle.folders import BINARIES, CONF
from stacks.settle.value_with_reason import Choice, SettleError

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
    CONF,
    BINARIES,
    "read_only",
    AWS_RULES,
)


class Cilium(CiliumSettings):
    """The user's settings, completed by the choices for everything that they left open.

    `devices` and `mtu` are the Helm values of these names; `pods_mtu` is the MTU that pods will have, `largest_mtu`
    what fits through the nodes' uplinks, both None if no node was inspected. `cni_conf_path` and `cni_bin_path` are
    folders on the nodes; `read_only` names an operating system of theirs that forbids agents to load modules or to
    mount. `old_links` are links of the old CNI that Cilium would mistake for uplinks. `installed_pool` and
    `installed_pool_v6` are the pools of a Cilium that is already installed. `reasons` has one line for each setting,
    `wished` the names of those that the user set. With `bridged`, policies are enforced while nodes move.
    `node_terms` keep agents off virtual nodes while both networks run, `final_terms` once Cilium is alone; with
    `keeps_aws_rules` agents leave AWS VPC CNI's rules in place.
    """

    pod_cidr: str
    node_mask_size: int
    node_mask_size_v6: int | None = None
    tunnel_protocol: TunnelProtocol
    tunnel_port: int
    devices: tuple[str, ...] = ()
    mtu: int | None = None
    chaining: Chaining = "none"
    cni_conf_path: str
    cni_bin_path: str
    read_only: str = ""
    node_terms: Terms = ()
    final_terms: Terms = ()
    keeps_aws_rules: bool = False
    node_config_version: str
    pods_mtu: int | None = None
    largest_mtu: int | None = None
    old_links: tuple[str, ...] = ()
    installed_pool: str = ""
    installed_pool_v6: str = ""
    reasons: Mapping[str, str]
    wished: frozenset[str] = frozenset()
    bridged: bool = False

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor version of Cilium."""
        return release_of(self)

    @property
    def pools(self) -> tuple[str, ...]:
        """The pool of each address family."""
        return (self.pod_cidr, self.pod_cidr_v6) if self.pod_cidr_v6 else (self.pod_cidr,)

    @property
    def every_pool(self) -> tuple[str, ...]:
        """The pools that nodes may have addresses from: the settled ones, and those of an installed Cilium."""
        return tuple(dict.fromkeys((*self.pools, *self.installed_pool.split(), *self.installed_pool_v6.split())))

    def record(self) -> dict[str, dict[str, Any]]:
        """The choices that are not the user's, with reasons: recorded on the cluster, so that they stay."""
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
    """The settings, overridden by the choices."""
    return Cilium(
        **{
            **cilium.model_dump(),
            **{name: each.value for name, each in choices.items()},
            "reasons": {name: each.reason for name, each in choices.items()},
            "wished": frozenset(name for name, each in choices.items() if each.wished),
            **facts,
        }
    )
