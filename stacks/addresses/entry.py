"""Entries of the address register: a network or a single address, with its kind and its owner."""

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Kind(StrEnum):
    """Kinds of addresses in a cluster."""

    NODE = "an address of a Node object"
    DEVICE = "an address on a node's device alone"
    VIRTUAL = "a virtual address that moves between nodes"
    LOCAL_DNS = "a name server that every node has for its own pods"
    POD = "pods"
    FOREIGN_POD = "pods on nodes that Cilium does not run on"
    SERVICE = "Services"
    EXTERNAL = "an external address of a Service"
    BALANCER = "load balancers"
    ROUTER = "a router that BGP is spoken with"
    API_SERVER = "the API server"
    WEBHOOK = "a webhook outside"
    STORAGE = "a storage server"
    ENDPOINT = "a server behind a Service without selector"
    SERVER = "a server that the cluster is told of"
    EGRESS = "an address that pods leave by"
    FURTHER = "a further network of pods"
    LISTED = "an object that is named like a pool of addresses"
    ROUTE = "a route of a node"
    POLICY = "what a policy names"


def is_single(network: Network) -> bool:
    """True if the network is a single address."""
    return network.prefixlen == network.max_prefixlen


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A network in use; `owner` is the node, pod or object that has it; a `likely` one is only probably in use."""

    network: Network
    kind: Kind
    user: str
    owner: str = ""
    likely: bool = False


@dataclass(frozen=True, kw_only=True)
class ByName:
    """A server that is known by its host name only; its addresses depend on the name server that is asked."""

    host: str
    kind: Kind
    user: str
