"""The process that simulates all nodes of a control plane and everything on them: `simulator.py FOLDER`."""

import asyncio
import json
import signal
import ssl
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from scripts.lab.simulated import FAULTS_FILE, MACHINES_FILE, PORTS_FILE
from scripts.lab.simulated.certificates import read_certificates
from scripts.lab.simulated.client import Api, Object
from scripts.lab.simulated.faults import FaultFile
from scripts.lab.simulated.networks.cilium import Cilium
from scripts.lab.simulated.networks.flannel import Flannel
from scripts.lab.simulated.networks.flows import Flows
from scripts.lab.simulated.nodes.commands import Commands
from scripts.lab.simulated.nodes.kubelet import Kubelet
from scripts.lab.simulated.nodes.machines import Machine
from scripts.lab.simulated.nodes.node_status import Nodes
from scripts.lab.simulated.nodes.pods import Pods, report
from scripts.lab.simulated.nodes.probe_log import ProbeLogs
from scripts.lab.simulated.world import World

_SAVE_SECONDS = 5
_REBOOT_BEGINS_SECONDS = 0.3


class Simulator:
    """The simulator of the control plane in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._certificates = read_certificates(folder / "certificates")
        self._ports = json.loads((folder / PORTS_FILE).read_text())
        tls = ssl.create_default_context(cafile=str(self._certificates.authority))
        tls.load_cert_chain(self._certificates.admin.certificate, self._certificates.admin.key)
        self._api = api = Api(f"https://127.0.0.1:{self._ports['kube-apiserver']}", tls)
        self._faults = faults = FaultFile(folder / FAULTS_FILE)
        self._world = world = World(folder / MACHINES_FILE)
        self._flows = flows = Flows(world, api, faults)
        self._commands = Commands(world, flows, faults, reboot=self._reboot)
        self._pods = Pods(
            world, api, faults, cilium=Cilium(world, api, faults), flannel=Flannel(world, api), commands=self._commands
        )
        self._nodes = Nodes(world, api, faults, port=self._ports["kubelet"], restart=self._pods.restart)
        world.changed = self._machine_changed
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Run until the process is told to stop."""
        logs = ProbeLogs(self._world, self._flows)
        kubelet = Kubelet(self._world, self._commands, self._faults, probe_logs=logs)
        server = await kubelet.serve(
            port=self._ports["kubelet"], authority=self._certificates.authority, pair=self._certificates.server
        )
        over = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, over.set)
        watches = [
            asyncio.create_task(self._api.watch("/api/v1/nodes", self._saw_node, self._nodes.gone)),
            asyncio.create_task(self._api.watch("/api/v1/pods", self._pods.saw, self._pods.gone)),
            asyncio.create_task(self._save_now_and_then()),
        ]
        await over.wait()
        self._world.save()
        for task in [*watches, *self._tasks]:
            task.cancel()
        await server.cleanup()
        await self._api.close()

    def _soon(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"node {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(report)

    def _reboot(self, name: str) -> None:
        async def after_the_answer() -> None:
            await asyncio.sleep(_REBOOT_BEGINS_SECONDS)
            await self._nodes.reboot(name)

        self._soon(name, after_the_answer())

    def _saw_node(self, node: Object) -> None:
        self._nodes.saw(node)
        name = node["metadata"]["name"]
        self._soon(name, self._nodes.show(name))

    def _machine_changed(self, before: Machine, after: Machine) -> None:
        if before.on and not after.on:
            self._pods.halt(after.name)
        if (before.ready, before.boot_id) != (after.ready, after.boot_id):
            self._soon(after.name, self._nodes.show(after.name))

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_SECONDS)
            self._world.save()


async def play(folder: Path) -> None:
    """Simulate the nodes of the control plane in `folder` until the process is told to stop."""
    await Simulator(folder).run()


if __name__ == "__main__":
    asyncio.run(play(Path(sys.argv[1])))
