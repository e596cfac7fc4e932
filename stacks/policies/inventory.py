"""Every policy of a cluster, and what becomes of it under Cilium."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stacks.policies import bridge, calico, cilium, kubernetes, old_engine
from stacks.policies.model import Policy
from stacks.policies.order import Settled, settle
from stacks.policies.peers import AddressSet, Resolver
from stacks.policies.reasons import InexpressibleError
from stacks.policies.surroundings import Surroundings

Object = Mapping[str, Any]
_KUBERNETES = kubernetes.KIND
_ADMIN = ("AdminNetworkPolicy", "BaselineAdminNetworkPolicy")
_CALICO = (calico.GLOBAL, calico.NAMESPACED)
_ALLOWS_ALL = "projectcalico-default-allow"


class Verdict(StrEnum):
    """What becomes of a policy."""

    AS_IS = "works as is"
    TRANSLATED = "translated"
    LOST = "cannot be expressed"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One object of the inventory.

    `manifests` say the same to Cilium. While both networks run, `window` must be allowed besides, `old_side` by the old
    engine, and `bridge` is what then holds.
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
        """How an operator calls it, and acknowledges that it is lost."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """All of them."""

    entries: tuple[Entry, ...]

    def of(self, verdict: Verdict) -> list[Entry]:
        """The entries of which the same becomes."""
        return [each for each in self.entries if each.verdict is verdict]

    @property
    def manifests(self) -> list[Object]:
        """Every translation."""
        return [manifest for each in self.entries for manifest in each.manifests]

    @property
    def old_side(self) -> list[Object]:
        """What the old engine must let through meanwhile."""
        return [manifest for each in self.entries for manifest in each.old_side]

    @property
    def window(self) -> list[Object]:
        """What bridges the window, besides the translations."""
        return [manifest for each in self.entries for manifest in each.window]


def take_inventory(
    *,
    kubernetes_policies: Iterable[Object],
    calico_objects: Mapping[str, Iterable[Object]],
    surroundings: Surroundings,
) -> Inventory:
    """What becomes of each policy; Calico's own count only where Calico enforces them."""
    theirs = {kind: tuple(items) for kind, items in calico_objects.items()} if surroundings.calico else {}
    sets = calico.address_sets(theirs, surroundings)
    resolver = Resolver(surroundings if surroundings.engine else _by_identity(surroundings), sets)
    found: dict[str, Entry] = {}
    read: list[tuple[Policy, Object]] = []
    listed = {
        _KUBERNETES: tuple(kubernetes_policies),
        calico.GLOBAL: theirs.get("GlobalNetworkPolicy", ()),
        calico.NAMESPACED: theirs.get("NetworkPolicy", ()),
    }
    for kind, items in listed.items():
        for item in items:
            if cilium.MARK in (item["metadata"].get("labels") or {}):
                continue  # our own, for the window
            try:
                if kind == _KUBERNETES:
                    policy = kubernetes.read_policy(item, resolver)
                else:
                    policy = calico.read_policy(item, kind, resolver)
                read.append((policy, item))
            except InexpressibleError as error:
                entry = _lost(kind, item, str(error).splitlines())
                found[entry.title] = entry
    settled = settle([policy for policy, _ in read])
    for policy, item in read:
        found[policy.title] = _entry(policy, item, settled.get(policy.title, Settled()), surroundings)
    for kind in _ADMIN:
        for item in calico_objects.get(kind, ()):
            entry = _lost(kind, item, ["Cilium does not read policies of this kind"])
            found[entry.title] = entry
    for each in (*_sets(sets, theirs), *_host_endpoints(theirs)):
        found[each.title] = each
    return Inventory(entries=tuple(found.values()))


def _by_identity(surroundings: Surroundings) -> Surroundings:
    """Where nobody enforces policies today, networks in them mean what Cilium will mean by them."""
    return Surroundings(pod_networks=(), namespaces=surroundings.namespaces, sctp=surroundings.sctp)


def _lost(kind: str, item: Object, reasons: Iterable[str]) -> Entry:
    metadata = item["metadata"]
    name = metadata["name"] if kind not in _CALICO else calico.name_of(item)
    space = "" if kind == calico.GLOBAL else metadata.get("namespace", "")
    return Entry(kind=kind, namespace=space, name=name, verdict=Verdict.LOST, reasons=tuple(reasons), bridge="is lost")


def _entry(policy: Policy, item: Object, settled: Settled, surroundings: Surroundings) -> Entry:
    if settled.reasons:
        return _lost(policy.kind, item, settled.reasons)
    own = policy.kind == _KUBERNETES
    prefix = "kubernetes" if own else "calico"
    means = kubernetes.addresses_too(policy) if own else policy
    manifests: list[dict[str, Any]] = []
    notes = [f"{each} is left out: nothing it denies is allowed later" for each in sorted(settled.needless)]
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


def _sets(sets: Iterable[AddressSet], theirs: Mapping[str, Iterable[Object]]) -> Iterable[Entry]:
    known = {each.title for each in sets}
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
                yield entry


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
