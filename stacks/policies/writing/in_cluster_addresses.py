"""Addresses within the cluster in egress rules that Cilium does not match by CIDR.

An address on a node's device is `host` to the pods on that node, and outside the cluster to all others. A Service's
address is judged only after it was replaced by that of a pod behind it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from stacks.addresses import Entry, Kind, is_single
from stacks.policies.cluster_facts import Surroundings
from stacks.policies.model import Action, Peers, Ports, Rule
from stacks.policies.reading.conditions import NOTHING
from stacks.policies.reading.networks import Block
from stacks.policies.reasons import InexpressibleError

_DNS_PORT = 53
_DNS_PROTOCOLS = ("TCP", "UDP")
_OWN_NODE = Peers(pods=NOTHING, nodes=False, world=(), entities=frozenset({"host"}))
_SHOWN = 3


def with_own_node(rule: Rule, surroundings: Surroundings) -> list[Rule]:
    """The rule with notes, and further rules for what is `host`. Raises InexpressibleError."""
    if not rule.peers.world or (rule.peers.whole_world and rule.peers.nodes):
        return [rule]
    if rule.action is Action.DENY and rule.peers.nodes:
        _spare_dns(rule, surroundings)
    found = [(block, each) for block in rule.peers.world for each in _held(block, surroundings)]
    told = [*_of_services(found, surroundings)]
    besides: list[Rule] = []
    if not rule.peers.nodes:
        dns = [(block, each) for block, each in found if each.kind is Kind.LOCAL_DNS]
        for block, each in dns:
            besides += _of_dns(rule, block, each, surroundings, told=told)
        besides += _of_devices(rule, found, told=told)
    distinct = dict.fromkeys(told)
    return [replace(rule, peers=replace(rule.peers, told=(*rule.peers.told, *distinct))), *dict.fromkeys(besides)]


def _held(block: Block, surroundings: Surroundings) -> list[Entry]:
    """Entries in a block; for the whole address space only the addresses that pods are told to use."""
    if not block.network.prefixlen:
        known = [each for each in surroundings.told_to_pods if each.network.version == block.network.version]
        return [each for each in known if block.within(each.network)]
    away = {
        id(each)
        for cut in block.but
        for each in surroundings.addresses.touching(cut)
        if cut.prefixlen <= each.network.prefixlen
    }
    return [each for each in surroundings.addresses.touching(block.network) if id(each) not in away]


def _spare_dns(rule: Rule, surroundings: Surroundings) -> None:
    """Refuse to deny nodes if that would also deny their name server, which the rule does not mean."""
    for dns in surroundings.addresses.of(Kind.LOCAL_DNS):
        meant = any(block.within(dns.network) for block in rule.peers.world)
        if not meant and _dns_ports(rule.ports, named=False):
            raise InexpressibleError(
                f"it denies nodes, and not {dns.user} at {dns.network.network_address}: to Cilium both are `host`, and "
                "a deny always wins; deny `remote-node` alone, or by ports other than 53"
            )


def _of_dns(rule: Rule, block: Block, dns: Entry, surroundings: Surroundings, *, told: list[str]) -> list[Rule]:
    """The rule for NodeLocal DNS: `host`, on the ports that it answers on."""
    ports = _dns_ports(rule.ports, named=is_single(block.network))
    address = dns.network.network_address
    if not ports:
        return []
    if any(each.kind is Kind.SERVICE for each in surroundings.addresses.touching(dns.network)):
        if rule.peers.pods.everything:
            return []
        raise InexpressibleError(
            f"{address} is a Service's address that {dns.user} answers on every node: Cilium sends it to a pod behind "
            "the Service and looks at that; allow those pods by their labels"
        )
    verb = "denied" if rule.action is Action.DENY else "allowed"
    which = "the same ports" if rule.ports in ports else f"port {_DNS_PORT}"
    told.append(f"{address} is {dns.user} on the pod's own node: to Cilium it is `host`, {verb} besides on {which}")
    return [_besides(rule, each) for each in ports]


def _dns_ports(ports: Ports, *, named: bool) -> list[Ports]:
    """Ports of a rule on which a name server answers: all if the rule names only its address, else port 53."""
    if ports.protocol and ports.protocol not in _DNS_PROTOCOLS:
        return []
    if named and (ports.ranges or ports.names):
        return [ports]
    if ports.ranges and not any(low <= _DNS_PORT <= high for low, high in ports.ranges):
        return []
    if ports.names and not ports.ranges:
        return []
    protocols = (ports.protocol,) if ports.protocol else _DNS_PROTOCOLS
    return [Ports(protocol=each, ranges=((_DNS_PORT, _DNS_PORT),)) for each in protocols]


def _of_devices(rule: Rule, found: Sequence[tuple[Block, Entry]], *, told: list[str]) -> list[Rule]:
    """Other addresses of nodes' devices: `host` if the rule names the address itself, else a note."""
    there = [(block, each) for block, each in found if each.kind in (Kind.DEVICE, Kind.VIRTUAL)]
    named = [each for block, each in there if is_single(block.network)]
    broad = [each for block, each in there if not is_single(block.network)]
    if named and rule.action is Action.DENY:
        raise InexpressibleError(
            f"{_some(named)}: to pods on the node that has it it is `host`, and to deny that denies all of the node's "
            "addresses; say it by ports, or leave it to a firewall of the node"
        )
    if named:
        told.append(
            f"{_some(named)}: to pods on the node that has it it is `host`, allowed besides on the same ports; to all "
            "others an address outside"
        )
    if broad:
        told.append(
            f"{_some(broad)}: to pods on the node that has it it may be `host`, which is not meant by a network; name "
            "the address itself where they need it"
        )
    return [_besides(rule, rule.ports)] if named else []


def _of_services(found: Sequence[tuple[Block, Entry]], surroundings: Surroundings) -> Iterator[str]:
    """Notes on addresses of Services and of the API server, if a rule's network is no wider than they are."""
    for block, each in found:
        if block.network.prefixlen < each.network.prefixlen:
            continue
        if each.kind is Kind.SERVICE:
            yield f"{block.network} is of {each.user}: what counts is the pods behind them, as before, not this address"
        elif each.kind in (Kind.EXTERNAL, Kind.BALANCER):
            yield (
                f"{block.network} is of {each.user}: to Cilium it is outside as long as kube-proxy is there, and the "
                "pods behind it once Cilium is in its place"
            )
        elif each.kind is Kind.ENDPOINT:
            yield f"{block.network} is {each.kind}, {each.user}: outside it is meant by its address, as before"
        elif each.kind is Kind.API_SERVER and not surroundings.nodes.touching(each.network):
            yield f"{block.network} is {each.user}: outside of the nodes it is meant by its address, as before"


def _besides(rule: Rule, ports: Ports) -> Rule:
    return Rule(
        action=rule.action,
        peers=_OWN_NODE,
        ports=ports,
        place=f"{rule.place}, on the pod's own node",
        by_address=rule.by_address,
    )


def _some(entries: Sequence[Entry]) -> str:
    named = list(dict.fromkeys(f"{each.network.network_address} ({each.user})" for each in entries))
    return ", ".join(named[:_SHOWN]) + (f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else "")
