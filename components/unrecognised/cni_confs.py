"""CNI confs on nodes that are neither the old CNI's nor Cilium's, nor of a known plugin."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from components.operations.snapshot import Snapshot
from components.sources import generic
from components.sources.description import SourceDescription
from components.sources.facts.chained import chained_plugin

# Files that the container run time reads; others, such as a kubeconfig or a renamed conf, are ignored.
ACTIVE = (".conf", ".conflist", ".json")
_OF_CILIUM = "cilium"
_LOOPBACK = {"loopback"}
# Standard CNI plugins for a network on one node only, in the default confs of container run times.
_ON_ONE_NODE = {
    "bandwidth", "bridge", "dhcp", "firewall", "host-device", "host-local", "ipvlan", "loopback", "macvlan", "portmap",
    "ptp", "sbr", "static", "tap", "tuning", "vlan", "vrf",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class UnknownConf:
    """A conf by its name, with the plugins that it names, and the nodes that have it.

    `plugins` is empty for an unreadable conf, None if it was not inspected. `first` is True if the container run time
    uses it, as its name comes first.
    """

    name: str
    plugins: tuple[str, ...] | None
    first: bool
    nodes: tuple[str, ...]


def unknown_confs(snapshot: Snapshot, source: SourceDescription) -> Iterator[UnknownConf]:
    """All unknown confs, each once with its nodes."""
    chained = {found for item in snapshot.daemon_sets if (found := chained_plugin(item))}
    seen: dict[tuple[str, tuple[str, ...] | None, bool], list[str]] = defaultdict(list)
    for node, facts in sorted(snapshot.facts.items()):
        if node not in snapshot.linux_names:
            continue
        confs = [name for name in facts.cni_conf if name.endswith(ACTIVE)]
        for name in confs:
            plugins = facts.cni_plugins.get(name) if facts.cni_plugins is not None else None
            first = name == confs[0]
            if not _is_known(name, plugins, first=first, source=source, chained=chained):
                seen[name, plugins, first].append(node)
    for (name, plugins, first), nodes in seen.items():
        yield UnknownConf(name=name, plugins=plugins, first=first, nodes=tuple(nodes))


def _is_known(
    name: str, plugins: tuple[str, ...] | None, *, first: bool, source: SourceDescription, chained: set[str]
) -> bool:
    if name in source.conf or _OF_CILIUM in name:
        return True
    if first and source.kind == generic.KIND and not source.conf:
        return True  # the user's description of the network names no conf: it must be this one
    types = set(plugins or ())
    if not types:
        return False
    brought = any(each.lower().partition(" ")[0] in word for each in chained for word in types)
    return brought or types <= _LOOPBACK or (not first and types <= _ON_ONE_NODE)
