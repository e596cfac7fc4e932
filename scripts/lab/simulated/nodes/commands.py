"""Simulated commands and scripts of the program: their output, and their effect on a machine."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from scripts.lab.simulated.faults import FaultFile
from scripts.lab.simulated.networks.flows import Flows
from scripts.lab.simulated.nodes.machines import DOWN, UP, conf_restored, flannel_insists, flannel_swept, seen_on
from scripts.lab.simulated.world import NODE_NETWORK, Life, World

SCRIPT_LABEL = "cni-live-migration/node-shell"
_CONF_FOLDER = "/host/etc/cni/net.d"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The output and exit code of a command."""

    output: str = ""
    error: str = ""
    exit_code: int = 0


class Commands:
    """All simulated commands; `reboot` is called with the node to reboot."""

    def __init__(self, world: World, flows: Flows, faults: FaultFile, *, reboot: Callable[[str], None]) -> None:
        self._world = world
        self._flows = flows
        self._faults = faults
        self._reboot = reboot

    async def run(self, life: Life, command: list[str]) -> Outcome:
        """Run a command in a container of the pod."""
        match command:
            case ["ls", "-1", folder] if life.is_agent and folder == _CONF_FOLDER:
                self._let_flannel_insist(life.node)
                return Outcome(output="".join(f"{name}\n" for name in sorted(self._world.machines[life.node].conf)))
            case ["cat", file] if life.is_agent and file.startswith("/sys/class/net/"):
                return self._flags(life.node, file.split("/")[4])
            case ["sh", "-c", _, "sweep", links, *_] if life.is_agent:
                self._world.change(flannel_swept(self._world.machines[life.node], links.split()))
                return Outcome(output="left:\n")
            case ["python3", file, targets, seconds] if file.endswith("/reach.py"):
                outcomes = await self._flows.reach(life, json.loads(targets), seconds=float(seconds))
                return Outcome(output=f"{json.dumps(outcomes)}\n")
        return Outcome(error=f"{' '.join(command)[:80]}: not simulated\n", exit_code=127)

    def run_script(self, life: Life) -> Outcome:
        """Run the script of a node-shell pod; its name says which."""
        scripts: dict[str, Callable[[Life], Outcome]] = {
            "inspect-network": self._inspect,
            "restore-cni-conf": self._restore,
            "reboot": self._request_reboot,
            "sweep-tables": lambda _: Outcome(output='{"removed": [], "left": []}\n'),
        }
        for name, script in scripts.items():
            if life.name.startswith(f"{name}-"):
                self._let_flannel_insist(life.node)
                return script(life)
        return Outcome(error=f"script of pod {life.title}: not simulated", exit_code=127)

    def _let_flannel_insist(self, node: str) -> None:
        machine = self._world.machines[node]
        if self._faults.read().node(node).flannel_insists and machine.flannel:
            self._world.change(flannel_insists(machine))

    def _flags(self, node: str, device: str) -> Outcome:
        if device not in self._world.machines[node].interfaces:
            file = f"/sys/class/net/{device}/flags"
            return Outcome(error=f"cat: {file}: No such file or directory\n", exit_code=1)
        return Outcome(output=f"{DOWN if self._faults.read().node(node).tunnel_down else UP}\n")

    def _inspect(self, life: Life) -> Outcome:
        machines = self._world.machines
        return Outcome(output=json.dumps(seen_on(machines[life.node], machines.values(), nodes=NODE_NETWORK)))

    def _restore(self, life: Life) -> Outcome:
        machine, wrong = conf_restored(self._world.machines[life.node], life.command[3])
        self._world.change(machine)
        if wrong:
            return Outcome(error=wrong, exit_code=1)
        return Outcome(output=json.dumps(sorted(self._world.machines[life.node].conf)))

    def _request_reboot(self, life: Life) -> Outcome:
        self._reboot(life.node)
        return Outcome(output='"requested"')
