"""Unrecognised nodes: vendors' builds, nodes without an agent, and routes through unknown devices."""

from dataclasses import replace
from typing import Any

import pytest

from components.addresses import register_of
from components.operations.objects.model import Controller, Pod
from components.operations.objects.node_state import NodeState
from components.unrecognised import unknown_nodes, unknown_routes
from tests.builders import FLANNEL, make_facts, make_node, make_pod, make_snapshot

NODES = tuple(make_node(f"worker-{number}") for number in (1, 2))


def told_of(version: str, **fields: Any) -> list[str]:
    state = NodeState(kubelet_version=version)
    snapshot = make_snapshot(nodes=NODES, node_states={"worker-1": state, "worker-2": state}, **fields)
    return [each.build for each in unknown_nodes(snapshot, FLANNEL)]


@pytest.mark.parametrize(
    "version", ["v1.36.4", "1.33.0", "v1.34.0-rc.1", "v1.34.0-alpha.3", "v1.34.0-beta.0", "", "v1.33.1+k3s1"]
)
def test_builds_that_are_plain_or_of_a_distribution_that_is_known(version: str) -> None:
    assert told_of(version) == []


@pytest.mark.parametrize("version", ["v1.33.1+acme.3", "v1.32.4-vendor.1", "v1.31.0-12+abcdef0123", "unversioned"])
def test_builds_of_nobodys(version: str) -> None:
    (build,) = told_of(version)
    assert build in version


def agent(number: int) -> Pod:
    controller = Controller(kind="DaemonSet", name="kube-flannel-ds")
    node = f"worker-{number}"
    return replace(make_pod(f"agent-{number}"), namespace="kube-flannel", node=node, controller=controller)


def test_a_node_that_the_old_cni_left_out_is_told() -> None:
    (found,) = unknown_nodes(make_snapshot(nodes=NODES, pods=(agent(1),)), FLANNEL)
    assert found.nodes == ("worker-2",)
    assert not found.build
    assert not list(unknown_nodes(make_snapshot(nodes=NODES, pods=(agent(1), agent(2))), FLANNEL))


ETH = ("eth0", "172.30.0.11/24")


@pytest.mark.parametrize(
    ("route", "addresses", "told"),
    [
        (("10.9.0.0/16", "wg0"), (ETH,), True),
        (("10.9.0.0/16", "wg0"), (ETH, ("wg0", "10.9.0.2/16")), False),
        (("10.9.0.0/16", "wg0"), (ETH, ("wg0", "10.9.0.2/32")), True),
        (("10.9.0.0/16", "tun0"), (ETH, ("tun0", "10.8.0.2/24")), True),
        (("10.9.0.0/16", "ovs-br"), (ETH,), True),
        (("10.9.0.0/16", "eth1"), (ETH, ("eth1", "192.168.56.2/24")), True),
        (("192.168.56.0/24", "eth1"), (ETH, ("eth1", "192.168.56.2/24")), False),
        (("10.9.0.0/16", "eth0"), (ETH,), False),
        (("172.17.0.0/16", "docker0"), (ETH, ("docker0", "172.17.0.1/16")), False),
        (("10.244.3.0/24", "flannel.1"), (ETH,), False),
        (("10.244.3.7/32", "veth12ab"), (ETH,), False),
        (("10.244.9.0/24", "gre1"), (ETH,), False),
        (("fd00:9::/64", "wg0"), (ETH,), True),
        (("fd00:9::/64", "wg0"), (ETH, ("wg0", "fd00:9::2/64")), False),
        (("10.9.0.0/16", "wg0"), (), False),
        (("10.9.0.0/16", "*"), (ETH,), False),
        (("169.254.0.0/16", "eth1"), (ETH,), False),
        (("0.0.0.0/1", "tun0"), (ETH,), True),
    ],
    ids=str,
)
def test_routes(route: tuple[str, str], addresses: tuple[tuple[str, str], ...], told: bool) -> None:
    facts = make_facts(routes=(route,), addresses=addresses, default_devices=("eth0",))
    snapshot = make_snapshot(nodes=NODES, facts={"worker-1": facts, "worker-2": facts})
    found = list(unknown_routes(snapshot, FLANNEL, register_of(snapshot, FLANNEL)))
    wanted = [(route[1], (route[0],), ("worker-1", "worker-2"))] if told else []
    assert [(each.device, each.networks, each.nodes) for each in found] == wanted


def test_many_networks_through_one_device_are_one_thing() -> None:
    routes = tuple((f"10.9.{number}.0/24", "wg0") for number in range(200))
    facts = make_facts(routes=routes, addresses=(ETH,), default_devices=("eth0",))
    snapshot = make_snapshot(nodes=NODES, facts={"worker-1": facts})
    (found,) = unknown_routes(snapshot, FLANNEL, register_of(snapshot, FLANNEL))
    assert len(found.networks) == 200
