"""A simulation of Cilium: its agents' effects on their machines, and its operator's work."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from scripts.lab.simulated.client import Api, Object
from scripts.lab.simulated.faults import FaultFile
from scripts.lab.simulated.nodes.machines import AgentSettings, agent_started, agent_stopped, conf_taken_over
from scripts.lab.simulated.world import Life, World
from scripts.lab.toolchain.build import download_module
from scripts.lab.toolchain.parts import CILIUM_VERSION

_KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_NODES = "/apis/cilium.io/v2/ciliumnodes"
_DEFINITIONS = "pkg/k8s/apis/cilium.io/client/crds"
_LOOK_SECONDS = 0.2
# The operator's taint on nodes whose agent is scheduled but not Ready (cilium: operator/watchers/node_taint.go).
_TAINT = {"key": "node.cilium.io/agent-not-ready", "effect": "NoSchedule"}


def settings_of(live: Mapping[str, str], node_configs: list[Object], labels: Mapping[str, str]) -> AgentSettings:
    """An agent's settings at its start, from the ConfigMap and the CiliumNodeConfigs that select its node."""
    texts = dict(live)
    for item in sorted(node_configs, key=lambda each: str(each["metadata"]["name"])):
        selector = item["spec"].get("nodeSelector") or {}
        if (selector.get("matchLabels") or {}).items() <= labels.items():
            texts |= item["spec"].get("defaults") or {}
    kept = texts.get("write-cni-conf-when-ready", "") if texts.get("custom-cni-conf") != "true" else ""
    return AgentSettings(
        conf=kept.rpartition("/")[2],
        exclusive=texts.get("cni-exclusive") == "true",
        tunnel_protocol=texts.get("tunnel-protocol") or "vxlan",
        tunnel_port=int(texts.get("tunnel-port") or 8472),
    )


class Cilium:
    """The agents and the operator of the cluster's Cilium."""

    def __init__(self, world: World, api: Api, faults: FaultFile) -> None:
        self._world = world
        self._api = api
        self._faults = faults
        self._registered = asyncio.Event()
        self._giving = asyncio.Lock()
        self._pool: list[str] = []
        self._block_size = 24
        self._given: dict[str, str] = {}
        self._taints = False

    async def operate(self, life: Life) -> None:
        """Run the operator: register Cilium's kinds, then give every agent's node its block."""
        live = await self._live(life.namespace)
        self._pool = live.get("cluster-pool-ipv4-cidr", "").split()
        self._block_size = int(live.get("cluster-pool-ipv4-mask-size") or 24)
        self._taints = live.get("set-cilium-node-taints") == "true"
        if not self._registered.is_set():
            await self._register()
            self._registered.set()

    async def _register(self) -> None:
        module = await asyncio.to_thread(download_module, "github.com/cilium/cilium", f"v{CILIUM_VERSION}")
        texts = [file.read_bytes() for file in sorted((module / _DEFINITIONS).glob("v2*/*.yaml"))]
        await asyncio.gather(*(self._api.ensure(_KINDS, text) for text in texts))
        while True:
            kinds = {each["name"] for each in ((await self._api.find("/apis/cilium.io/v2")) or {}).get("resources", [])}
            if {"ciliumnodes", "ciliumnodeconfigs"} <= kinds:
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def _live(self, namespace: str) -> dict[str, str]:
        found = await self._api.find(f"/api/v1/namespaces/{namespace}/configmaps/cilium-config")
        return (found or {}).get("data") or {}

    async def start(self, life: Life, not_ready: Callable[[str], Awaitable[None]]) -> AgentSettings:
        """Start an agent until it is Ready; `not_ready` reports the reason for a delay to the API server."""
        await self._say_closed(life.node, closed=self._taints)
        fault = self._faults.read().node(life.node)
        while fault.agent:
            await not_ready("CrashLoopBackOff" if fault.agent == "crashing" else "")
            stood = fault.agent
            while (fault := self._faults.read().node(life.node)).agent == stood:
                await asyncio.sleep(_LOOK_SECONDS)
        settings = await self._settings(life)
        await not_ready("")
        await self._registered.wait()
        block = await self._block(life)
        await asyncio.sleep(fault.agent_ready_seconds)
        machine = await self._world.until(life.node, lambda each: each.on)
        self._world.change(agent_started(machine, settings, block=block))
        await self._say_closed(life.node, closed=False)
        return settings

    async def _say_closed(self, name: str, *, closed: bool) -> None:
        """Set the operator's taint as long as the node's agent is not Ready."""
        node = await self._api.find(f"/api/v1/nodes/{name}")
        taints = ((node or {}).get("spec") or {}).get("taints") or []
        others = [each for each in taints if each["key"] != _TAINT["key"]]
        if node and closed != (len(others) < len(taints)):
            await self._api.merge(
                f"/api/v1/nodes/{name}", {"spec": {"taints": [*others, *([_TAINT] if closed else [])]}}
            )

    async def take_over(self, life: Life, settings: AgentSettings) -> None:
        """A Ready agent's next action: it makes its conf the only one, if its settings say so."""
        if settings.conf:
            while self._faults.read().node(life.node).conf_never_written:
                await asyncio.sleep(_LOOK_SECONDS)
            self._world.change(conf_taken_over(self._world.machines[life.node], settings))

    def stop(self, life: Life) -> None:
        """Stop the agent of a node."""
        others = [each for each in self._world.of_node(life.node) if each.is_agent and each.ready and each is not life]
        machine = self._world.machines.get(life.node)
        if machine and not others:
            self._world.change(agent_stopped(machine))

    async def _settings(self, life: Life) -> AgentSettings:
        path = f"/apis/cilium.io/v2/namespaces/{life.namespace}/ciliumnodeconfigs"
        live, node, configs = await asyncio.gather(
            self._live(life.namespace), self._api.get(f"/api/v1/nodes/{life.node}"), self._api.find(path)
        )
        return settings_of(live, (configs or {}).get("items") or [], node["metadata"].get("labels") or {})

    async def _block(self, life: Life) -> str:
        """The node's block of the pool, from its CiliumNode."""
        path = f"{_NODES}/{life.node}"
        while True:
            found = await self._api.find(path)
            blocks: list[str] = ((found or {}).get("spec", {}).get("ipam") or {}).get("podCIDRs") or []
            if blocks:
                return blocks[0]
            async with self._giving:
                free = self._free_block()
                if free:
                    self._given[life.node] = free
                    await self._api.ensure(_NODES, await self._cilium_node(life.node, free))
                    return free
            await asyncio.sleep(1)

    def _free_block(self) -> str:
        machines = self._world.machines
        taken = {each.cilium_block for each in machines.values()}
        taken |= {block for name, block in self._given.items() if name in machines}
        for pool in self._pool:
            for block in ipaddress.ip_network(pool).subnets(new_prefix=self._block_size):
                if str(block) not in taken:
                    return str(block)
        return ""

    async def _cilium_node(self, name: str, block: str) -> dict[str, Any]:
        node = await self._api.get(f"/api/v1/nodes/{name}")
        owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": node["metadata"]["uid"]}
        address = {"type": "InternalIP", "ip": self._world.machines[name].address}
        return {
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumNode",
            "metadata": {"name": name, "ownerReferences": [owner]},
            "spec": {"addresses": [address], "ipam": {"podCIDRs": [block]}},
        }
