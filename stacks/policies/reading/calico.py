"""Calico's own policies and the address sets that they name (source: felix/calc, libcalico-go's updateprocessors)."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from stacks.addresses import Network
from stacks.policies.cluster_facts import Surroundings
from stacks.policies.identity_labels import NAMESPACE
from stacks.policies.model import LAST_ORDER, Action, Direction, Peers, Policy, Rule
from stacks.policies.reading.conditions import NOTHING, Condition, Values, by_label
from stacks.policies.reading.networks import network
from stacks.policies.reading.peers import (
    IN_NAMESPACE,
    NAMESPACE_PREFIX,
    AddressSet,
    Resolver,
    of_accounts,
    of_namespaces,
    pods,
    read,
)
from stacks.policies.reading.ports import of_calico
from stacks.policies.reading.selectors import Every, Expression, Joined
from stacks.policies.reasons import InexpressibleError
from stacks.policies.writing.in_cluster_addresses import with_own_node

Object = Mapping[str, Any]
NAMESPACED, GLOBAL = "NetworkPolicy.projectcalico.org", "GlobalNetworkPolicy"
DEFAULT_TIER = "default"
_KIND_LABEL, _NAME_LABEL = "projectcalico.org/kind", "projectcalico.org/name"
_MATCHES = ("selector", "notSelector", "namespaceSelector", "nets", "notNets", "serviceAccounts", "services")
_KNOWN_OF_ENDS = {*_MATCHES, "ports", "notPorts"}
_KNOWN_OF_RULE = {
    "action", "ipVersion", "protocol", "notProtocol", "icmp", "notICMP", "source", "destination", "http", "metadata",
}  # fmt: skip
_KNOWN_OF_POLICY = {
    "tier", "order", "selector", "namespaceSelector", "serviceAccountSelector", "types", "ingress", "egress",
    "doNotTrack", "preDNAT", "applyOnForward", "performanceHints",
}  # fmt: skip
_PASSES = ("pass", "next-tier")
_ONLY_ON_HOSTS = {"doNotTrack": "doNotTrack: it concerns host endpoints before connections are tracked",
                  "preDNAT": "preDNAT: it concerns host endpoints before Services are resolved"}  # fmt: skip


def name_of(item: Object) -> str:
    """The policy's name as the user gave it; some releases store it with the tier as prefix."""
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
            own = {_KIND_LABEL: "NetworkSet", _NAME_LABEL: metadata["name"]} if field == "nets" else {}
            labels = {
                **{f"{NAMESPACE_PREFIX}{key}": value for key, value in inherited.items()},
                **({IN_NAMESPACE: space, f"{NAMESPACE_PREFIX}projectcalico.org/name": space} if space else {}),
                **(metadata.get("labels") or {}),
                **own,  # set by newer releases only
            }
            title = f"{kind} {space}/{metadata['name']}" if space else f"{kind} {metadata['name']}"
            fault = _more_than_networks(item.get("spec") or {}) if field == "nets" else ""
            found.append(AddressSet(title=title, labels=labels, networks=_readable(nets), fault=fault))
    return found


def _more_than_networks(spec: Object) -> str:
    others = [field for field, value in spec.items() if field != "nets" and value]
    if not others:
        return ""
    return f"has `{others[0]}`, which this program does not read; say those in a CiliumNetworkPolicy, names by toFQDNs"


def _readable(nets: Iterable[str]) -> tuple[Network, ...]:
    """The texts that are networks; Felix ignores all others."""
    found = []
    for each in nets:
        with suppress(InexpressibleError):
            found.append(network(each))
    return tuple(found)


