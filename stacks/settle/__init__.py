"""Chooses the settings of Cilium's network that the user left open: from the cluster, once, each with its reason."""

from stacks.settle.agents import AWS_RULES
from stacks.settle.cluster import KUBELETS_PODS, VXLAN_V6, ClusterNetwork, LiveAgents, OldNetwork
from stacks.settle.encryption import WIREGUARD_PORT
from stacks.settle.folders import BINARIES, CONF, DEFAULTS, Folder
from stacks.settle.other_devices import besides, hides_routes
from stacks.settle.settled import Cilium, SettleError
from stacks.settle.settling import settle

__all__ = [
    "AWS_RULES",
    "BINARIES",
    "CONF",
    "DEFAULTS",
    "KUBELETS_PODS",
    "VXLAN_V6",
    "WIREGUARD_PORT",
    "Cilium",
    "ClusterNetwork",
    "Folder",
    "LiveAgents",
    "OldNetwork",
    "SettleError",
    "besides",
    "hides_routes",
    "settle",
]
