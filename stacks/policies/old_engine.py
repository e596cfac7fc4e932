"""What the old engine must let through while nodes move.

Cilium masquerades what its pods send to the old network: the old engine sees their nodes' addresses, and would drop
what a policy allows to pods alone. So each policy that lets pods in gets one beside it that lets nodes in, on the same
ports.
"""

from collections.abc import Mapping
from typing import Any

from stacks.policies.bridge import allowing_pods
from stacks.policies.cilium import MARK, ORIGIN, WINDOW
from stacks.policies.kubernetes import KIND
from stacks.policies.model import Policy
from stacks.policies.networks import network
from stacks.policies.surroundings import Surroundings

Object = Mapping[str, Any]
_A_LITTLE = 0.001  # of an order: just before the policy, whose last rule may deny everything
_LAST = 1_000_000.0
_WHOM = ("selector", "namespaceSelector", "serviceAccountSelector")


def lets_through(policy: Policy, item: Object, surroundings: Surroundings) -> tuple[Object, ...]:
    """The object beside a policy; none where nobody enforces it, or where it lets no pods in."""
    own = {each for addresses in surroundings.node_addresses.values() for each in addresses}
    nodes = sorted({*surroundings.tunnel_addresses, *own})
    concerned = {each.place for each in allowing_pods(policy.ingress or ())}
    if not surroundings.engine or not concerned or not nodes:
        return ()
    networks = [str(network(each)) for each in nodes]
    rules = [
        rule
        for number, rule in enumerate(item["spec"].get("ingress") or [], 1)
        if f"ingress rule {number}" in concerned
    ]  # fmt: skip
    beside = _kubernetes if policy.kind == KIND else _calico
    return (beside(policy, item, rules, networks),)


def _metadata(policy: Policy, item: Object) -> dict[str, Any]:
    place = {"namespace": policy.namespace} if policy.namespace else {}
    return {
        "name": f"{item['metadata']['name']}-window",
        **place,
        "labels": {MARK: WINDOW},
        "annotations": {ORIGIN: policy.title},
    }


def _calico(policy: Policy, item: Object, rules: list[Object], networks: list[str]) -> Object:
    spec = item["spec"]
    order = spec.get("order")

    def only_nodes(rule: Object) -> Object:
        ports = {key: value for key, value in (rule.get("destination") or {}).items() if key in ("ports", "notPorts")}
        kept = {key: rule[key] for key in ("protocol", "icmp") if key in rule}
        return {"action": "Allow", **kept, "source": {"nets": networks}, **({"destination": ports} if ports else {})}

    return {
        "apiVersion": "crd.projectcalico.org/v1",
        "kind": "NetworkPolicy" if policy.namespace else "GlobalNetworkPolicy",
        "metadata": _metadata(policy, item),
        "spec": {
            **{field: spec[field] for field in _WHOM if field in spec},
            "order": (_LAST if order is None else float(order)) - _A_LITTLE,
            "types": ["Ingress"],
            "ingress": [only_nodes(rule) for rule in rules],
        },
    }


def _kubernetes(policy: Policy, item: Object, rules: list[Object], networks: list[str]) -> Object:
    nodes = [{"ipBlock": {"cidr": each}} for each in networks]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(policy, item),
        "spec": {
            "podSelector": item["spec"].get("podSelector") or {},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": nodes, **({"ports": rule["ports"]} if rule.get("ports") else {})} for rule in rules],
        },
    }
