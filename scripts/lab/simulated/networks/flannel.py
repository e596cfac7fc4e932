"""A simulation of Flannel: its pod's start, which writes the CNI conf and annotates the Node object."""

import json
from typing import Any

from scripts.lab.simulated.client import Api
from scripts.lab.simulated.nodes.machines import flannel_started
from scripts.lab.simulated.world import Life, World

_PREFIX = "flannel.alpha.coreos.com"


class Flannel:
    """The daemons of the cluster's Flannel."""

    def __init__(self, world: World, api: Api) -> None:
        self._world = world
        self._api = api

    async def start(self, life: Life) -> None:
        """Start one daemon with its current settings."""
        backend = await self._backend(life)
        vxlan = backend.get("Type") == "vxlan"
        machine = await self._world.until(life.node, lambda each: each.on and bool(each.source_block))
        interface = f"flannel.{backend.get('VNI') or 1}" if vxlan else "flannel0"
        port = int(backend.get("Port") or 8472) if vxlan else None
        self._world.change(flannel_started(machine, interface=interface, port=port))
        annotations = {
            f"{_PREFIX}/backend-type": str(backend.get("Type")),
            f"{_PREFIX}/kube-subnet-manager": "true",
            f"{_PREFIX}/public-ip": machine.address,
        }
        await self._api.merge(f"/api/v1/nodes/{life.node}", {"metadata": {"annotations": annotations}})

    async def _backend(self, life: Life) -> dict[str, Any]:
        for volume in life.pod["spec"].get("volumes") or []:
            if name := (volume.get("configMap") or {}).get("name"):
                found = await self._api.find(f"/api/v1/namespaces/{life.namespace}/configmaps/{name}")
                text = ((found or {}).get("data") or {}).get("net-conf.json")
                if text:
                    return dict(json.loads(text).get("Backend") or {})
        return {"Type": "vxlan"}
