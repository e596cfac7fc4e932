"""The layout of the lab: names, addresses, networks. Everything else is derived from it."""

import hashlib
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import TypedDict

from pydantic import BaseModel, ConfigDict, Field

CONTROL_PLANE = "control-plane"


class Machine(BaseModel):
    """One machine of the lab: the control plane or a node."""

    model_config = ConfigDict(frozen=True)

    name: str
    address: IPv4Address
    port: str
    """The name of the bridge's end of its cable."""

    @property
    def hardware_address(self) -> str:
        """The MAC address, derived from the IP address so that it survives reboots, as a real card's does."""
        return "02:1a:" + ":".join(f"{octet:02x}" for octet in self.address.packed)


class Unusual(TypedDict, total=False):
    """Non-default settings of a lab; each is a field of its layout."""

    lan: IPv4Network
    pods: IPv4Network
    conf_folder: str
    nftables: bool


class Layout(BaseModel):
    """The layout of one lab."""

    model_config = ConfigDict(frozen=True)

    lab_id: str
    node_count: int = Field(default=3, ge=1, le=40)
    source: str = "flannel"
    """The CNI that the cluster starts with, by its name in sources.py."""
    lan: IPv4Network = IPv4Network("172.30.0.0/24")
    pods: IPv4Network = IPv4Network("10.244.0.0/16")
    services: IPv4Network = IPv4Network("10.96.0.0/16")
    dns: IPv4Address = IPv4Address("10.96.0.10")
    conf_folder: str = "/etc/cni/net.d"
    """The CNI conf folder of the nodes' container runtimes and of the first CNI."""
    nftables: bool = False
    """True if Flannel masquerades with nftables instead of iptables."""
    api_port: int = 6443
    cluster_domain: str = "cluster.local"

    @property
    def gateway(self) -> IPv4Address:
        """The bridge's own address; nothing is routed beyond it."""
        return self.lan[1]

    @property
    def api_service(self) -> IPv4Address:
        """The address of the `kubernetes` Service."""
        return self.services[1]

    @property
    def control_plane(self) -> Machine:
        """The machine with etcd, the API server, the controller manager and the scheduler."""
        return Machine(name=CONTROL_PLANE, address=self.lan[10], port="port0")

    @property
    def nodes(self) -> tuple[Machine, ...]:
        """The worker nodes."""
        return tuple(
            Machine(name=f"worker-{number}", address=self.lan[10 + number], port=f"port{number}")
            for number in range(1, self.node_count + 1)
        )

    @property
    def machines(self) -> tuple[Machine, ...]:
        """All machines, in the order in which they start."""
        return (self.control_plane, *self.nodes)

    @property
    def api_server(self) -> str:
        """The API server's address for nodes and pods."""
        return f"https://{self.control_plane.address}:{self.api_port}"


def lab_id(folder: Path) -> str:
    """A short name that differs between checkouts, so that the remains of one lab are never mistaken for another's."""
    return f"lab-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:6]}"
