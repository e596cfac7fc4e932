"""The settings chosen for a cluster, and their stability."""

import json
from dataclasses import replace
from typing import Any

import pytest

from stacks.addresses import Register
from stacks.config import parse_config
from stacks.sections.cilium import CiliumSettings
from stacks.settle import Cilium, ClusterNetwork, OldNetwork, SettleError, settle
from stacks.values import live_settings, migration_values
from tests.builders import in_use

FLANNEL = OldNetwork(
    title="Flannel", encapsulation="vxlan", udp_port=8472, links=("flannel.1", "cni0"), pod_networks=("10.244.0.0/16",)
)
CLUSTER = ClusterNetwork(
    old=FLANNEL,
    nodes=3,
    addresses=Register(in_use("10.244.0.0/16", "10.96.0.0/16")),
)
SEEN = {f"worker-{number}": {"eth0": 1500} for number in (1, 2, 3)}


def settled(cluster: ClusterNetwork = CLUSTER, **settings: Any) -> Cilium:
    return settle(parse_config({"cilium": settings}).cilium, cluster)


def routed(*networks: str, likely: bool = False) -> ClusterNetwork:
    return replace(CLUSTER, addresses=Register([*CLUSTER.addresses.entries, *in_use(*networks, likely=likely)]))


def test_a_small_cluster_gets_the_usual_network() -> None:
    found = settled()
    assert (found.pod_cidr, found.node_mask_size) == ("10.245.0.0/16", 24)
    assert (found.tunnel_protocol, found.tunnel_port) == ("vxlan", 8473)
    assert (found.chaining, found.pod_cidr_v6, found.node_config_version) == ("none", None, "cilium.io/v2")
    assert "Flannel has 8472" in found.reasons["tunnel_port"]


@pytest.mark.parametrize(
    ("cluster", "pool", "mask"),
    [
        (routed("10.245.3.0/24"), "10.246.0.0/16", 24),
        (routed("10.245.0.0/16", "10.246.0.0/15", "10.248.0.0/13"), "10.243.0.0/16", 24),
        (routed("10.0.0.0/8"), "172.31.0.0/16", 24),
        (routed("10.0.0.0/8", "172.16.0.0/12"), "100.127.0.0/16", 24),
        (routed("10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10"), "192.168.0.0/16", 24),
        (routed("10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10", "192.168.1.0/24"), "192.168.128.0/17", 24),
        (replace(CLUSTER, nodes=1000), "10.224.0.0/12", 24),
        (replace(CLUSTER, nodes=64), "10.245.0.0/16", 24),
        (replace(CLUSTER, nodes=65), "10.246.0.0/15", 24),
        (replace(CLUSTER, most_pods=250), "10.246.0.0/15", 23),
        (replace(CLUSTER, most_pods=32), "10.245.0.0/16", 24),
        (routed("10.240.0.0/12", likely=True), "10.239.0.0/16", 24),
    ],
)
def test_the_pool_is_free_and_has_room_to_grow(cluster: ClusterNetwork, pool: str, mask: int) -> None:
    found = settled(cluster)
    assert (found.pod_cidr, found.node_mask_size) == (pool, mask)


def test_a_cluster_without_a_free_range_is_told_so() -> None:
    everything = routed("10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10", "192.168.0.0/16")
    with pytest.raises(SettleError, match=r"no private range is free for 3 nodes of /24 each: set cilium\.podCidr"):
        settled(everything)
    assert settled(everything, podCidr="198.18.0.0/16").pod_cidr == "198.18.0.0/16"


@pytest.mark.parametrize(
    ("settings", "taken", "port"),
    [
        ({}, {8473: "pod shop/game"}, 8474),
        ({}, {8473: "node a", 8474: "node b"}, 8475),
        ({"tunnelProtocol": "geneve"}, {}, 6081),
        ({"tunnelProtocol": "geneve"}, {6081: "node a"}, 6082),
        ({"tunnelPort": 9000}, {9000: "node a"}, 9000),
    ],
)
def test_the_port_is_nobodys(settings: dict[str, Any], taken: dict[int, str], port: int) -> None:
    found = settled(replace(CLUSTER, udp_ports=taken), **settings)
    assert found.tunnel_port == port
    for used, user in taken.items():
        assert used == port or f"{used} is in use by {user}" in found.reasons["tunnel_port"]


