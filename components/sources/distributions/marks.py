"""Marks of a distribution of Kubernetes: properties of its nodes, servers and objects that no other has."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from components.operations.snapshot import Snapshot
from components.sources.facts.workload import (
    Object,
    all_containers,
    config_map,
    container_with,
    mounted_config_maps,
    place,
    title,
)

_NETWORKS = ("calico", "flannel", "kube-router", "canal", "antrea", "kube-ovn", "weave-kube", "kindnet")


@dataclass(frozen=True, kw_only=True)
class Marks:
    """Marks by which a distribution is recognised; one of them is enough.

    `versions` are parts of the server's and the kubelets' versions, `systems` prefixes of operating systems. `labels`
    and `annotations` are prefixes of nodes' keys, `labelled` are labels with their values, `machines` prefixes of
    nodes' provider IDs, `objects` prefixes of DaemonSets' label keys. `settings` are a key of the CNI's ConfigMap and a
    prefix of its value. If others have such versions too, `on` and `not_on` are prefixes of provider IDs of machines on
    which this one runs, or does not.
    """

    versions: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    labelled: tuple[tuple[str, str], ...] = ()
    machines: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    on: tuple[str, ...] = ()
    not_on: tuple[str, ...] = ()

    def seen(self, snapshot: Snapshot, nodes: "Nodes") -> Iterator[str]:
        """The marks found on the cluster, as text for messages."""
        versions = self.versions if self._may_be_on(nodes.machines) else ()
        if any(each in snapshot.server_version for each in versions):
            yield f"the API server is {snapshot.server_version}"
        for what, keys, wanted in (
            ("label", nodes.labels, self.labels),
            ("annotation", nodes.annotations, self.annotations),
        ):
            yield from (f"node {keys[each]} has {what} {each}" for each in keys if wanted and each.startswith(wanted))
        for pair in self.labelled:
            if pair in nodes.labelled:
                yield f"node {nodes.labelled[pair]} has label {'='.join(pair)}"
        for version, node in nodes.kubelets.items():
            if any(each in version for each in versions):
                yield f"the kubelet of node {node} is {version}"
        for system, node in nodes.systems.items():
            if self.systems and system.startswith(self.systems):
                yield f"node {node} runs {system}"
        for machine, node in nodes.machines.items():
            if self.machines and machine.startswith(self.machines):
                yield f"node {node} has provider ID {machine}"
        for item in snapshot.daemon_sets:
            for key in item["metadata"].get("labels") or {}:
                if self.objects and key.startswith(self.objects):
                    yield f"{title(item)} has label {key}"
            yield from self._in_settings(item, snapshot)

    def _in_settings(self, item: Object, snapshot: Snapshot) -> Iterator[str]:
        if not self.settings or not is_network(item):
            return
        for name in _config_maps(item):
            data = config_map(snapshot, item["metadata"]["namespace"], name)
            for key, begin in self.settings:
                if (value := data.get(key, "")).startswith(begin):
                    yield f"ConfigMap {item['metadata']['namespace']}/{name} has {key}: {value}"

    def _may_be_on(self, machines: Collection[str]) -> bool:
        """True unless nodes' provider IDs contradict; nodes without one do not count."""
        if self.not_on:
            return bool(machines) and not any(each.startswith(self.not_on) for each in machines)
        return not (self.on and machines) or any(each.startswith(self.on) for each in machines)

    @property
    def told(self) -> Iterator[str]:
        """The text of each mark for the document."""
        where = "".join(
            f" of nodes {word} {' or '.join(f'`{each}`' for each in providers)}"
            for word, providers in (("on", self.on), ("not on", self.not_on))
            if providers
        )
        yield from (f"`{each}` in a version{where}" for each in self.versions)
        for what, keys in (
            ("nodes' labels", self.labels),
            ("nodes' annotations", self.annotations),
            ("nodes' provider IDs", self.machines),
            ("DaemonSets' labels", self.objects),
        ):
            yield from (f"{what} `{each}…`" for each in keys)
        yield from (f"nodes' label `{key}={value}`" for key, value in self.labelled)
        yield from (f"nodes' system {each}" for each in self.systems)
        yield from (f"`{key}: {begin}…` in the CNI's ConfigMap" for key, begin in self.settings)


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """The nodes' marks, each with the first node that has it: collected once for all distributions."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    labelled: Mapping[tuple[str, str], str]
    kubelets: Mapping[str, str]
    systems: Mapping[str, str]
    machines: Mapping[str, str]

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Nodes":
        """The marks of a cluster's nodes."""
        nodes = snapshot.nodes[::-1]  # so that the first node overwrites the others
        states = [(each.name, snapshot.node_states[each.name]) for each in nodes if each.name in snapshot.node_states]
        return cls(
            labels={key: node.name for node in nodes for key in node.labels},
            annotations={key: node.name for node in nodes for key in node.annotations},
            labelled={pair: node.name for node in nodes for pair in node.labels.items()},
            kubelets={state.kubelet_version: name for name, state in states if state.kubelet_version},
            systems={state.system: name for name, state in states if state.system},
            machines={state.provider_id: name for name, state in states if state.provider_id},
        )


def is_network(item: Object) -> bool:
    """True for a DaemonSet of a CNI that distributions install."""
    return container_with(item, *_NETWORKS) is not None


def network_marked(snapshot: Snapshot, prefix: str) -> bool:
    """True if a CNI's DaemonSet has a label or an annotation whose key has this prefix."""
    return any(is_network(item) and any(key.startswith(prefix) for key in _keys(item)) for item in snapshot.daemon_sets)


def anything_in(snapshot: Snapshot, namespace: str) -> bool:
    """True if there is a DaemonSet in a namespace whose name has this prefix."""
    return any(place(item)[0].startswith(namespace) for item in snapshot.daemon_sets)


def _keys(item: Object) -> Iterator[str]:
    yield from item["metadata"].get("labels") or {}
    yield from item["metadata"].get("annotations") or {}


def _config_maps(item: Object) -> Iterator[str]:
    yield from mounted_config_maps(item)
    for container in all_containers(item):
        for variable in container.get("env") or []:
            reference = (variable.get("valueFrom") or {}).get("configMapKeyRef") or {}
            if reference.get("name"):
                yield reference["name"]
