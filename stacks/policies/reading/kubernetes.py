"""Kubernetes' own NetworkPolicies, as Calico reads them (source: libcalico-go/lib/backend/k8s/conversion)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stacks.policies.identity_labels import NAMESPACE, LabelFilter
from stacks.policies.model import NOBODY, Action, Peers, Policy, Ports, Rule
from stacks.policies.reading.conditions import (
    EVERYTHING,
    NAMESPACE_LABEL,
    PRESENT,
    Condition,
    Values,
    by_label,
)
from stacks.policies.reading.networks import ALL_ADDRESSES
from stacks.policies.reading.peers import Resolver
from stacks.policies.reading.ports import of_kubernetes
from stacks.policies.reasons import InexpressibleError
from stacks.policies.writing.in_cluster_addresses import with_own_node

Object = Mapping[str, Any]
KIND = "NetworkPolicy"
ORDER = 1000.0


def read_policy(item: Object, resolver: Resolver) -> Policy:
    """Parse a NetworkPolicy. Raises InexpressibleError with every reason, one a line."""
    metadata, spec, among = item["metadata"], item.get("spec") or {}, resolver.surroundings.labels
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
                read = _rules(peers, traffic, place)
                if direction == "egress":
                    read = [each for one in read for each in with_own_node(one, resolver.surroundings)]
            except InexpressibleError as error:
                faults.append(f"{place}: {error}")
                continue
            found.extend(read)
        return tuple(found)

    subject = NOBODY.pods
    try:
        subject = _in(metadata["namespace"], among) & labelled(spec.get("podSelector") or {}, among=among)
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


def labelled(selector: Object, *, among: LabelFilter, prefix: str = "") -> Condition:
    """The condition of a Kubernetes label selector, on pods or, with a prefix, on their namespaces."""
    found = EVERYTHING
    for key, value in (selector.get("matchLabels") or {}).items():
        found &= by_label(_key(key, prefix), Values(these=frozenset({value})), among=among)
    for each in selector.get("matchExpressions") or []:
        named = frozenset[str | None](each.get("values") or [])
        values = {
            "In": Values(these=named),
            "NotIn": Values(these=named, but=True),
            "Exists": PRESENT,
            "DoesNotExist": PRESENT.inverse,
        }[each["operator"]]
        found &= by_label(_key(each["key"], prefix), values, among=among)
    return found


def _key(key: str, prefix: str) -> str:
    return NAMESPACE if prefix and key == "kubernetes.io/metadata.name" else prefix + key


def _in(namespace: str, among: LabelFilter) -> Condition:
    return by_label(NAMESPACE, Values(these=frozenset({namespace})), among=among)


def _blocks(blocks: Sequence[Object], resolver: Resolver) -> Iterator[Peers]:
    """Peers from the ipBlocks of a rule, those without exceptions together: only so may they hold every node."""
    plain = [each["cidr"] for each in blocks if not each.get("except")]
    if plain:
        yield resolver.peers({"nets": plain}, namespace="")
    for each in blocks:
        if each.get("except"):
            yield resolver.peers({"nets": [each["cidr"]], "notNets": each["except"]}, namespace="")


def _peers(peer: Object, namespace: str, *, among: LabelFilter) -> Peers:
    spaces = _in(namespace, among)
    if peer.get("namespaceSelector") is not None:
        spaces = labelled(peer["namespaceSelector"], among=among, prefix=NAMESPACE_LABEL)
    return Peers(pods=spaces & labelled(peer.get("podSelector") or {}, among=among), nodes=False, world=())


def _ends(peers: Sequence[Object], namespace: str, resolver: Resolver) -> list[tuple[Peers, bool]]:
    """The peers of a rule, each with True if it is given by addresses; no peer means everybody."""
    found = [
        (_peers(each, namespace, among=resolver.surroundings.labels), False) for each in peers if "ipBlock" not in each
    ]
    found += [(each, True) for each in _blocks([each["ipBlock"] for each in peers if "ipBlock" in each], resolver)]
    return found or [(Peers(), False)]


def _rules(ends: Sequence[tuple[Peers, bool]], traffic: Iterable[Ports], place: str) -> list[Rule]:
    return [
        Rule(action=Action.ALLOW, peers=peers, ports=ports, place=place, by_address=by_address)
        for ports in traffic
        for peers, by_address in ends
        if not peers.nothing
    ]


def addresses_too(policy: Policy) -> Policy | None:
    """A policy for the pods and nodes in ipBlocks, which Cilium does not match by address; None if there are none."""

    def more(rules: Sequence[Rule] | None) -> tuple[Rule, ...] | None:
        found = [
            replace(each, peers=replace(each.peers, world=ALL_ADDRESSES if each.peers.everything else ()))
            for each in rules or ()
            if each.by_address and (each.peers.nodes or each.peers.entities or not each.peers.pods.nothing)
        ]
        return tuple(found) or None

    ingress, egress = more(policy.ingress), more(policy.egress)
    return None if ingress is None and egress is None else replace(policy, ingress=ingress, egress=egress)
