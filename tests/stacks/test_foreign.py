"""Devices of nodes that are no way to the other nodes: left out, or counted in the size of packets."""

from dataclasses import replace
from typing import Any

import pytest

from components.settling import cluster_network
from stacks.config import parse_config
from stacks.settle import Cilium, ClusterNetwork, OldNetwork, settle
from stacks.settle.other_devices import is_taken
from tests.builders import FLANNEL, make_facts, make_node, make_snapshot

OWN = ("172.30.0.0/24", "eth0")


def of_facts(*, internal: str = "172.30.0.11", **facts: Any) -> ClusterNetwork:
    """A cluster of one node that was looked at."""
    node = make_node("worker-1", internal_addresses=(internal,))
    seen = {"interfaces": {"lo": 65536, "eth0": 1500, "flannel.1": 1450, "cni0": 1450, **facts.pop("interfaces", {})}}
    facts = {"routes": (OWN,), "default_devices": ("eth0",), **facts}
    snapshot = make_snapshot(nodes=(node,), facts={"worker-1": make_facts(**seen, **facts)})
    return cluster_network(snapshot, FLANNEL)


def settled(cluster: ClusterNetwork, **settings: Any) -> Cilium:
    return settle(parse_config({"cilium": settings}).cilium, cluster)


def routed(**devices: str) -> tuple[tuple[str, str], ...]:
    """The node's own route, and one for each device."""
    return (OWN, *((network, name) for name, network in devices.items()))


@pytest.mark.parametrize(
    ("interfaces", "routes"),
    [
        ({"tailscale0": 1280}, ()),
        ({"tailscale0": 1280}, (("100.64.0.0/10", "tailscale0"),)),
        ({"wg0": 1420}, (("10.9.0.0/24", "wg0"),)),
        ({"wg-home": 1420}, ()),
        ({"wt0": 1280}, ()),
        ({"ztabcdefgh": 2800}, (("10.147.17.0/24", "ztabcdefgh"),)),
        ({"tun0": 1500}, (("10.8.0.0/24", "tun0"),)),
        ({"nebula1": 1300}, ()),
        ({"ppp0": 1492}, ()),
        ({"wireguard.cali": 1440}, ()),
        ({"vxlan.calico": 1410}, (("10.9.0.0/24", "vxlan.calico"),)),
        ({"tap0": 1400}, (("10.8.0.0/24", "tap0"),)),
        ({"gre1": 1476}, (("10.9.0.0/24", "gre1"),)),
    ],
    ids=str,
)
def test_tunnels_of_others_are_left_out(interfaces: dict[str, int], routes: tuple[tuple[str, str], ...]) -> None:
    found = settled(of_facts(interfaces=interfaces, routes=(OWN, *routes)))
    (name,) = interfaces
    assert f"!{name}" in found.devices
    assert not is_taken(name, found.devices)
    assert (found.mtu, found.pods_mtu) == (None, 1450)
    assert name in found.reasons["devices"]


def test_links_of_virtual_machines_are_not_listed_one_by_one() -> None:
    assert settled(of_facts(interfaces={"tap4f1c-22": 1400})).devices == ("!flannel.1", "!cali+", "!veth+")


def test_an_older_cilium_is_told_its_devices() -> None:
    cluster = replace(of_facts(interfaces={"tailscale0": 1280}), old=OldNetwork(title="kindnet"))
    found = settled(cluster, version="1.18.6")
    assert (found.devices, found.mtu, found.pods_mtu) == (("eth0",), 1500, 1450)


@pytest.mark.parametrize(
    "interfaces",
    [
        {"docker0": 1400}, {"virbr0": 1400}, {"br-0f3d": 1400}, {"podman1": 1400}, {"cni-podman0": 1400},
        {"lxcbr0": 1400}, {"veth0": 1400}, {"cali1234": 1400},
    ],
    ids=str,
)  # fmt: skip
def test_what_cilium_passes_over_is_not_counted(interfaces: dict[str, int]) -> None:
    (name,) = interfaces
    found = settled(of_facts(interfaces=interfaces, routes=(OWN, ("10.9.0.0/24", name))))
    assert found.devices == ("!flannel.1", "!cali+", "!veth+")
    assert (found.mtu, found.pods_mtu) == (None, 1450)


