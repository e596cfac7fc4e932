"""The status of simulated nodes as their kubelets report it, and their reboots."""

import asyncio
import uuid
from collections.abc import Callable

from scripts.lab.simulated.client import Api, Object
from scripts.lab.simulated.faults import FaultFile
from scripts.lab.simulated.nodes.machines import Machine, booted, switched_off
from scripts.lab.simulated.nodes.pod_status import now
from scripts.lab.simulated.world import World
from scripts.lab.toolchain.parts import KUBERNETES_VERSION

_LOOK_SECONDS = 0.2
_ROOM = {"cpu": "64", "memory": "256Gi", "pods": "1000"}


class Nodes:
    """Maintains every node's status; `restart` is called with a node whose pods must start again."""

    def __init__(self, world: World, api: Api, faults: FaultFile, *, port: int, restart: Callable[[str], None]) -> None:
        self._world = world
        self._api = api
        self._faults = faults
        self._port = port
        self._restart = restart
        self._shown: dict[str, tuple[str, bool]] = {}
        self._held: set[str] = set()
        self._one_at_a_time: dict[str, asyncio.Lock] = {}

    def saw(self, node: Object) -> None:
        """Handle a new or changed node."""
        name = node["metadata"]["name"]
        machine = self._world.machines.get(name)
        if machine is None:
            machine = self._world.new_machine(name, boot_id=str(uuid.uuid4()))
            self._restart(name)  # pods of an earlier machine of that name
        block = node["spec"].get("podCIDR") or ""
        if block != machine.source_block:
            self._world.change(Machine.read({**machine.stored, "source_block": block}))

    def gone(self, node: Object) -> None:
        """Handle a removed node."""
        name = node["metadata"]["name"]
        self._world.machines.pop(name, None)
        self._shown.pop(name, None)

    async def show(self, name: str) -> None:
        """Write the node's status to the API server, if it changed."""
        async with self._one_at_a_time.setdefault(name, asyncio.Lock()):
            machine = self._world.machines.get(name)
            if machine is None:
                return
            state = (machine.boot_id, machine.ready and name not in self._held)
            if self._shown.get(name) != state:
                self._shown[name] = state
                await self._api.merge(
                    f"/api/v1/nodes/{name}/status", self._status(machine, ready=state[1]), strategic=True
                )

    def _status(self, machine: Machine, *, ready: bool) -> Object:
        version = f"v{KUBERNETES_VERSION}"
        condition = {
            "type": "Ready",
            "status": "True" if ready else "False",
            "reason": "KubeletReady" if ready else "KubeletNotReady",
            "message": "simulated",
            "lastHeartbeatTime": now(),
            "lastTransitionTime": now(),
        }
        addresses = [
            {"type": "InternalIP", "address": machine.address},
            {"type": "ExternalIP", "address": "127.0.0.1"},  # the address and port of the simulated kubelet
            {"type": "Hostname", "address": machine.name},
        ]
        described = {
            "architecture": "amd64",
            "operatingSystem": "linux",
            "osImage": "simulated",
            "kernelVersion": "6.12.0",
            "kubeletVersion": version,
            "kubeProxyVersion": version,
            "containerRuntimeVersion": "containerd://2.2.0",
            "bootID": machine.boot_id,
            "machineID": machine.name,
            "systemUUID": machine.name,
        }
        return {
            "status": {
                "conditions": [condition],
                "addresses": addresses,
                "daemonEndpoints": {"kubeletEndpoint": {"Port": self._port}},
                "allocatable": _ROOM,
                "capacity": _ROOM,
                "nodeInfo": described,
            }
        }

    async def reboot(self, name: str) -> None:
        """Reboot the machine: it goes down, comes back with a new boot ID, and everything on it restarts."""
        fault = self._faults.read().node(name)
        machine = self._world.machines[name]
        if fault.never_reboots or not machine.on:
            return
        self._world.change(switched_off(machine))
        await asyncio.sleep(fault.reboot_seconds)
        if self._faults.read().node(name).stays_not_ready:
            self._held.add(name)
        self._world.change(booted(self._world.machines[name], boot_id=str(uuid.uuid4())))
        while self._faults.read().node(name).stays_not_ready:
            await asyncio.sleep(_LOOK_SECONDS)
        self._held.discard(name)
        await self.show(name)
        self._restart(name)
