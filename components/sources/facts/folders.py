"""The nodes' folders of CNI confs and plugins, from the mounts of DaemonSets that write there, and from the nodes."""

from collections.abc import Mapping

from components.operations.snapshot import NodeFacts, Snapshot
from components.sources.description import SourceDescription
from components.sources.facts.workload import Object, all_containers, container_with, place, title
from stacks.settle import BINARIES, CONF, Folder

# The mount path in containers, whatever the path on the nodes.
_ENDINGS = {CONF: "cni/net.d", BINARIES: "cni/bin"}
AGENT = "cilium-agent"
_MULTUS = "multus"


def folders(snapshot: Snapshot, source: SourceDescription) -> dict[str, Folder]:
    """Both folders according to Cilium, the old CNI (or Multus, if that has no DaemonSet) and the nodes."""
    theirs = [item for item in snapshot.daemon_sets if place(item) in source.daemon_sets]
    writers = theirs or [item for item in snapshot.daemon_sets if container_with(item, _MULTUS)]
    cilium = [item for item in snapshot.daemon_sets if container_with(item, AGENT)]
    seen = {
        CONF: {name: _best_first(facts.cni_folders, facts) for name, facts in snapshot.facts.items()},
        BINARIES: {name: _best_first(facts.cni_binaries, facts) for name, facts in snapshot.facts.items()},
    }
    return {
        which: Folder(
            of_cilium=_first(cilium, which)[0],
            of_source=_first(writers, which)[0],
            source=_first(writers, which)[1],
            on_nodes={name: names for name, names in seen[which].items() if name in snapshot.node_names},
        )
        for which in (CONF, BINARIES)
    }


def _best_first(names: tuple[str, ...] | None, facts: NodeFacts) -> tuple[str, ...]:
    """The same names, with folders that Cilium cannot write last; some run times read several folders."""
    return tuple(sorted(names or (), key=lambda name: name in facts.cni_unwritable))


def _first(items: list[Object], which: str) -> tuple[str, str]:
    """(folder, DaemonSet that mounts it) of the first one; empty if none does."""
    return next(((path, title(item)) for item in items if (path := mounted(item).get(which))), ("", ""))


def mounted(item: Object) -> Mapping[str, str]:
    """The node's folders of CNI confs and plugins that a DaemonSet mounts."""
    spec = item["spec"]["template"]["spec"]
    paths = {
        each["name"]: str(each["hostPath"].get("path") or "").rstrip("/")
        for each in spec.get("volumes") or []
        if each.get("hostPath")
    }
    mounts = [
        (f"{paths[each['name']]}/{each.get('subPath') or ''}".rstrip("/"), f"/{each.get('mountPath', '').strip('/')}")
        for container in all_containers(item)
        for each in container.get("volumeMounts") or []
        if each["name"] in paths and not each.get("subPathExpr")
    ]
    found: dict[str, str] = {}
    for which, ending in _ENDINGS.items():
        named = [path for path, inside in mounts if inside.endswith(f"/{ending}")]
        named += [path for path in (*paths.values(), *(path for path, _ in mounts)) if path.endswith(f"/{ending}")]
        if named:
            found[which] = named[0]
    return found