def read_policy(item: Object, kind: str, resolver: Resolver) -> Policy:
    """Parse a Calico policy. Raises InexpressibleError with every reason, one a line."""
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
    types = directions(spec)
    faults += [f"type {each} is neither Ingress nor Egress" for each in sorted(types - {*Direction})]

    def rules(direction: Direction) -> tuple[Rule, ...] | None:
        if direction not in types:
            return None
        found: list[Rule] = []
        for number, rule in enumerate(spec.get(direction) or [], 1):
            place = f"{direction} rule {number}"
            try:
                read = _rule(rule, direction, place, space, resolver)
                if read is not None and not read.peers.nothing:
                    found += with_own_node(read, resolver.surroundings) if direction is Direction.EGRESS else [read]
            except InexpressibleError as error:
                faults.append(f"{place}: {error}")
        return tuple(found)

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


def directions(spec: Object) -> set[str]:
    """The directions that a policy applies to; without `types` Felix applies both (calc/policy_sorter.go)."""
    return {str(each).lower() for each in spec.get("types") or ()} or {*Direction}


def _subject(spec: Object, space: str, resolver: Resolver) -> Condition:
    parts: list[Expression] = [read(spec.get("selector") or "")]
    if spec.get("namespaceSelector") and not space:
        parts.append(of_namespaces(read(spec["namespaceSelector"])))
    if spec.get("serviceAccountSelector"):
        accounts = read(spec["serviceAccountSelector"])
        parts.append(Every() if isinstance(accounts, Every) else of_accounts(accounts))
    whole = Joined(parts=tuple(parts), every=True)
    among = resolver.surroundings.labels
    found = pods(whole, among=among)
    if space:
        return found & by_label(NAMESPACE, Values(these=frozenset({space})), among=among)
    on_hosts = [each.title for each in resolver.selected(whole) if each.title.startswith("HostEndpoint ")]
    if on_hosts:
        raise InexpressibleError(
            f"{on_hosts[0]} too: Cilium has that only as its host firewall; select pods alone, such as by "
            "`namespaceSelector: all()`"
        )
    return found


def _rule(rule: Object, direction: Direction, place: str, space: str, resolver: Resolver) -> Rule | None:
    """The rule in this package's model; None if it never matches. Raises InexpressibleError."""
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
    named = {network(each).version for each in theirs.get("nets") or ()}
    peers = _in_family(
        resolver.peers(theirs, namespace=space), rule.get("ipVersion"), resolver.surroundings, named=named
    )
    if peers is None:
        return None
    action = _action(rule, resolver.surroundings.read_last)
    if action is Action.DENY and peers.wider:
        raise InexpressibleError(
            "it denies some addresses of nodes or pods: Cilium tells these by identity, and would deny them at all "
            "others too"
        )
    return Rule(action=action, peers=peers, ports=ports, place=place)


def _unknown(part: Object, known: set[str]) -> list[str]:
    return [f"`{each}` is not known to this program" for each in sorted(set(part) - known)]


def _action(rule: Object, read_last: str) -> Action:
    said = str(rule.get("action", "")).lower()
    if said == "log":
        raise InexpressibleError("action Log: no Cilium policy logs a packet; Hubble shows verdicts")
    if said not in ("allow", "deny", *_PASSES):
        what = f"action {rule['action']}" if said else "no action"
        raise InexpressibleError(f"{what}: to Calico a rule allows, denies, passes on or logs")
    if said in _PASSES and read_last:
        raise InexpressibleError(f"action Pass: what it passes on to {read_last} may be denied there")
    # With no tier after this one, a passed packet goes to its namespace's profile, which allows everything.
    return Action.DENY if said == "deny" else Action.ALLOW


def _in_family(
    peers: Peers, version: int | None, surroundings: Surroundings, *, named: Collection[int]
) -> Peers | None:
    """The peers limited to one IP family; `named` are the families of the rule's networks."""
    if version is None or surroundings.families == {version}:
        return peers
    if version not in surroundings.families:
        return None
    if named == {version}:
        return peers
    if not peers.pods.nothing or peers.nodes or peers.entities:
        raise InexpressibleError(f"ipVersion {version}: Cilium's identities have no IP version; name networks")
    return replace(peers, world=tuple(each for each in peers.world if each.network.version == version))
