"""Reachability between simulated pods, computed from the state of their machines."""

import asyncio
import ipaddress
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from scripts.lab.simulated.client import Api, Object
from scripts.lab.simulated.faults import FaultFile
from scripts.lab.simulated.nodes.machines import Machine, Network
from scripts.lab.simulated.world import Life, World

_AGAIN_SECONDS = 0.3


def _network_of(machine: Machine, address: str) -> Network:
    """The network of one of the machine's pods."""
    block = machine.cilium_block
    return Network.CILIUM if block and _within(address, block) else Network.FLANNEL


def _within(address: str, block: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(block)


class Flows:
    """Answers in the form of the probe's `reach.py`."""

    def __init__(self, world: World, api: Api, faults: FaultFile) -> None:
        self._world = world
        self._api = api
        self._faults = faults

    async def reach(self, source: Life, targets: Mapping[str, str], *, seconds: float) -> dict[str, Any]:
        """Try every target until it answers or the time is over."""
        patience = self._faults.read().patience_seconds
        limit = min(seconds, patience) if patience is not None else seconds
        outcomes = await asyncio.gather(*(self._ask(source, target, limit) for target in targets.values()))
        return dict(zip(targets, outcomes, strict=True))

    async def _ask(self, source: Life, target: str, seconds: float) -> dict[str, Any]:
        began, tries = time.monotonic(), 0
        while True:
            tries += 1
            fault = await self._fault(source, target)
            elapsed = time.monotonic() - began
            if fault is None or elapsed >= seconds:
                return {"ok": fault is None, "seconds": round(elapsed, 3), "tries": tries, "said": fault or "200"}
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _fault(self, source: Life, target: str) -> str | None:
        if not source.address:
            return "Network is unreachable"
        if target.startswith("dns://"):
            return await self._service_fault(source, "dns", {"k8s-app": "kube-dns"})
        url = urlsplit(target)
        life = self._world.with_address(url.hostname or "")
        if life:
            return self.path_fault(source, life)
        if url.scheme == "tcp":
            return self._host_port_fault(source, url.hostname or "", url.port or 0)
        services = (await self._api.get("/api/v1/services"))["items"]
        service = next((each for each in services if each["spec"].get("clusterIP") == url.hostname), None)
        if service is None:
            return "timed out"
        return await self._cluster_address_fault(source, service)

    async def _cluster_address_fault(self, source: Life, service: Object) -> str | None:
        if service["metadata"]["name"] == "kubernetes":
            broken = self._faults.read().breaks(source.node, "api")
            return "timed out" if broken or not self._world.machines[source.node].on else None
        return await self._service_fault(source, "service", service["spec"].get("selector") or {})

    async def _service_fault(self, source: Life, kind: str, selector: Mapping[str, str]) -> str | None:
        if self._faults.read().breaks(source.node, kind):
            return "timed out"
        behind = [life for life in self._world.lives.values() if life.ready and selector.items() <= life.labels.items()]
        if not behind:
            return "Connection refused"
        faults = [self.path_fault(source, life) for life in behind]
        return None if None in faults else faults[0]

    def _host_port_fault(self, source: Life, address: str, port: int) -> str | None:
        behind = next((life for life in self._world.lives.values() if port in self._open_on(life, address)), None)
        if behind is None or self._faults.read().breaks(source.node, "host-port"):
            return "Connection refused"
        return self.path_fault(source, behind)

    def _open_on(self, life: Life, address: str) -> list[int]:
        machine = self._world.machines.get(life.node)
        if machine is None or machine.address != address:
            return []
        return [port.get("hostPort") for each in life.pod["spec"]["containers"] for port in each.get("ports") or []]

    def path_fault(self, source: Life, target: Life) -> str | None:
        """The reason why a request of one pod gets no answer from the other; None if it gets one."""
        if not target.ready:
            return "Connection refused"
        if self._faults.read().breaks(source.node, target.node):
            return "timed out"
        here, there = self._world.machines[source.node], self._world.machines.get(target.node)
        if there is None or not there.on:
            return "No route to host"
        for network in {_network_of(here, source.address), _network_of(there, target.address)}:
            for machine in (here, there):
                works = (
                    machine.cilium_works if network is Network.CILIUM else self._flannel_carries(machine, here, there)
                )
                down = network is Network.CILIUM and self._faults.read().node(machine.name).tunnel_down
                if (not works or down) and here is not there:
                    return f"timed out: {network} carries nothing on {machine.name}"
        return None

    @staticmethod
    def _flannel_carries(machine: Machine, here: Machine, there: Machine) -> bool:
        # In a cluster that never had a CNI pods always reach each other.
        return machine.flannel_works or not (here.had_cni or there.had_cni)
