"""The machine of a simulated node: its visible state, and the transitions by scripts, agents and pods.

A machine is plain data; every transition returns the new machine. Nothing here waits.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from scripts.lab.simulated.networks.cni_conf import run_on_conf

BACKUP = ".cilium_bak"
FLANNEL_CONF = "10-flannel.conflist"
_ACTIVE = (".conf", ".conflist", ".json")
_BARE_INTERFACES = {"lo": 65536, "eth0": 1500}
_VXLAN_OVERHEAD = 50
UP, DOWN = "0x1003", "0x1002"


class Network(StrEnum):
    """The network that a machine's next pod gets its address from."""

    FLANNEL = "flannel"
    CILIUM = "cilium"
    BARE = "bare"  # there never was a CNI: pods still get addresses of the node's own block
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class AgentSettings:
    """Settings that a Cilium agent read at its start; with an empty `conf` it leaves the CNI conf alone."""

    conf: str
    exclusive: bool
    tunnel_protocol: str
    tunnel_port: int


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One machine; `kept_conf` is the CNI conf that its running agent keeps in place."""

    name: str
    address: str
    boot_id: str
    source_block: str = ""
    cilium_block: str = ""
    conf: frozenset[str] = frozenset()
    had_cni: bool = False
    interfaces: Mapping[str, int] = field(default_factory=lambda: dict(_BARE_INTERFACES))
    udp_ports: frozenset[int] = frozenset()
    flannel: str = ""
    tunnel: str = ""
    agent: bool = False
    kept_conf: str = ""
    exclusive: bool = True
    on: bool = True

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "Machine":
        """Parse the result of `stored`."""
        sets = {key: frozenset(stored[key]) for key in ("conf", "udp_ports")}
        return cls(**{**stored, **sets})

    @property
    def stored(self) -> dict[str, Any]:
        """The machine as JSON data."""
        return {**self.__dict__, "conf": sorted(self.conf), "udp_ports": sorted(self.udp_ports)}

    @property
    def active_conf(self) -> list[str]:
        """The CNI confs that the container runtime reads; it uses the first."""
        return sorted(name for name in self.conf if name.endswith(_ACTIVE))

    @property
    def network(self) -> Network:
        """The network of the next pod."""
        if not self.active_conf:
            return Network.NONE if self.had_cni else Network.BARE
        return Network.CILIUM if "cilium" in self.active_conf[0] else Network.FLANNEL

    @property
    def block(self) -> str:
        """The block of the next pod's address; empty if no pod can start."""
        if not self.on:
            return ""
        if self.network is Network.CILIUM:
            return self.cilium_block if self.agent else ""
        if self.network is Network.FLANNEL:
            return self.source_block if self.flannel else ""
        return self.source_block if self.network is Network.BARE else ""

    @property
    def ready(self) -> bool:
        """True if its kubelet reports Ready: it runs, and has a CNI conf if there ever was one."""
        return self.on and self.network is not Network.NONE

    @property
    def flannel_works(self) -> bool:
        """True if Flannel's overlay carries packets."""
        return self.on and bool(self.flannel) and self.flannel in self.interfaces

    @property
    def cilium_works(self) -> bool:
        """True if Cilium's overlay carries packets, which it also does without its agent."""
        return self.on and bool(self.tunnel) and self.tunnel in self.interfaces


def _settled(machine: Machine) -> Machine:
    """The CNI conf folder after a running agent has reacted to a change."""
    if not (machine.on and machine.agent and machine.kept_conf):
        return machine
    others = machine.active_conf if machine.exclusive else []
    aside = {name: f"{name}{BACKUP}" for name in others if name != machine.kept_conf}
    conf = {aside.get(name, name) for name in machine.conf} | {machine.kept_conf}
    return replace(machine, conf=frozenset(conf), had_cni=True)


