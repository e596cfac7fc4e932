"""Settles what the user left open about Cilium's network: from the cluster, once and for good, each with its reason."""

from stacks.settle.cluster import KUBELETS_PODS, ClusterNetwork, OldNetwork, Used
from stacks.settle.settled import Cilium, SettleError
from stacks.settle.settling import settle

__all__ = ["KUBELETS_PODS", "Cilium", "ClusterNetwork", "OldNetwork", "SettleError", "Used", "settle"]
