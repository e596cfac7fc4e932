"""The nodes' folders for CNI confs and plugins; Cilium must use those that the container runtimes read."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stacks.settle.value_with_reason import Choice, wish

CONF, BINARIES = "cni_conf_path", "cni_bin_path"
DEFAULTS = {CONF: "/etc/cni/net.d", BINARIES: "/opt/cni/bin"}
_VALUES = {CONF: "confPath", BINARIES: "binPath"}


@dataclass(frozen=True, kw_only=True)
class Folder:
    """One folder as found in an installed Cilium, in the old CNI's DaemonSet `source`, and on the nodes.

    `on_nodes` has the candidate paths on each node that was inspected, the best first.
    """

    of_cilium: str = ""
    of_source: str = ""
    source: str = ""
    on_nodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def settle_folder(
    values: Mapping[str, Any], which: str, seen: Folder, *, recorded: Mapping[str, Any] | None
) -> Choice[str]:
    """The folder of the user, else of an installed Cilium, else of an earlier choice that still fits, else of the nodes
    or of the old CNI.

    If nodes read different folders, the check `cni-folders` reports it.
    """
    section = values.get("cni")
    wished = section.get(_VALUES[which]) if isinstance(section, Mapping) else None
    if isinstance(wished, str) and wished:
        return wish(wished.rstrip("/"), key=f"values.cni.{_VALUES[which]}")
    if seen.of_cilium:
        return Choice(value=seen.of_cilium, reason="Cilium's DaemonSet has it")
    read = [names for names in seen.on_nodes.values() if names]
    if recorded and all(recorded["value"] in names for names in read):
        return Choice(**recorded)
    if read and not all(seen.of_source in names for names in read):
        counted = Counter(name for names in read for name in names)
        best = max(counted, key=lambda name: (counted[name], -min(n.index(name) for n in read if name in n)))
        return Choice(value=best, reason="the nodes' container runtimes read it")
    if seen.of_source:
        return Choice(value=seen.of_source, reason=f"{seen.source} has it")
    return Choice(value=DEFAULTS[which], reason="nothing says otherwise: the chart's default")
