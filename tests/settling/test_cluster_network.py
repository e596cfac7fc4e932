"""Facts read from the cluster to settle Cilium's network."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.checks import CATALOGUE, Context, run_checks
from components.operations.demands.quantities import Room
from components.operations.objects.node_state import NodeState
from components.operations.objects.services import Service
from components.operations.our_pods.node_shell import script
from components.plan import MigrationPlan
from components.settling import cluster_network, settled, settled_by_record, uplinks
from stacks.config import parse_config
from stacks.sections.cilium import CiliumSettings
from tests.builders import FLANNEL, make_context, make_facts, make_node, make_pod, make_snapshot, secondary

SERVICE = Service(
    namespace="shop", name="web", addresses=("10.43.7.7",), families=("IPv4",), balanced=False, local_only=False,
    selector={},
)  # fmt: skip
INTERFACES = {"lo": 65536, "eth0": 1500, "eth1": 9000, "flannel.1": 1450, "cni0": 1450}


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({"routes": (("172.30.0.0/24", "eth1"),), "default_devices": ("eth0",)}, {"eth1": 9000, "eth0": 1500}),
        ({"routes": (("172.30.0.0/24", "eth0"), ("172.16.0.0/12", "eth1"))}, {"eth0": 1500}),
        ({"routes": (("10.9.0.0/16", "eth1"),), "default_devices": ("eth0",)}, {"eth0": 1500}),
        ({"routes": (("172.30.0.0/24", "flannel.1"), ("172.30.0.0/24", "cilium_host"))}, {}),
        ({"routes": (("172.30.0.0/24", "gone0"),)}, {}),
    ],
)
def test_uplinks_lead_to_the_nodes_own_address_and_out(facts: dict[str, Any], found: dict[str, int]) -> None:
    seen = make_facts(interfaces=INTERFACES, **facts)
    assert uplinks(make_node("worker-1"), seen, old_links=("flannel.1",)) == found


def test_everything_that_matters_is_read() -> None:
    snapshot = make_snapshot(
        service_networks=(),
        services=(SERVICE,),
        pods=(
            make_pod("edge", host_ports=(80,)),
            make_pod("over", host_ports=(81,), phase="Succeeded"),
            make_pod("game", udp_host_ports=(8473,)),
            make_pod("cilium-x", udp_host_ports=(8474,), labels={"k8s-app": "cilium"}),
        ),
        node_states={"worker-1": NodeState(room=Room(pods=110)), "worker-2": NodeState(room=Room(pods=250))},
        facts={"worker-1": make_facts(interfaces=INTERFACES, routes=(("172.30.0.0/24", "eth0"),), udp_ports=(53,))},
        node_config_versions=("cilium.io/v2",),
    )
    found = cluster_network(snapshot, FLANNEL)
    assert (found.nodes, found.most_pods, found.host_ports) == (3, 250, ("default/edge",))
    assert found.udp_ports == {53: "node worker-1", 8473: "pod default/game"}
    assert found.uplinks == {"worker-1": {"eth0": 1500}}
    assert [str(each) for each in found.addresses.known(likely=True)] == ["10.32.0.0/12"]
    assert {"10.244.0.0/16", "10.43.7.7/32", "172.30.0.11/32", "10.244.2.0/24", "172.30.0.0/24"} <= {
        str(each) for each in found.addresses.known(likely=False)
    }
    assert (found.old.links, found.old.mtu, found.live) == (("flannel.1", "cni0"), 1450, None)


def test_what_was_settled_has_no_findings_whatever_is_in_the_way() -> None:
    snapshot = make_snapshot(
        facts={
            "worker-1": make_facts(),
            "worker-2": make_facts(routes=(("10.245.3.0/24", "tun0"),), udp_ports=(8473,)),
            "worker-3": make_facts(),
        },
        pods=(make_pod("edge", host_ports=(80,)),),
    )
    context = make_context(snapshot, phase="secondary")
    assert (context.cilium.pod_cidr, context.cilium.tunnel_port) == ("10.246.0.0/16", 8474)
    assert not run_checks(CATALOGUE, context)


def test_a_record_gives_what_the_whole_cluster_gave() -> None:
    before = settled(CiliumSettings(), snapshot=make_snapshot(), source=FLANNEL)
    after = settled_by_record(CiliumSettings(), title="Flannel", recorded=before.record(), live=None)
    assert (after.pods_mtu, after.pools, after.tunnel_port) == (None, before.pools, before.tunnel_port)


def test_the_preview_says_it_in_one_line_when_cilium_is_about_to_come() -> None:
    def lines(phase: str, **fields: Any) -> list[str]:
        snapshot = secondary() if phase == "migrate" else make_snapshot(**fields)
        config = parse_config({"phase": phase})
        plan = MigrationPlan(context=Context(config=config, source=FLANNEL, snapshot=snapshot), findings=())
        return [line.text for line in plan.lines(at_once=4)]

    seen = {"worker-1": make_facts(interfaces=INTERFACES, routes=(("172.30.0.0/24", "eth0"),))}
    (line,) = lines("secondary", facts=seen)
    assert line == (
        "Cilium 1.19.7 comes beside Flannel: pool 10.245.0.0/16 in blocks of /24, vxlan on UDP 8473, packets of up to "
        "1450 bytes; `.venv/bin/python -m scripts.plan` says why"
    )
    assert "packet size by each node's device" in lines("secondary")[0]
    assert lines("preflight") == lines("migrate") == []


def test_a_nodes_default_routes_are_seen(tmp_path: Path) -> None:
    program = script("inspect_network")
    (tmp_path / "route").write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
        "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\n"
        "eth1\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"
    )
    zero, gateway = "0" * 32, "fe80" + "0" * 27 + "1"
    (tmp_path / "ipv6_route").write_text(
        f"{zero} 00 {zero} 00 {gateway} 00000400 00000001 00000000 00000003     eth2\n"
        f"{zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n"
    )
    asked = (
        program.replace("/proc/net/", f"{tmp_path}/").split("\nprint(")[0] + "\nprint(json.dumps(default_devices()))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["eth0", "eth2"]