@pytest.mark.parametrize("name", ["eth1", "ens4", "bond1.200", "ib0", "storage"])
def test_other_devices_of_the_node_are_counted(name: str) -> None:
    route = (OWN, ("10.9.0.0/24", name))
    smaller = settled(of_facts(interfaces={name: 1400}, routes=route))
    assert (smaller.mtu, smaller.pods_mtu) == (1400, 1350)
    larger = settled(of_facts(interfaces={name: 9000}, routes=route))
    assert (larger.mtu, larger.pods_mtu) == (None, 1450)
    unused = settled(of_facts(interfaces={name: 1400}))
    assert (unused.mtu, unused.pods_mtu) == (None, 1450)


@pytest.mark.parametrize(
    ("internal", "facts"),
    [
        ("100.64.3.7", {"routes": (("100.64.0.0/10", "tailscale0"),)}),
        ("100.64.3.7", {"routes": ()}),
        ("172.30.0.11", {"default_devices": ("tailscale0",)}),
    ],
    ids=["its network", "no route is seen", "the way out"],
)
def test_a_vpn_between_the_nodes_is_their_way(internal: str, facts: dict[str, Any]) -> None:
    found = settled(of_facts(internal=internal, interfaces={"tailscale0": 1280}, **facts))
    assert "!tailscale0" not in found.devices
    assert found.pods_mtu == 1230


def test_the_ends_of_pods_in_a_clouds_network_are_left_out_beside_a_list() -> None:
    aws = OldNetwork(title="AWS VPC CNI", encapsulation="routes")
    interfaces = {"eth0": 9001, "eni0a1b2c3d": 9001, "tailscale0": 1280}
    pods = (OWN, ("172.30.0.77/32", "eni0a1b2c3d"))
    found = settled(replace(of_facts(interfaces=interfaces, routes=pods), old=aws))
    assert found.devices == ("!tailscale0", "!cali+", "!veth+", "!eni+")
    assert found.pods_mtu == 8951
    del interfaces["tailscale0"]
    assert settled(replace(of_facts(interfaces=interfaces, routes=pods), old=aws)).devices == ()


@pytest.mark.parametrize("name", ["br0", "vmbr0", "br-ex", "ovsbr1"])
def test_a_node_whose_own_device_is_a_bridge_is_told_its_mtu(name: str) -> None:
    """Cilium would find none, and packets of 65520 bytes would be cut or lost."""
    route = (("172.30.0.0/24", name),)
    found = settled(of_facts(interfaces={name: 1500}, routes=route, default_devices=(name,)))
    assert (found.mtu, found.pods_mtu) == (1500, 1450)


def test_what_an_installed_cilium_takes_is_counted() -> None:
    cluster = of_facts(interfaces={"tailscale0": 1280})
    live = {"cluster-pool-ipv4-cidr": "10.245.0.0/16", "devices": "!flannel.1 !cali+ !veth+"}
    assert settled(replace(cluster, live=live)).pods_mtu == 1230
    assert settled(replace(cluster, live={**live, "devices": "!flannel.1 !tailscale+"})).pods_mtu == 1450
    assert settled(replace(cluster, live={**live, "devices": "eth+"})).pods_mtu == 1450


@pytest.mark.parametrize(
    ("name", "devices", "taken"),
    [
        ("eth0", (), True), ("eth0", ("eth0",), True), ("eth1", ("eth0",), False), ("eth1", ("eth+",), True),
        ("wg0", ("!wg0",), False), ("wg1", ("!wg0",), True), ("wg1", ("!wg+",), False),
        ("eth0", ("!wg+", "eth0"), True),
    ],
)  # fmt: skip
def test_a_list_of_devices_is_read_as_cilium_reads_it(name: str, devices: tuple[str, ...], taken: bool) -> None:
    assert is_taken(name, devices) is taken
