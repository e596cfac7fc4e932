"""Nodes with an unknown build of the kubelet, or without an agent of any known network."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from components.operations.snapshot import Snapshot
from components.operations.turn_annotations import step_of
from components.sources.description import SourceDescription
from components.sources.distributions.recognition import recognised

_PLAIN = re.compile(r"v?\d+\.\d+\.\d+(-(alpha|beta|rc)\.\d+)?$")
_BUILD = re.compile(r"v?\d+\.\d+\.\d+")
_AGENT = ("k8s-app", "cilium")


@dataclass(frozen=True, kw_only=True)
class UnknownNodes:
    """Nodes of a build that no known distribution has; or, where `build` is empty, without an agent of any network."""

    nodes: tuple[str, ...]
    build: str = ""


def unknown_nodes(snapshot: Snapshot, source: SourceDescription) -> Iterator[UnknownNodes]:
    """All such nodes, grouped by build."""
    if not recognised(snapshot):
        builds: dict[str, list[str]] = defaultdict(list)
        for name in sorted(snapshot.linux_names):
            state = snapshot.node_states.get(name)
            version = state.kubelet_version if state else ""
            if version and not _PLAIN.fullmatch(version):
                builds[_BUILD.sub("", version, count=1) or version].append(name)
        for build, nodes in builds.items():
            yield UnknownNodes(nodes=tuple(nodes), build=build)
    yield from _on_no_network(snapshot, source)


def _on_no_network(snapshot: Snapshot, source: SourceDescription) -> Iterator[UnknownNodes]:
    agents = [
        pod
        for pod in snapshot.pods
        if pod.controller and (pod.namespace, pod.controller.name) in source.daemon_sets and not pod.finished
    ]
    served = {pod.node for pod in agents}
    served |= {pod.node for pod in snapshot.pods if pod.labels.get(_AGENT[0]) == _AGENT[1]}
    # With no agent anywhere other checks report it: this is about single nodes that were left out.
    left = [
        node.name
        for node in snapshot.nodes
        if agents and node.ready and node.runs_linux and node.name not in served and not step_of(node)
    ]
    if left:
        yield UnknownNodes(nodes=tuple(sorted(left)))
