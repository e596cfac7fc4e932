"""Inventory of a cluster's policies: the verdict on each, and its translation for Cilium."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from stacks.policies.cluster_facts import Surroundings
from stacks.policies.model import LAST_ORDER, Direction, Policy
from stacks.policies.reading import calico, kubernetes
from stacks.policies.reading.peers import AddressSet, Resolver
from stacks.policies.reasons import InexpressibleError
from stacks.policies.writing import bridge, cilium, old_engine
from stacks.policies.writing.names import Names
from stacks.policies.writing.order import Settled, Unread, settle

Object = Mapping[str, Any]
_KUBERNETES = kubernetes.KIND
_CALICO = (calico.GLOBAL, calico.NAMESPACED)
_ALLOWS_ALL = "projectcalico-default-allow"


class Verdict(StrEnum):
    """The fate of a policy under Cilium."""

    AS_IS = "works as is"
    TRANSLATED = "translated"
    LOST = "cannot be expressed"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One object of the inventory.

    `manifests` are its translation. While both networks run, `window` are additional Cilium policies, `old_side`
    additional policies for the old engine, and `bridge` describes the effect.
    """

    kind: str
    namespace: str
    name: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    manifests: tuple[Object, ...] = ()
    window: tuple[Object, ...] = ()
    old_side: tuple[Object, ...] = ()
    bridge: str = ""

    @property
    def title(self) -> str:
        """The name by which it is shown, and acknowledged as lost."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The inventory of a cluster."""

    entries: tuple[Entry, ...]

    def of(self, verdict: Verdict) -> list[Entry]:
        """The entries with a verdict."""
        return [each for each in self.entries if each.verdict is verdict]

    @property
    def manifests(self) -> list[Object]:
        """The manifests of all translations."""
        return [manifest for each in self.entries for manifest in each.manifests]

    @property
    def old_side(self) -> list[Object]:
        """Additional policies for the old engine while both networks run."""
        return [manifest for each in self.entries for manifest in each.old_side]

    @property
    def window(self) -> list[Object]:
        """Additional Cilium policies while both networks run."""
        return [manifest for each in self.entries for manifest in each.window]


def take_inventory(
    *,
    kubernetes_policies: Iterable[Object],
    calico_objects: Mapping[str, Iterable[Object]],
    surroundings: Surroundings,
    of_administrators: Iterable[Object] = (),
) -> Inventory:
    """The verdict on each policy; Calico's own count only if Calico enforces them."""
    theirs = {kind: tuple(items) for kind, items in calico_objects.items()} if surroundings.calico else {}
    of_administrators = tuple(of_administrators)
    surroundings = replace(surroundings, read_last=next(map(_title, filter(_is_baseline, of_administrators)), ""))
    sets = calico.address_sets(theirs, surroundings)
    resolver = Resolver(surroundings if surroundings.engine else _by_identity(surroundings), sets)
    found: dict[str, Entry] = {}
    names = Names()
    read: list[tuple[Policy, Object]] = []
    unread: list[Unread] = []
    listed = {
        _KUBERNETES: tuple(kubernetes_policies),
        calico.GLOBAL: theirs.get("GlobalNetworkPolicy", ()),
        calico.NAMESPACED: theirs.get("NetworkPolicy", ()),
    }
    for kind, items in listed.items():
        somebodys = [each for each in items if cilium.MARK not in (each["metadata"].get("labels") or {})]
        plain = kind.partition(".")[0]
        names.are_somebodys(somebodys, kind=plain, of_calico=kind != _KUBERNETES)
        for item in somebodys:
            try:
                if kind == _KUBERNETES:
                    policy = kubernetes.read_policy(item, resolver)
                else:
                    policy = calico.read_policy(item, kind, resolver)
                read.append((policy, item))
            except InexpressibleError as error:
                entry = _lost_policy(kind, item, str(error).splitlines(), surroundings)
                found[entry.title] = entry
                unread.append(_unread_policy(kind, entry.title, item))
    settled = settle([policy for policy, _ in read], unread)
    for policy, item in read:
        found[policy.title] = _entry(policy, item, settled.get(policy.title, Settled()), surroundings)
    for item in of_administrators:
        entry = _lost(item["kind"], item, [_unread(item["kind"])])
        found[entry.title] = entry
    for each in (*_sets(sets, theirs), *_host_endpoints(theirs), *_settings(surroundings)):
        found[each.title] = each
    return Inventory(entries=tuple(_named(each, names) for each in found.values()))


def _title(item: Object) -> str:
    return f"{item['kind']} {item['metadata']['name']}"


def _is_baseline(item: Object) -> bool:
    tier = (item.get("spec") or {}).get("tier")
    return item["kind"] == "BaselineAdminNetworkPolicy" or (item["kind"], tier) == ("ClusterNetworkPolicy", "Baseline")


def _unread(kind: str) -> str:
    if kind == "ClusterNetworkPolicy":
        return (
            "Cilium reads policies of this kind only from 1.20 on and with the Helm value k8sClusterNetworkPolicy."
            "enabled, and this program does not judge what they mean there"
        )
    return "Cilium does not read policies of this kind"


def _by_identity(surroundings: Surroundings) -> Surroundings:
    """Without an engine that enforces policies today, networks in them have Cilium's meaning."""
    return replace(surroundings, pod_networks=(), node_addresses={})


def _lost(kind: str, item: Object, reasons: Iterable[str]) -> Entry:
    metadata = item["metadata"]
    name = metadata["name"] if kind not in _CALICO else calico.name_of(item)
    space = "" if kind == calico.GLOBAL else metadata.get("namespace", "")
    return Entry(kind=kind, namespace=space, name=name, verdict=Verdict.LOST, reasons=tuple(reasons), bridge="is lost")


