"""Manifests of Cilium policies: CiliumNetworkPolicy if namespaced, CiliumClusterwideNetworkPolicy otherwise."""

from collections.abc import Iterable, Iterator
from typing import Any

from stacks.policies.identity_labels import NAMESPACE
from stacks.policies.model import Action, Direction, Policy, Ports, Rule
from stacks.policies.reading.networks import Block

Object = dict[str, Any]
API_VERSION = "cilium.io/v2"
ORIGIN = "cni-live-migration/translated-from"
MARK = "cni-live-migration/policy"
TRANSLATED, WINDOW = "translated", "window"
OURS = f"{MARK}={TRANSLATED}"  # a label selector for the objects that stay once the old engine's are gone
_MOST_PORTS = 40  # entries in one list (source: Cilium's pkg/policy/api/rule_validation.go)
_FAMILIES = {"ICMP": "IPv4", "ICMPV6": "IPv6"}


def manifests(policy: Policy, *, name: str, mark: str = TRANSLATED, left_out: Iterable[str] = ()) -> list[Object]:
    """The objects equivalent to a policy; `left_out` are the places of denies that are not needed."""
    skipped = set(left_out)
    directions: Object = {}
    for direction in Direction:
        rules = policy.rules(direction)
        if rules is None:
            continue
        kept = [each for each in rules if each.place not in skipped]
        allows = [part for each in kept if each.action is Action.ALLOW for part in _parts(each, direction)]
        denies = [part for each in kept if each.action is Action.DENY for part in _parts(each, direction)]
        directions[direction.value] = allows or [{}]  # an empty rule allows nothing, and turns on default deny
        if denies:
            directions[f"{direction}Deny"] = denies
    selectors = policy.subject.selectors()
    return [
        {
            "apiVersion": API_VERSION,
            "kind": "CiliumNetworkPolicy" if policy.namespace else "CiliumClusterwideNetworkPolicy",
            "metadata": {
                "name": name if len(selectors) == 1 else f"{name}-{number}",
                **({"namespace": policy.namespace} if policy.namespace else {}),
                "labels": {MARK: mark},
                "annotations": {ORIGIN: policy.title},
            },
            "spec": {"endpointSelector": _own(selector, policy.namespace), **directions},
        }
        for number, selector in enumerate(selectors, 1)
    ]


def _own(selector: Object, namespace: str) -> Object:
    """The selector without the object's own namespace, which Cilium adds itself; it accepts no other."""
    if not namespace:
        return selector
    labels = {key: value for key, value in selector.get("matchLabels", {}).items() if key != f"k8s:{NAMESPACE}"}
    return {
        **({"matchLabels": labels} if labels else {}),
        **{key: value for key, value in selector.items() if key != "matchLabels"},
    }


def _parts(rule: Rule, direction: Direction) -> Iterator[Object]:
    """Cilium's rules for one rule of the model: pods, entities and networks in separate rules, as Cilium requires."""
    at = "from" if direction is Direction.INGRESS else "to"
    for peers in _peers(rule, at):
        for traffic in _traffic(rule.ports):
            yield {**peers, **traffic}


def _peers(rule: Rule, at: str) -> Iterator[Object]:
    peers, deny = rule.peers, rule.action is Action.DENY
    if peers.everything and not deny:
        yield {f"{at}Entities": ["all"]}
        return
    if not peers.pods.nothing:
        yield {f"{at}Endpoints": peers.pods.selectors()}
    entities = []
    if peers.nodes:
        # Under Calico a node always reaches its own pods; so it does under Cilium, unless it is denied by name.
        entities += ["remote-node"] if deny and at == "from" else ["host", "remote-node"]
    else:
        entities += sorted(peers.entities)
    if peers.whole_world:
        entities.append("world")
    if entities:
        yield {f"{at}Entities": entities}
    if peers.world and not peers.whole_world:
        yield {f"{at}CIDRSet": [_block(each) for each in peers.world]}


def _block(block: Block) -> Object:
    return {"cidr": str(block.network), **({"except": [str(each) for each in block.but]} if block.but else {})}


def _traffic(ports: Ports) -> Iterator[Object]:
    if ports.icmp_type is not None:
        yield {"icmps": [{"fields": [{"family": _FAMILIES[ports.protocol], "type": ports.icmp_type}]}]}
        return
    if not ports.protocol:
        yield {}
        return
    listed: list[Object] = [_range(low, high, ports.protocol) for low, high in ports.ranges]
    listed += [{"port": name, "protocol": ports.protocol} for name in ports.names]
    listed = listed or [{"port": "0", "protocol": ports.protocol}]
    for start in range(0, len(listed), _MOST_PORTS):
        yield {"toPorts": [{"ports": listed[start : start + _MOST_PORTS]}]}


def _range(low: int, high: int, protocol: str) -> Object:
    return {"port": str(low), **({"endPort": high} if high > low else {}), "protocol": protocol}