def test_the_old_networks_port_is_never_taken() -> None:
    old = replace(FLANNEL, udp_port=8473)
    assert settled(replace(CLUSTER, old=old)).tunnel_port == 8474


@pytest.mark.parametrize(
    ("version", "uplinks", "links", "devices", "mtu", "pods"),
    [
        ("1.19.7", SEEN, ("flannel.1",), ("!flannel.1", "!cali+", "!veth+"), None, 1450),
        ("1.20.2", {}, ("vxlan.calico",), ("!vxlan.calico", "!cali+", "!veth+"), None, None),
        ("1.19.7", {"a": {"eth0": 9001}, "b": {"eth0": 1500}}, ("flannel.1",), ("!flannel.1", "!cali+", "!veth+"), 1500,
         1450),
        ("1.18.6", SEEN, ("flannel.1",), ("eth0",), 1500, 1450),
        ("1.16.19", {"a": {"ens3": 8900}, "b": {"eth0": 8900, "eth1": 8900}}, ("flannel.1",), ("ens3", "eth0", "eth1"),
         8900, 8850),
        ("1.18.6", {}, ("flannel.1",), (), None, None),
        ("1.18.6", SEEN, (), (), None, 1450),
        ("1.19.7", SEEN, ("cni0",), (), None, 1450),
    ],
)  # fmt: skip
def test_the_old_networks_link_is_no_way_out(
    version: str, uplinks: dict[str, dict[str, int]], links: tuple[str, ...], devices: tuple[str, ...],
    mtu: int | None, pods: int | None,
) -> None:  # fmt: skip
    cluster = replace(CLUSTER, old=replace(FLANNEL, links=links), uplinks=uplinks)
    found = settled(cluster, version=version)
    assert (found.devices, found.mtu, found.pods_mtu) == (devices, mtu, pods)


@pytest.mark.parametrize(
    ("encapsulation", "old_mtu", "mtu"),
    [
        ("vxlan", 1450, None),
        ("vxlan", 1370, 1420),
        ("ipip", 1480, None),
        ("ipip", 1440, 1460),
        ("ipip-cross-subnet", 1480, None),
        ("ipip-cross-subnet", 1440, 1460),
        ("vxlan-cross-subnet", 1350, 1400),
        ("vxlan-cross-subnet", 1450, None),
        ("routes", 1500, None),
        ("routes", 1400, 1400),
        ("host-gw", 1376, 1376),
        ("none", 1500, None),
        ("wireguard", 1440, None),
        ("wireguard", 1420, None),
        ("wireguard", 1400, 1460),
        ("udp", 1472, None),
        ("ipsec", 1438, 1438),
        ("geneve", 1400, 1450),
    ],
)
def test_packets_are_no_larger_than_the_old_network_is_known_to_carry(
    encapsulation: str, old_mtu: int, mtu: int | None
) -> None:
    old = replace(FLANNEL, encapsulation=encapsulation, mtu=old_mtu)
    assert settled(replace(CLUSTER, old=old, uplinks=SEEN)).mtu == mtu


def test_host_ports_are_chained() -> None:
    found = settled(replace(CLUSTER, host_ports=("shop/edge", "shop/game")))
    assert found.chaining == "portmap"
    assert "shop/edge and 1 more" in found.reasons["chaining"]


def test_a_dual_stack_cluster_gets_a_pool_of_each_family() -> None:
    old = replace(FLANNEL, pod_networks=("10.244.0.0/16", "fd00:10:244::/56"))
    found = settled(replace(routed("fd00:10:245::/112"), old=old))
    assert found.pools == ("10.245.0.0/16", "fd00:10:246::/104")
    assert found.node_mask_size_v6 == 120
    assert settled(replace(CLUSTER, old=old), podCidrV6="fd00:1::/64").node_mask_size_v6 == 80


def test_families_cannot_change() -> None:
    with pytest.raises(SettleError, match=r"cilium\.podCidrV6 is set, but pods of Flannel have no IPv6"):
        settled(podCidrV6="fd00:1::/104")
    with pytest.raises(SettleError, match="IPv6 addresses alone"):
        settled(replace(CLUSTER, old=replace(FLANNEL, pod_networks=("fd00:10:244::/56",))))


