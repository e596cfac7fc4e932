"""The state of the simulation: the machines and the pods that run on them."""

import asyncio
import ipaddress
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.lab.simulated.client import Object
from scripts.lab.simulated.nodes.machines import Machine

NODE_NETWORK = "172.20.0.0/14"
_FIRST_ADDRESS = 10  # the first addresses are for a gateway, a router and a health check


@dataclass
class Life:
    """One pod from its binding to its end; `runs` counts the starts of its containers."""

    pod: Object
    address: str = ""
    runs: int = 0
    ready: bool = False
    log: str = ""
    version: int = 0
    beginning: asyncio.Task[None] | None = None
    ending: asyncio.Task[None] | None = None

    @property
    def uid(self) -> str:
        """The pod's uid."""
        return str(self.pod["metadata"]["uid"])

    @property
    def namespace(self) -> str:
        """The pod's namespace."""
        return str(self.pod["metadata"]["namespace"])

    @property
    def name(self) -> str:
        """The pod's name."""
        return str(self.pod["metadata"]["name"])

    @property
    def title(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"

    @property
    def path(self) -> str:
        """The pod's path in the API."""
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"

    @property
    def node(self) -> str:
        """The node that it is bound to."""
        return str(self.pod["spec"]["nodeName"])

    @property
    def labels(self) -> dict[str, str]:
        """The pod's labels."""
        return self.pod["metadata"].get("labels") or {}

    @property
    def host_network(self) -> bool:
        """True if it has its node's address."""
        return bool(self.pod["spec"].get("hostNetwork"))

    @property
    def deleting(self) -> bool:
        """True if its deletion was requested."""
        return "deletionTimestamp" in self.pod["metadata"]

    @property
    def phase(self) -> str:
        """Its phase in the API."""
        return str((self.pod.get("status") or {}).get("phase") or "")

    @property
    def command(self) -> list[str]:
        """The command of its first container."""
        return list(self.pod["spec"]["containers"][0].get("command") or [])

    @property
    def is_agent(self) -> bool:
        """True if it is Cilium's agent."""
        return self.labels.get("k8s-app") == "cilium"

    @property
    def is_operator(self) -> bool:
        """True if it is Cilium's operator."""
        return self.labels.get("io.cilium/app") == "operator"

    @property
    def is_flannel(self) -> bool:
        """True if Flannel's daemon runs in it."""
        return any("flanneld" in word for word in self.command)

    def stop(self) -> None:
        """Cancel its tasks."""
        for task in (self.beginning, self.ending):
            if task and task is not asyncio.current_task():
                task.cancel()


class World:
    """Machines by node name, and lives by the pod's uid; `changed` is called with every machine that changes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.machines: dict[str, Machine] = {}
        self.lives: dict[str, Life] = {}
        self.changed: Callable[[Machine, Machine], None] = lambda _before, _after: None
        self._at: dict[str, Life] = {}
        self._named: dict[tuple[str, str], Life] = {}
        self._last: dict[str, int] = {}
        self._news: dict[str, asyncio.Event] = {}
        if file.exists():
            stored: list[dict[str, Any]] = json.loads(file.read_text())
            self.machines = {each["name"]: Machine.read(each) for each in stored}

    def save(self) -> None:
        """Save the machines for the next start."""
        self._file.write_text(json.dumps([machine.stored for machine in self.machines.values()]))

    def new_machine(self, name: str, *, boot_id: str) -> Machine:
        """A new machine with an address of its own."""
        taken = {machine.address for machine in self.machines.values()}
        network = ipaddress.ip_network(NODE_NETWORK)
        number = len(taken) + _FIRST_ADDRESS
        while str(network[number]) in taken:
            number += 1
        self.machines[name] = machine = Machine(name=name, address=str(network[number]), boot_id=boot_id)
        self._tell(name)
        return machine

    def change(self, after: Machine) -> None:
        """Replace the machine, and wake everything that waits for it."""
        before = self.machines[after.name]
        if after != before:
            self.machines[after.name] = after
            self.changed(before, after)
            self._tell(after.name)

    def _tell(self, name: str) -> None:
        if waiting := self._news.pop(name, None):
            waiting.set()

    async def until(self, name: str, holds: Callable[[Machine], bool]) -> Machine:
        """Wait until a condition holds for the machine; returns it."""
        while True:
            machine = self.machines.get(name)
            if machine and holds(machine):
                return machine
            await self._news.setdefault(name, asyncio.Event()).wait()

    def of_node(self, name: str) -> list[Life]:
        """The pods on a node."""
        return [life for life in self.lives.values() if life.node == name]

    def find(self, *, namespace: str, name: str) -> Life | None:
        """The pod with that name."""
        known = self._named.get((namespace, name))
        if known is None or self.lives.get(known.uid) is not known:
            self._named = {(each.namespace, each.name): each for each in self.lives.values()}
            known = self._named.get((namespace, name))
        return known

    def with_address(self, address: str) -> Life | None:
        """The pod on a pod network that has the address."""
        return self._at.get(address)

    def give_address(self, life: Life, block: str) -> bool:
        """Give the pod the next free address of the block; False if none is left."""
        network = ipaddress.ip_network(block)
        room = network.num_addresses - _FIRST_ADDRESS - 1
        for step in range(1, room + 1):
            offset = (self._last.get(block, -1) + step) % room
            address = str(network[_FIRST_ADDRESS + offset])
            if address not in self._at:
                self._last[block] = offset
                self.keep_address(life, address)
                return True
        return False

    def keep_address(self, life: Life, address: str) -> None:
        """Set the pod's address on a pod network."""
        life.address = address
        self._at[address] = life

    def take_address(self, life: Life) -> None:
        """Remove the pod's address."""
        if self._at.get(life.address) is life:
            del self._at[life.address]
        life.address = ""
