"""Calico's own policies and the address sets that they name (source: felix/calc, libcalico-go's updateprocessors)."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from stacks.policies.conditions import NAMESPACE, NOTHING, Condition, Values
from stacks.policies.model import LAST_ORDER, Action, Direction, Peers, Policy, Rule
from stacks.policies.networks import Network, network
from stacks.policies.peers import (
    IN_NAMESPACE,
    NAMESPACE_PREFIX,
    AddressSet,
    Resolver,
    of_accounts,
    of_namespaces,
    pods,
    read,
)
from stacks.policies.ports import of_calico
from stacks.policies.reasons import InexpressibleError
from stacks.policies.selectors import Every, Expression, Joined
from stacks.policies.surroundings import Surroundings

Object = Mapping[str, Any]
NAMESPACED, GLOBAL = "NetworkPolicy.projectcalico.org", "GlobalNetworkPolicy"
DEFAULT_TIER = "default"
_MATCHES = ("selector", "notSelector", "namespaceSelector", "nets", "notNets", "serviceAccounts", "services")
_KNOWN_OF_ENDS = {*_MATCHES, "ports", "notPorts"}
_KNOWN_OF_RULE = {
    "action", "ipVersion", "protocol", "notProtocol", "icmp", "notICMP", "source", "destination", "http", "metadata",
}  # fmt: skip
_KNOWN_OF_POLICY = {
    "tier", "order", "selector", "namespaceSelector", "serviceAccountSelector", "types", "ingress", "egress",
    "doNotTrack", "preDNAT", "applyOnForward", "performanceHints",
}  # fmt: skip
_ONLY_ON_HOSTS = {"doNotTrack": "doNotTrack: it concerns host endpoints before connections are tracked",
                  "preDNAT": "preDNAT: it concerns host endpoints before Services are resolved"}  # fmt: skip


def name_of(item: Object) -> str:
    """The policy's name as a user gave it: in storage some releases put the tier before it."""
    name: str = item["metadata"]["name"]
    return name.removeprefix(f"{DEFAULT_TIER}.")


def address_sets(objects: Mapping[str, Iterable[Object]], surroundings: Surroundings) -> list[AddressSet]:
    """Network sets and host endpoints, with the labels by which selectors find them."""
    found = []
    for kind, field in (("GlobalNetworkSet", "nets"), ("NetworkSet", "nets"), ("HostEndpoint", "expectedIPs")):
        for item in objects.get(kind, ()):
            metadata, nets = item["metadata"], (item.get("spec") or {}).get(field) or []
            space = metadata.get("namespace", "") if kind == "NetworkSet" else ""
            inherited = surroundings.namespaces.get(space, {})
            labels = {
                **{f"{NAMESPACE_PREFIX}{key}": value for key, value in inherited.items()},
                **({IN_NAMESPACE: space, f"{NAMESPACE_PREFIX}projectcalico.org/name": space} if space else {}),
                **(metadata.get("labels") or {}),
            }
            title = f"{kind} {space}/{metadata['name']}" if space else f"{kind} {metadata['name']}"
            found.append(AddressSet(title=title, labels=labels, networks=_readable(nets)))
    return found


def _readable(nets: Iterable[str]) -> tuple[Network, ...]:
    """Felix leaves out what is no network."""
    found = []
    for each in nets:
        with suppress(InexpressibleError):
            found.append(network(each))
    return tuple(found)


def read_policy(item: Object, kind: str, resolver: Resolver) -> Policy:
    """The policy. Raises InexpressibleError with every reason, one a line."""
    metadata, spec = item["metadata"], item.get("spec") or {}
    space = metadata.get("namespace", "") if kind == NAMESPACED else ""
    faults = [reason for field, reason in _ONLY_ON_HOSTS.items() if spec.get(field)]
    faults += _unknown(spec, _KNOWN_OF_POLICY)
    tier = spec.get("tier") or DEFAULT_TIER
    if tier != DEFAULT_TIER:
        faults.append(f"tier {tier}: Cilium has no tiers, all its policies are read together")
    subject = NOTHING
    try:
        subject = _subject(spec, space, resolver)
    except InexpressibleError as error:
        faults.append(f"whom it selects: {error}")
    types = spec.get("types") or ["Ingress", "Egress"]  # none means both to Felix (calc/policy_sorter.go)

    def rules(direction: Direction) -> tuple[Rule, ...] | None:
        if direction.capitalize() not in types:
            return None
        found = []
        for number, rule in enumerate(spec.get(direction) or [], 1):
            place = f"{direction} rule {number}"
            try:
                found.append(_rule(rule, direction, place, space, resolver))
            except InexpressibleError as error:
                faults.append(f"{place}: {error}")
        return tuple(each for each in found if each and not each.peers.nothing)

    ingress, egress = rules(Direction.INGRESS), rules(Direction.EGRESS)
    if faults:
        raise InexpressibleError("\n".join(faults))
    order = spec.get("order")
    return Policy(
        kind=kind,
        namespace=space,
        name=name_of(item),
        order=LAST_ORDER if order is None else float(order),
        subject=subject,
        ingress=ingress,
        egress=egress,
    )