@pytest.mark.parametrize(
    ("version", "served", "wanted"),
    [
        ("1.15.9", (), "cilium.io/v2alpha1"),
        ("1.16.0", (), "cilium.io/v2"),
        ("1.20.0-rc.1", (), "cilium.io/v2"),
        ("1.19.7", ("cilium.io/v2alpha1",), "cilium.io/v2alpha1"),
        ("1.19.7", ("cilium.io/v2alpha1", "cilium.io/v2"), "cilium.io/v2"),
    ],
)
def test_the_node_config_is_of_a_version_that_is_served(version: str, served: tuple[str, ...], wanted: str) -> None:
    assert settled(replace(CLUSTER, node_config_versions=served), version=version).node_config_version == wanted


def written_down(cilium: Cilium) -> dict[str, Any]:
    """The record after it was in a ConfigMap."""
    return dict(json.loads(json.dumps(cilium.record())))


def test_what_was_settled_stays_while_it_is_free() -> None:
    before = settled()
    later = replace(CLUSTER, nodes=200, most_pods=60, recorded=written_down(before))
    assert settled(later).record() == before.record()


@pytest.mark.parametrize(
    ("now", "setting"),
    [
        (replace(CLUSTER, nodes=300), "pod_cidr"),
        (routed("10.245.7.0/24"), "pod_cidr"),
        (replace(CLUSTER, most_pods=250), "node_mask_size"),
        (replace(CLUSTER, udp_ports={8473: "node a"}), "tunnel_port"),
        (replace(CLUSTER, host_ports=("shop/edge",)), "chaining"),
    ],
)
def test_before_cilium_is_there_what_no_longer_fits_is_settled_anew(now: ClusterNetwork, setting: str) -> None:
    before = settled()
    after = settled(replace(now, recorded=written_down(before)))
    assert getattr(after, setting) != getattr(before, setting)
    assert getattr(after, setting) == getattr(settled(now), setting)


def test_what_runs_stays_whatever_the_cluster_has_become() -> None:
    installed = settled(replace(CLUSTER, host_ports=("shop/edge",)))
    live = live_settings(migration_values(installed))
    old = replace(FLANNEL, udp_port=8473, links=(), pod_networks=("10.245.0.0/16", "fd00::/64"))
    now = ClusterNetwork(
        old=old, nodes=4000, most_pods=500, addresses=Register(in_use("10.0.0.0/8")),
        uplinks={"a": {"eth9": 900}}, udp_ports={8473: "node a"}, live=live, recorded=written_down(installed),
    )  # fmt: skip
    assert settled(now).record() == installed.record()
    without_record = settled(replace(now, recorded={}))
    assert live_settings(migration_values(without_record)) == live
    assert set(without_record.reasons.values()) >= {"Cilium runs with it (ConfigMap cilium-config)"}


def test_what_an_older_version_installed_is_left_as_it_is() -> None:
    live = {"cluster-pool-ipv4-cidr": "10.245.0.0/16", "cluster-pool-ipv4-mask-size": "24", "tunnel-port": "8473"}
    found = settled(replace(CLUSTER, uplinks=SEEN, live=live, host_ports=("shop/edge",)), version="1.18.6")
    assert (found.devices, found.mtu, found.chaining, found.pod_cidr_v6) == ((), None, "none", None)


def test_a_record_alone_is_enough_where_the_cluster_is_not_read() -> None:
    old = replace(FLANNEL, pod_networks=("10.244.0.0/16", "fd00:10:244::/56"))
    cluster = replace(CLUSTER, old=old, nodes=700, host_ports=("shop/edge",))
    before = settled(cluster, tunnelPort=9000)
    bare = ClusterNetwork(old=OldNetwork(title="Flannel"), recorded=written_down(before))
    after = settled(bare, tunnelPort=9000)
    kept = (
        "pod_cidr",
        "node_mask_size",
        "pod_cidr_v6",
        "node_mask_size_v6",
        "tunnel_protocol",
        "tunnel_port",
        "chaining",
    )
    assert [getattr(after, each) for each in kept] == [getattr(before, each) for each in kept]


def test_the_users_own_is_not_written_down() -> None:
    assert {"pod_cidr", "tunnel_port"}.isdisjoint(settled(podCidr="10.9.0.0/16", tunnelPort=9000).record())
    assert settled(podCidr="10.9.0.0/16").reasons["pod_cidr"] == "set as cilium.podCidr in the config"


def test_a_mask_that_the_pool_leaves_no_room_for_is_longer() -> None:
    assert settled(podCidr="10.9.0.0/26").node_mask_size == 27
    assert isinstance(settled(), CiliumSettings)
