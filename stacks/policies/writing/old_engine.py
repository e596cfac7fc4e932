"""Additional policies for the old engine while nodes move.

Cilium masquerades traffic of its pods to the old network: the old engine sees their nodes' addresses, and would drop
traffic that a policy allows only from pods. So each policy that lets pods in gets a companion that lets nodes in on the
same ports; also a policy that Cilium cannot express, as the old engine still enforces it.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

from stacks.policies.cluster_facts import Surroundings
from stacks.policies.model import Policy
from stacks.policies.reading.calico import directions
from stacks.policies.reading.kubernetes import KIND
from stacks.policies.reading.networks import Share, network, share
from stacks.policies.reading.selectors import SelectorError, parse
from stacks.policies.reasons import InexpressibleError
from stacks.policies.writing.bridge import allowing_pods
from stacks.policies.writing.cilium import MARK, ORIGIN, WINDOW

Object = Mapping[str, Any]
_A_LITTLE = 0.001  # difference in order: just before the policy, whose last rule may deny everything
_LAST = 1_000_000.0
_WHOM = ("tier", "selector", "namespaceSelector", "serviceAccountSelector")
_TRAFFIC = ("protocol", "notProtocol", "icmp", "notICMP")
_OF_PODS = ("selector", "notSelector", "namespaceSelector", "serviceAccounts")
_ON_HOSTS = ("doNotTrack", "preDNAT")


def lets_through(policy: Policy, item: Object, surroundings: Surroundings) -> tuple[Object, ...]:
    """The companion of a policy; none if no engine enforces the policy, or it lets no pods in."""
    places = {each.place for each in allowing_pods(policy.ingress or ())}
    concerned = [number for number in range(1, len(_ingress(item)) + 1) if f"ingress rule {number}" in places]
    return _beside(policy.kind, policy.title, item, concerned, surroundings)


def lets_through_lost(kind: str, title: str, item: Object, surroundings: Surroundings) -> tuple[Object, ...]:
    """The same for a policy that Cilium cannot express, by its rules as written."""
    lets_pods_in = _kubernetes_lets_pods_in if kind == KIND else _calico_lets_pods_in
    numbered = enumerate(_ingress(item), 1) if _is_of_ingress(kind, item.get("spec") or {}) else ()
    concerned = [number for number, rule in numbered if lets_pods_in(rule, surroundings)]
    return _beside(kind, title, item, concerned, surroundings)


def _ingress(item: Object) -> list[Object]:
    return (item.get("spec") or {}).get("ingress") or []


def _is_of_ingress(kind: str, spec: Object) -> bool:
    """True if the old engine applies the policy to ingress of pods."""
    types = {each.lower() for each in spec.get("policyTypes") or ["Ingress"]} if kind == KIND else directions(spec)
    if "ingress" not in types or any(spec.get(field) for field in _ON_HOSTS):
        return False
    try:
        for field in _WHOM[1:]:
            parse(spec.get(field) or "")
    except SelectorError:
        return False  # Calico ignores the policy
    return True


def _kubernetes_lets_pods_in(rule: Object, surroundings: Surroundings) -> bool:
    peers = rule.get("from") or []
    return any("ipBlock" not in each or _of_pods([each["ipBlock"]["cidr"]], surroundings) for each in peers)


def _calico_lets_pods_in(rule: Object, surroundings: Surroundings) -> bool:
    source = rule.get("source") or {}
    if str(rule.get("action", "")).lower() != "allow":
        return False
    return any(source.get(field) for field in _OF_PODS) or _of_pods(source.get("nets") or [], surroundings)


def _of_pods(nets: Iterable[str], surroundings: Surroundings) -> bool:
    """True if the networks hold addresses of some pods, but are not everything."""
    found = []
    for each in nets:
        with suppress(InexpressibleError):
            found.append(network(each))
    return all(each.prefixlen for each in found) and share(surroundings.pods, found) is not Share.NONE


def _beside(
    kind: str, title: str, item: Object, concerned: Collection[int], surroundings: Surroundings
) -> tuple[Object, ...]:  # fmt: skip
    own = {each for addresses in surroundings.node_addresses.values() for each in addresses}
    nodes = sorted({*surroundings.tunnel_addresses, *own})
    if not surroundings.engine or not concerned or not nodes:
        return ()
    networks = [str(network(each)) for each in nodes]
    rules = [rule for number, rule in enumerate(_ingress(item), 1) if number in concerned]
    return ((_kubernetes if kind == KIND else _calico)(title, item, rules, networks),)


def _metadata(title: str, item: Object) -> dict[str, Any]:
    space = item["metadata"].get("namespace")
    return {
        "name": f"{item['metadata']['name']}-window",
        **({"namespace": space} if space else {}),
        "labels": {MARK: WINDOW},
        "annotations": {ORIGIN: title},
    }


def _calico(title: str, item: Object, rules: list[Object], networks: list[str]) -> Object:
    spec = item["spec"]
    order = spec.get("order")

    def only_nodes(rule: Object) -> Object:
        ports = {key: value for key, value in (rule.get("destination") or {}).items() if key in ("ports", "notPorts")}
        kept = {key: rule[key] for key in _TRAFFIC if key in rule}
        return {"action": "Allow", **kept, "source": {"nets": networks}, **({"destination": ports} if ports else {})}

    return {
        "apiVersion": item.get("apiVersion") or "crd.projectcalico.org/v1",
        "kind": "NetworkPolicy" if item["metadata"].get("namespace") else "GlobalNetworkPolicy",
        "metadata": _metadata(title, item),
        "spec": {
            **{field: spec[field] for field in _WHOM if field in spec},
            "order": (_LAST if order is None else float(order)) - _A_LITTLE,
            "types": ["Ingress"],
            "ingress": [only_nodes(rule) for rule in rules],
        },
    }


def _kubernetes(title: str, item: Object, rules: list[Object], networks: list[str]) -> Object:
    nodes = [{"ipBlock": {"cidr": each}} for each in networks]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(title, item),
        "spec": {
            "podSelector": item["spec"].get("podSelector") or {},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": nodes, **({"ports": rule["ports"]} if rule.get("ports") else {})} for rule in rules],
        },
    }
