"""Simulates the life of pods on simulated nodes: start, address, the effects of their program, end."""

import asyncio
import traceback
from collections.abc import Coroutine
from typing import Any

from scripts.lab.simulated.client import Api, Object
from scripts.lab.simulated.faults import FaultFile
from scripts.lab.simulated.networks.cilium import Cilium
from scripts.lab.simulated.networks.flannel import Flannel
from scripts.lab.simulated.nodes import pod_status
from scripts.lab.simulated.nodes.commands import SCRIPT_LABEL, Commands
from scripts.lab.simulated.world import Life, World

_LOOK_SECONDS = 0.2
_STAYS_LABEL = "simulated/stays"


class Pods:
    """Simulates every pod that is bound to a node."""

    def __init__(
        self, world: World, api: Api, faults: FaultFile, *, cilium: Cilium, flannel: Flannel, commands: Commands
    ) -> None:
        self._world = world
        self._api = api
        self._faults = faults
        self._cilium = cilium
        self._flannel = flannel
        self._commands = commands

    def saw(self, pod: Object) -> None:
        """Handle a new or changed pod."""
        if not pod["spec"].get("nodeName"):
            return
        life = self._world.lives.get(pod["metadata"]["uid"])
        if life is None:
            life = self._world.lives[pod["metadata"]["uid"]] = Life(pod=pod)
            self._adopt(life) if life.phase not in ("", "Pending") else self._begin(life)
        version = int(pod["metadata"]["resourceVersion"])
        if version < life.version:
            return  # an event older than the simulator's own last write
        life.pod = pod
        if life.deleting:
            if life.ending is None:
                life.ending = self._task(life, self._end(life))
        elif life.ready and version > life.version and not pod_status.is_ready(pod):
            # The controllers mark pods of an absent node as not Ready; its kubelet corrects that.
            self._task(life, self._show(life, ready=True))

    def gone(self, pod: Object) -> None:
        """Handle a removed pod."""
        life = self._world.lives.pop(pod["metadata"]["uid"], None)
        if life:
            life.stop()
            self._world.take_address(life)
            if life.is_agent:
                self._cilium.stop(life)

    def restart(self, node: str) -> None:
        """Restart every pod of a node that was away; pods with restartPolicy Never have failed."""
        self.halt(node)
        for life in self._world.of_node(node):
            if life.deleting or life.phase in ("Succeeded", "Failed"):
                continue
            if life.pod["spec"].get("restartPolicy") == "Never":
                self._task(life, self._finish(life, exit_code=255))
            else:
                self._begin(life)

    def halt(self, node: str) -> None:
        """Stop everything on the node, without a report to the API server yet."""
        for life in self._world.of_node(node):
            if life.beginning:
                life.beginning.cancel()
            life.ready = False
            self._world.take_address(life)

    def _adopt(self, life: Life) -> None:
        """Take over a pod that ran before this simulator was started."""
        life.runs, life.ready = 1, pod_status.is_ready(life.pod)
        address = (life.pod.get("status") or {}).get("podIP")
        if address and not life.host_network:
            self._world.keep_address(life, address)
        if life.is_operator:
            self._task(life, self._cilium.operate(life))

    def _begin(self, life: Life) -> None:
        life.beginning = self._task(life, self._live(life))

    def _task(self, life: Life, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=life.title)
        task.add_done_callback(report)
        return task

    async def _live(self, life: Life) -> None:
        if life.runs:
            await self._show_waiting(life, reason="ContainerCreating")
        await self._stay(life)
        if life.host_network:
            life.address = (await self._world.until(life.node, lambda machine: machine.on)).address
        else:
            machine = await self._world.until(life.node, lambda each: bool(each.block))
            while not self._world.give_address(life, machine.block):
                await asyncio.sleep(1)
                machine = await self._world.until(life.node, lambda each: bool(each.block))
        life.runs += 1
        if life.is_flannel:
            await self._flannel.start(life)
        if life.is_agent:
            await self._be_agent(life)
            return
        if SCRIPT_LABEL in life.labels:
            await self._run_script(life)
            return
        await self._show(life, ready=True)
        if life.is_operator:
            await self._cilium.operate(life)
        if any(owner["kind"] == "Job" for owner in life.pod["metadata"].get("ownerReferences") or []):
            await self._finish(life, exit_code=0)

    async def _stay(self, life: Life) -> None:
        """Wait as long as something keeps the pod from starting; a label can keep it from starting for ever."""
        fault = self._faults.read().pod(life.title)
        await asyncio.sleep(fault.start_seconds)
        while stays := life.labels.get(_STAYS_LABEL) or self._faults.read().pod(life.title).stays:
            if stays == "crashing":
                life.runs = max(life.runs, 4)
                await self._show_waiting(life, reason="CrashLoopBackOff")
            while (life.labels.get(_STAYS_LABEL) or self._faults.read().pod(life.title).stays) == stays:
                await asyncio.sleep(3600 if _STAYS_LABEL in life.labels else _LOOK_SECONDS)

    async def _be_agent(self, life: Life) -> None:
        async def not_ready(why: str) -> None:
            await (self._show_waiting(life, reason=why) if why else self._show(life, ready=False))

        settings = await self._cilium.start(life, not_ready)
        await self._show(life, ready=True)
        await self._cilium.take_over(life, settings)

    async def _run_script(self, life: Life) -> None:
        await self._show(life, ready=True)
        outcome = self._commands.run_script(life)
        life.log = outcome.output + outcome.error
        await self._finish(life, exit_code=outcome.exit_code)

    async def _end(self, life: Life) -> None:
        if life.beginning:
            life.beginning.cancel()
        if life.is_agent:
            self._cilium.stop(life)
        fault = self._faults.read().pod(life.title)
        await asyncio.sleep(fault.terminate_seconds)
        while self._faults.read().pod(life.title).stuck_terminating:
            await asyncio.sleep(_LOOK_SECONDS)
        if life.node in self._world.machines:
            await self._world.until(life.node, lambda machine: machine.on)
        await self._api.delete_now(life.path, uid=life.uid)

    async def _show(self, life: Life, *, ready: bool) -> None:
        host = self._world.machines[life.node].address
        life.ready = ready
        await self._patch(
            life, pod_status.running(life.pod, address=life.address, host=host, runs=life.runs, ready=ready)
        )

    async def _show_waiting(self, life: Life, *, reason: str) -> None:
        host = self._world.machines[life.node].address
        life.ready = False
        await self._patch(
            life, pod_status.waiting(life.pod, address=life.address, host=host, runs=life.runs, reason=reason)
        )

    async def _finish(self, life: Life, *, exit_code: int) -> None:
        life.ready = False
        await self._patch(life, pod_status.finished(life.pod, exit_code=exit_code, runs=life.runs))
        self._world.take_address(life)

    async def _patch(self, life: Life, status: Object) -> None:
        body = {"metadata": {"uid": life.uid}, "status": status}
        answer = await self._api.merge(f"{life.path}/status", body)
        if answer:
            life.pod, life.version = answer, int(answer["metadata"]["resourceVersion"])


def report(task: asyncio.Task[None]) -> None:
    """Write a task's exception to the simulator's log."""
    if not task.cancelled() and (error := task.exception()):
        print(f"{task.get_name()}:", *traceback.format_exception(error), flush=True)