def _lost_policy(kind: str, item: Object, reasons: Iterable[str], surroundings: Surroundings) -> Entry:
    entry = _lost(kind, item, reasons)
    return replace(entry, old_side=old_engine.lets_through_lost(kind, entry.title, item, surroundings))


def _unread_policy(kind: str, title: str, item: Object) -> Unread:
    """The traffic that a lost policy may allow, by its rules."""
    own = kind == _KUBERNETES
    spec = item.get("spec") or {}
    order = kubernetes.ORDER if own else spec.get("order")
    allows = {
        Direction(direction)
        for direction, rule in _rules_of(item)
        if own or str(rule.get("action", "")).lower() not in ("deny", "log")
    }
    return Unread(title=title, order=LAST_ORDER if order is None else float(order), allows=frozenset(allows))


def _why_left_out(mind: str | None) -> str:
    why = "nothing it denies is allowed later"
    return f"{why} but by {mind}, which is lost; mind it where you say that again" if mind else why


def _entry(policy: Policy, item: Object, settled: Settled, surroundings: Surroundings) -> Entry:
    if settled.reasons:
        return _lost_policy(policy.kind, item, settled.reasons, surroundings)
    own = policy.kind == _KUBERNETES
    prefix = "kubernetes" if own else "calico"
    means = kubernetes.addresses_too(policy) if own else policy
    manifests: list[dict[str, Any]] = []
    notes = [f"{each} is left out: {_why_left_out(settled.mind.get(each))}" for each in sorted(settled.needless)]
    notes += dict.fromkeys(
        told for direction in Direction for rule in policy.rules(direction) or () for told in rule.peers.told
    )
    if own and means:
        notes.append("Cilium's ipBlock means neither pods nor nodes; those in it are allowed by an object more")
    elif own and not surroundings.engine and _has_networks(item):
        notes.append("an ipBlock means neither pods nor nodes to Cilium, whatever their addresses")
    if own and _names_egress_ports(item):
        notes.append("an egress port by name: to Cilium a name that means several port numbers means none")
    if means:
        name = f"{prefix}-{policy.name}"
        manifests = cilium.manifests(means, name=name, left_out=settled.needless)
    if policy.subject.nothing:
        notes.append("it can select no pod")
    wider = bridge.window(policy, surroundings)
    window: list[dict[str, Any]] = []
    if wider:
        window = cilium.manifests(wider, name=f"{prefix}-{policy.name}-window", mark=cilium.WINDOW)
    return Entry(
        kind=policy.kind,
        namespace=policy.namespace,
        name=policy.name,
        verdict=Verdict.TRANSLATED if manifests else Verdict.AS_IS,
        notes=tuple(notes),
        manifests=tuple(manifests),
        window=tuple(window),
        old_side=() if policy.subject.nothing else old_engine.lets_through(policy, item, surroundings),
        bridge=bridge.meaning(policy),
    )


def _named(entry: Entry, names: Names) -> Entry:
    return replace(
        entry,
        manifests=names.given(entry.manifests, origin=entry.title),
        window=names.given(entry.window, origin=entry.title),
        old_side=names.given(entry.old_side, origin=entry.title),
    )


def _rules_of(item: Object) -> Iterable[tuple[str, Object]]:
    spec = item.get("spec") or {}
    return ((direction, rule) for direction in ("ingress", "egress") for rule in spec.get(direction) or [])


def _has_networks(item: Object) -> bool:
    return any(
        "ipBlock" in peer
        for _, rule in _rules_of(item)
        for ends in ("from", "to")
        for peer in rule.get(ends) or []
    )  # fmt: skip


def _names_egress_ports(item: Object) -> bool:
    return any(
        not str(port.get("port", 0)).isdigit()
        for direction, rule in _rules_of(item)
        for port in rule.get("ports") or []
        if direction == "egress"
    )


def _settings(surroundings: Surroundings) -> Iterable[Entry]:
    for each in surroundings.settings:
        metadata = {"name": each.name, "namespace": each.namespace}
        yield _lost(each.kind, {"metadata": metadata}, [each.reason])


def _sets(sets: Iterable[AddressSet], theirs: Mapping[str, Iterable[Object]]) -> Iterable[Entry]:
    known = {each.title: each for each in sets}
    for kind in ("GlobalNetworkSet", "NetworkSet"):
        for item in theirs.get(kind, ()):
            entry = Entry(
                kind=kind,
                namespace=item["metadata"].get("namespace", "") if kind == "NetworkSet" else "",
                name=item["metadata"]["name"],
                verdict=Verdict.TRANSLATED,
                notes=("its networks are written into the policies that select it",),
                bridge=bridge.HOLDS,
            )
            if entry.title in known:
                fault = known[entry.title].fault
                yield _lost(kind, item, [f"it {fault}"]) if fault else entry


def _host_endpoints(theirs: Mapping[str, Iterable[Object]]) -> Iterable[Entry]:
    for item in theirs.get("HostEndpoint", ()):
        if _ALLOWS_ALL in ((item.get("spec") or {}).get("profiles") or []):
            yield Entry(
                kind="HostEndpoint",
                namespace="",
                name=item["metadata"]["name"],
                verdict=Verdict.AS_IS,
                notes=("it allows everything that no policy forbids, as a node under Cilium does",),
                bridge=bridge.HOLDS,
            )
        else:
            yield _lost(
                "HostEndpoint",
                {"metadata": {"name": item["metadata"]["name"]}},
                ["Cilium protects a node's own traffic only by its host firewall, which this program does not set up"],
            )