def _subject(spec: Object, space: str, resolver: Resolver) -> Condition:
    parts: list[Expression] = [read(spec.get("selector") or "")]
    if spec.get("namespaceSelector") and not space:
        parts.append(of_namespaces(read(spec["namespaceSelector"])))
    if spec.get("serviceAccountSelector"):
        accounts = read(spec["serviceAccountSelector"])
        parts.append(Every() if isinstance(accounts, Every) else of_accounts(accounts))
    whole = Joined(parts=tuple(parts), every=True)
    found = pods(whole)
    if space:
        return found & Condition.on(NAMESPACE, Values(these=frozenset({space})))
    on_hosts = [each.title for each in resolver.selected(whole) if each.title.startswith("HostEndpoint ")]
    if on_hosts:
        raise InexpressibleError(
            f"{on_hosts[0]} too: Cilium has that only as its host firewall; select pods alone, such as by "
            "`namespaceSelector: all()`"
        )
    return found


def _rule(rule: Object, direction: Direction, place: str, space: str, resolver: Resolver) -> Rule | None:
    """The rule in our words; None for one that never matches. Raises InexpressibleError."""
    ingress = direction is Direction.INGRESS
    other, own = ("source", "destination") if ingress else ("destination", "source")
    unknown = _unknown(rule, _KNOWN_OF_RULE)
    for end in (own, other):
        unknown += _unknown(rule.get(end) or {}, _KNOWN_OF_ENDS)
    if unknown:
        raise InexpressibleError(unknown[0])
    mine = [field for field in _MATCHES if (rule.get(own) or {}).get(field)]
    if mine:
        raise InexpressibleError(f"{own}.{mine[0]} confines the pod's own end: make it part of whom the policy selects")
    source = rule.get("source") or {}
    if source.get("ports") or source.get("notPorts"):
        raise InexpressibleError("source ports: Cilium's policies look at the port that is connected to")
    if rule.get("http"):
        raise InexpressibleError("an HTTP match: write it as a Cilium L7 rule by hand, it needs Cilium's Envoy")
    theirs = rule.get(other) or {}
    if theirs.get("services"):
        raise InexpressibleError("a match by Service: select the pods behind it instead")
    ports = of_calico(rule, sctp=resolver.surroundings.sctp)
    if ports.names and not ingress:
        raise InexpressibleError("an egress port by name: Cilium takes a name that means several ports for none")
    peers = _in_family(resolver.peers(theirs, namespace=space), rule.get("ipVersion"), resolver.surroundings)
    if peers is None:
        return None
    return Rule(action=_action(rule), peers=peers, ports=ports, place=place)


def _unknown(part: Object, known: set[str]) -> list[str]:
    return [f"`{each}` is not known to this program" for each in sorted(set(part) - known)]


def _action(rule: Object) -> Action:
    said = str(rule.get("action", "")).lower()
    if said == "log":
        raise InexpressibleError("action Log: no Cilium policy logs a packet; Hubble shows verdicts")
    # With no tier after this one a packet that is passed on meets its namespace's profile, which allows everything.
    return Action.DENY if said == "deny" else Action.ALLOW


def _in_family(peers: Peers, version: int | None, surroundings: Surroundings) -> Peers | None:
    if version is None or surroundings.families == {version}:
        return peers
    if version not in surroundings.families:
        return None
    if not peers.pods.nothing or peers.nodes:
        raise InexpressibleError(f"ipVersion {version}: Cilium's identities have no IP version; name networks")
    return replace(peers, world=tuple(each for each in peers.world if each.network.version == version))
