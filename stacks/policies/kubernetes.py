"""Kubernetes' own NetworkPolicies, as Calico reads them (source: libcalico-go/lib/backend/k8s/conversion)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stacks.policies.conditions import (
    EVERYTHING,
    NAMESPACE,
    NAMESPACE_LABEL,
    PRESENT,
    Condition,
    Values,
)
from stacks.policies.model import NOBODY, Action, Peers, Policy, Ports, Rule
from stacks.policies.networks import ALL_ADDRESSES
from stacks.policies.peers import Resolver
from stacks.policies.ports import of_kubernetes
from stacks.policies.reasons import InexpressibleError

Object = Mapping[str, Any]
KIND = "NetworkPolicy"
ORDER = 1000.0


def read_policy(item: Object, resolver: Resolver) -> Policy:
    """The policy. Raises InexpressibleError with every reason, one a line."""
    metadata, spec = item["metadata"], item.get("spec") or {}
    faults: list[str] = []
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]

    def rules(direction: str, ends: str) -> tuple[Rule, ...] | None:
        if direction.capitalize() not in types:
            return None
        found: list[Rule] = []
        for number, rule in enumerate(spec.get(direction) or [], 1):
            place = f"{direction} rule {number}"
            try:
                peers = _ends(rule.get(ends) or [], metadata["namespace"], resolver)
                traffic = of_kubernetes(rule.get("ports") or [], sctp=resolver.surroundings.sctp)
            except InexpressibleError as error:
                faults.append(f"{place}: {error}")
                continue
            found.extend(_rules(peers, traffic, place))
        return tuple(found)

    subject = NOBODY.pods
    try:
        subject = _in(metadata["namespace"]) & labelled(spec.get("podSelector") or {})
    except InexpressibleError as error:
        faults.append(f"podSelector: {error}")
    ingress, egress = rules("ingress", "from"), rules("egress", "to")
    if faults:
        raise InexpressibleError("\n".join(faults))
    return Policy(
        kind=KIND,
        namespace=metadata["namespace"],
        name=metadata["name"],
        order=ORDER,
        subject=subject,
        ingress=ingress,
        egress=egress,
    )


def labelled(selector: Object, *, prefix: str = "") -> Condition:
    """What a label selector of Kubernetes means, on pods or, with a prefix, on their namespaces."""
    found = EVERYTHING
    for key, value in (selector.get("matchLabels") or {}).items():
        found &= Condition.on(_key(key, prefix), Values(these=frozenset({value})))
    for each in selector.get("matchExpressions") or []:
        named = frozenset[str | None](each.get("values") or [])
        values = {
            "In": Values(these=named),
            "NotIn": Values(these=named, but=True),
            "Exists": PRESENT,
            "DoesNotExist": PRESENT.inverse,
        }[each["operator"]]
        found &= Condition.on(_key(each["key"], prefix), values)
    return found


def _key(key: str, prefix: str) -> str:
    return NAMESPACE if prefix and key == "kubernetes.io/metadata.name" else prefix + key


def _in(namespace: str) -> Condition:
    return Condition.on(NAMESPACE, Values(these=frozenset({namespace})))


def _peers(peer: Object, namespace: str, resolver: Resolver) -> Peers:
    if "ipBlock" in peer:
        said = peer["ipBlock"]
        return resolver.peers({"nets": [said["cidr"]], "notNets": said.get("except") or []}, namespace="")
    spaces = _in(namespace)
    if peer.get("namespaceSelector") is not None:
        spaces = labelled(peer["namespaceSelector"], prefix=NAMESPACE_LABEL)
    return Peers(pods=spaces & labelled(peer.get("podSelector") or {}), nodes=False, world=())


def _ends(peers: Sequence[Object], namespace: str, resolver: Resolver) -> list[tuple[Peers, bool]]:
    """The other ends, and whether each is meant by its addresses; no peer at all means everybody."""
    found = [(_peers(each, namespace, resolver), "ipBlock" in each) for each in peers]
    return found or [(Peers(), False)]


def _rules(ends: Sequence[tuple[Peers, bool]], traffic: Iterable[Ports], place: str) -> list[Rule]:
    return [
        Rule(action=Action.ALLOW, peers=peers, ports=ports, place=place, by_address=by_address)
        for ports in traffic
        for peers, by_address in ends
        if not peers.nothing
    ]


def addresses_too(policy: Policy) -> Policy | None:
    """What Cilium leaves out of a policy's ipBlocks: the pods and nodes in them; None if that is nothing."""

    def more(rules: Sequence[Rule] | None) -> tuple[Rule, ...] | None:
        found = [
            replace(each, peers=replace(each.peers, world=ALL_ADDRESSES if each.peers.everything else ()))
            for each in rules or ()
            if each.by_address and (each.peers.nodes or not each.peers.pods.nothing)
        ]
        return tuple(found) or None

    ingress, egress = more(policy.ingress), more(policy.egress)
    return None if ingress is None and egress is None else replace(policy, ingress=ingress, egress=egress)
