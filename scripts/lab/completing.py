"""Completes a lab whose machines have started: API server, the CNI on every node, CoreDNS."""

import subprocess
from pathlib import Path
from typing import Protocol

from scripts.lab.cluster import addons, configuration, sources, state
from scripts.lab.cluster.layout import CONTROL_PLANE, Layout
from scripts.lab.console import Step
from scripts.lab.status import wait

_API_SECONDS, _NODES_SECONDS = 120, 180


class MachinesUp(Protocol):
    """A lab whose machines have started."""

    folder: Path

    def running(self) -> state.LabState:
        """Raises LabError if the lab has ended."""

    def kubectl(self, *words: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run kubectl on its cluster."""

    def log(self, node: str) -> Path:
        """The folder of a node's logs."""

    def ready_nodes(self) -> dict[str, bool]:
        """The nodes, each with True if it is Ready."""

    def file_of(self, node: str, path: str) -> Path:
        """The host's path of a file on a running machine."""


def complete(lab: MachinesUp, layout: Layout) -> None:
    """Wait for the API server, then bring the CNI and CoreDNS, and wait until each node is ready for pods."""
    configuration.write_admin_kubeconfig(lab.folder, port=lab.running().port)
    with Step("API server"):
        wait(
            # A supervisor that failed to set the lab up has ended; that is reported at once.
            lambda: bool(lab.running()) and lab.kubectl("get", "--raw", "/readyz", check=False).returncode == 0,
            seconds=_API_SECONDS,
            what=f"the API server (log: {lab.log(CONTROL_PLANE)}/kube-apiserver.log)",
        )
    names = {node.name for node in layout.nodes}
    source = sources.source(layout.source)
    with Step(f"{len(names)} nodes with {source.title}"):
        lab.kubectl("apply", "--server-side", "--filename=-", stdin=source.manifest(layout))
        wait(
            lambda: {name for name, ready in lab.ready_nodes().items() if ready} >= names,
            seconds=_NODES_SECONDS,
            what=f"{len(names)} Ready nodes (logs: {lab.folder}/nodes/*/log/kubelet.log)",
        )
        for name in source.workloads:
            _rolled_out(lab, name, namespace=source.namespace)
        # A CNI reports Ready too early: a pod that starts before it really is waits for its next retry.
        wait(
            lambda: all(lab.file_of(node.name, file).exists() for node in layout.nodes for file in source.node_files),
            seconds=_NODES_SECONDS,
            what=f"{' and '.join(source.node_files)} on every node",
        )
    with Step("CoreDNS"):
        lab.kubectl("apply", "--server-side", "--filename=-", stdin=addons.coredns(layout))
        _rolled_out(lab, "deployment/coredns", namespace="kube-system")


def _rolled_out(lab: MachinesUp, name: str, *, namespace: str) -> None:
    lab.kubectl("--namespace", namespace, "rollout", "status", name, f"--timeout={_NODES_SECONDS}s")