def flannel_started(machine: Machine, *, interface: str, port: int | None) -> Machine:
    """Flannel's pod has overwritten its conf and brought up its device."""
    mtu = machine.interfaces["eth0"] - _VXLAN_OVERHEAD
    return _settled(
        replace(
            machine,
            conf=machine.conf | {FLANNEL_CONF},
            had_cni=True,
            flannel=interface,
            interfaces={**machine.interfaces, interface: mtu, "cni0": mtu},
            udp_ports=machine.udp_ports | ({port} if port else set()),
        )
    )


def flannel_insists(machine: Machine) -> Machine:
    """Flannel's conf is back, unnoticed by the agent."""
    return replace(machine, conf=machine.conf | {FLANNEL_CONF}, had_cni=True)


def agent_started(machine: Machine, settings: AgentSettings, *, block: str) -> Machine:
    """The agent has brought up its devices; without its tunnel device if the tunnel's port is taken."""
    device = f"cilium_{settings.tunnel_protocol}"
    interfaces = {**machine.interfaces, "cilium_host": 1500, "cilium_net": 1500, "lxc_health": 1500}
    ports = machine.udp_ports
    if device in interfaces or settings.tunnel_port not in ports:
        interfaces[device] = 1500
        ports |= {settings.tunnel_port}
    return replace(
        machine,
        agent=True,
        cilium_block=block,
        tunnel=device,
        interfaces=interfaces,
        udp_ports=ports,
        kept_conf="",
        exclusive=settings.exclusive,
    )


def conf_taken_over(machine: Machine, settings: AgentSettings) -> Machine:
    """The working agent has written its CNI conf and set aside all others, if its settings say so."""
    return _settled(replace(machine, kept_conf=settings.conf))


def agent_stopped(machine: Machine) -> Machine:
    """The agent has stopped; its devices, routes and conf stay."""
    return replace(machine, agent=False, kept_conf="")


def conf_restored(machine: Machine, cilium_conf: str) -> tuple[Machine, str]:
    """The machine after a run of `restore_cni_conf.py` on its files, and the script's error, if any."""
    conf, wrong = run_on_conf(machine.conf, cilium_conf)
    return _settled(replace(machine, conf=conf)), wrong


def flannel_swept(machine: Machine, links: Collection[str]) -> Machine:
    """The machine after the sweep of components/operations/removal/sweep.py with Flannel's interfaces."""
    kept = {name: mtu for name, mtu in machine.interfaces.items() if name not in links}
    conf = frozenset(name for name in machine.conf if "flannel" not in name)
    return _settled(replace(machine, interfaces=kept, conf=conf, flannel=""))


def switched_off(machine: Machine) -> Machine:
    """The machine is powered off; nothing runs on it."""
    return replace(machine, on=False)


def booted(machine: Machine, *, boot_id: str) -> Machine:
    """The machine has booted: files on disk are kept, everything else must be set up again."""
    return replace(
        machine,
        on=True,
        boot_id=boot_id,
        interfaces=dict(_BARE_INTERFACES),
        udp_ports=frozenset(),
        flannel="",
        tunnel="",
        agent=False,
        kept_conf="",
    )


def seen_on(machine: Machine, everyone: Iterable[Machine], *, nodes: str) -> dict[str, Any]:
    """The output of `inspect_network.py`; like the real CNIs, each has a route to the block of every node."""
    routes = [[nodes, "eth0"]]
    for other in everyone:
        if machine.flannel_works and other.source_block and other.had_cni:
            routes.append([other.source_block, "cni0" if other.name == machine.name else machine.flannel])
        if "cilium_host" in machine.interfaces and other.cilium_block:
            routes.append([other.cilium_block, "cilium_host"])
    return {
        "cni_conf": sorted(machine.conf),
        "default_devices": ["eth0"],
        "interfaces": dict(sorted(machine.interfaces.items())),
        "routes": sorted(routes),
        "udp_ports": sorted(machine.udp_ports),
        "boot_id": machine.boot_id,
    }
