"""The inspection of a node, and the stored result for all nodes."""

import gzip
import json
import os
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.operations.deadline import OperationError
from components.operations.node_inspection import own_addresses, own_devices, parts, telling
from components.operations.our_pods.node_shell import script
from components.operations.snapshot import NodeFacts, is_of_facts
from components.providers.node_inspection import NodeInspectionProvider
from stacks.config import parse_config
from tests.builders import make_cilium
from tests.turns.api import Client, Objects

SCRIPT = script("inspect_network")
BUILT_WITH = Path("/proc/config.gz")


def test_only_routes_of_neither_cni_are_kept() -> None:
    routes = [
        ["10.0.0.0/8", "eth1"],
        ["10.244.0.0/24", "cni0"],
        ["10.244.1.0/24", "flannel.1"],
        ["10.245.0.0/24", "cilium_host"],
        ["172.20.0.0/14", "eth0"],
    ]
    kept = telling(routes, blocks={"10.244.0.0/24", "10.244.1.0/24"})
    assert kept == [["10.0.0.0/8", "eth1"], ["172.20.0.0/14", "eth0"]]


def test_routes_to_pods_and_to_services_are_not_kept_and_of_very_many_hosts_their_networks_are() -> None:
    own = [["10.7.1.5/32", "cali12"], ["fd00:10:96::1/128", "kube-ipvs0"], ["fd00:7::/64", "eth1"]]
    assert telling(own, blocks=set()) == [["fd00:7::/64", "eth1"]]
    vpn = [[f"100.64.{number // 256}.{number % 256}/32", "tailscale0"] for number in range(400)]
    assert telling([*vpn, ["fd7a::1/128", "tailscale0"], ["10.8.0.0/16", "wg0"]], blocks=set()) == [
        ["100.64.0.0/24", "tailscale0"], ["100.64.1.0/24", "tailscale0"], ["fd7a::/64", "tailscale0"],
        ["10.8.0.0/16", "wg0"],
    ]  # fmt: skip


def test_devices_of_pods_are_not_kept() -> None:
    seen = {"eth0": 1500, "flannel.1": 1450, "cni0": 1450, "veth3f": 1450, "lxc_health": 1500, "cilium_host": 1500}
    assert own_devices(seen) == {"eth0": 1500, "flannel.1": 1450, "cni0": 1450, "cilium_host": 1500}


def test_addresses_of_pods_of_services_and_of_cilium_are_not_kept() -> None:
    seen = [
        ["cilium_host", "10.245.0.9/32"],
        ["eth0", "172.30.0.11/24"],
        ["eth0", "172.30.0.100/32"],
        ["kube-ipvs0", "10.96.0.1/32"],
        ["nodelocaldns", "169.254.20.10/32"],
        ["veth3f", "10.9.0.1/24"],
    ]
    assert [each[1] for each in own_addresses(seen)] == ["172.30.0.11/24", "172.30.0.100/32", "169.254.20.10/32"]


def test_facts_of_many_nodes_are_kept_in_several_config_maps() -> None:
    data = {f"worker-{number}": "x" * 900 for number in range(3000)}
    found = parts(data)
    assert {node: text for part in found for node, text in part.items()} == data
    assert all(sum(len(node) + len(text) for node, text in part.items()) < 2**20 for part in found)
    assert len(found) == 4
    assert parts({}) == [{}]
    assert [is_of_facts(name) for name in ("facts", "facts-3", "facts-x", "record")] == [True, True, False, False]


def test_facts_of_an_earlier_version_are_read() -> None:
    old: dict[str, Any] = {"cni_conf": [], "interfaces": {}, "routes": [], "udp_ports": []}
    assert NodeFacts.read(old).kernel_lacks == ()
    assert NodeFacts.read(old).rp_filter is None
    assert NodeFacts.read(old).addresses == NodeFacts.read(old).further_routes == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="a namespace of its own for processes needs root")
def test_what_the_script_sees_is_how_this_machine_is() -> None:
    own = ["unshare", "--pid", "--fork", "--mount-proc"]
    done = subprocess.run([*own, "python3", "-c", SCRIPT], capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert seen["rp_filter"] == int(Path("/proc/sys/net/ipv4/conf/all/rp_filter").read_text())
    built = gzip.decompress(BUILT_WITH.read_bytes()).decode() if BUILT_WITH.exists() else ""
    if built:
        assert ("GENEVE" in seen["kernel_lacks"]) == ("CONFIG_GENEVE=" not in built)
        assert "BPF_SYSCALL" not in seen["kernel_lacks"]


@pytest.mark.skipif(os.geteuid() != 0, reason="devices of a network namespace of its own need root")
def test_every_address_of_a_device_is_seen_that_others_could_reach() -> None:
    make = """
        ip link set lo up
        ip link add nodelocaldns type bridge
        ip address add 169.254.20.10/32 dev nodelocaldns
        ip link add eth9 type bridge
        ip link set eth9 up
        ip address add 172.30.0.11/24 dev eth9
        ip address add 172.30.0.100/32 dev eth9
        ip address add fd00::7/64 dev eth9 nodad
        ip link add p0 type bridge
        ip address add 10.9.0.1 peer 10.9.0.2/32 dev p0
    """
    asked = SCRIPT.split("\nprint(")[0] + "\nprint(json.dumps(addresses()))"
    commands = "set -e\n" + make + 'exec python3 -c "$0"'
    done = subprocess.run(["unshare", "--net", "sh", "-c", commands, asked], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [
        ["eth9", "172.30.0.100/32"], ["eth9", "172.30.0.11/24"], ["eth9", "fd00::7/64"],
        ["nodelocaldns", "169.254.20.10/32"], ["p0", "10.9.0.1/32"],
    ]  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="routes of a network namespace of its own need root")
def test_routes_of_both_families_and_of_all_tables_are_seen() -> None:
    make = """
        ip link set lo up
        for name in a b; do ip link add eth$name type bridge; ip link set eth$name up; done
        ip address add 172.30.0.11/24 dev etha
        ip address add fd00:30::11/64 dev etha nodad
        ip route add default via 172.30.0.1
        ip -6 route add default via fd00:30::1
        ip route add 10.60.0.0/16 via 172.30.0.1
        ip -6 route add fd00:60::/48 via fd00:30::1
        ip -6 route add unreachable fd00:64::/64
        ip route add blackhole 10.61.0.0/26
        ip address add 172.31.0.11/24 dev ethb
        ip route add 10.62.0.0/16 nexthop via 172.30.0.1 nexthop via 172.31.0.1
        ip route add 10.63.0.0/16 dev ethb table 52
        ip -6 route add fd00:63::/64 dev ethb table 1000
        ip route add default dev ethb table 52
    """
    asked = SCRIPT.split("\nprint(")[0] + "\nprint(json.dumps([routes(), routes(further=True)]))"
    script = "set -e\n" + make + 'exec python3 -c "$0"'
    done = subprocess.run(["unshare", "--net", "sh", "-c", script, asked], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [
        [
            ["10.60.0.0/16", "etha"], ["10.61.0.0/26", "*"], ["10.62.0.0/16", "etha"], ["10.62.0.0/16", "ethb"],
            ["172.30.0.0/24", "etha"], ["172.31.0.0/24", "ethb"], ["fd00:30::/64", "etha"], ["fd00:60::/48", "etha"],
            ["fd00:64::/64", "lo"],
        ],
        [["10.63.0.0/16", "ethb"], ["fd00:63::/64", "ethb"]],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "live", "told"),
    [
        ({"phase": "secondary"}, None, "node worker-2 reads CNI confs in /k3s/net.d, not in /etc/cni/net.d (1 of 3"),
        ({"phase": "preflight"}, None, ""),
        ({"phase": "secondary"}, {"tunnel-port": "8473"}, ""),
        ({"phase": "secondary", "acknowledge": {"cni-folders": "tried by hand"}}, None, ""),
        ({"phase": "secondary", "cilium": {"values": {"cni": {"confPath": "/k3s/net.d"}}}}, None,
         "node worker-1 reads CNI confs in /etc/cni/net.d, not in /k3s/net.d (1 of 3"),
    ],
)  # fmt: skip
def test_cilium_is_not_installed_with_folders_that_the_same_run_finds_wrong(
    settings: dict[str, Any], live: dict[str, str] | None, told: str
) -> None:
    facts: dict[str, Any] = {
        "worker-1": {"cni_folders": ["/etc/cni/net.d"], "cni_binaries": []},
        "worker-2": {"cni_folders": ["/k3s/net.d"]},
        "worker-3": {"cni_folders": []},
    }
    config, objects = parse_config(settings), Objects()
    if live is not None:
        item = {"metadata": {"name": "cilium-config", "namespace": "kube-system"}, "data": live}
        objects.add("/api/v1/namespaces/kube-system/configmaps", item)
    cilium = make_cilium(**settings.get("cilium", {}))
    provider = NodeInspectionProvider()
    provider.__dict__["work"] = SimpleNamespace(config=config, cluster=Client(objects), cilium=lambda: cilium)
    if told:
        with pytest.raises(OperationError, match=re.escape(told)):
            provider._assert_folders(facts)
    else:
        provider._assert_folders(facts)


@pytest.mark.skipif(os.geteuid() != 0, reason="devices of a network namespace of its own need root")
def test_bridges_tunnels_and_what_is_down_are_told_apart() -> None:
    make = (
        "mount -t sysfs sysfs /sys; ip link add lan type bridge; ip link set lan up; "
        "ip link add far type vxlan id 9 dstport 4789 local 127.0.0.1; ip link set far up; "
        "ip tuntap add dev mesh mode tun; ip link set mesh up; ip tuntap add dev off mode tap; "
        "ip link add one type veth peer name two; ip link set one up; ip link set two up\n"
    )
    asked = SCRIPT.split("\nprint(")[0] + "\nprint(json.dumps(kinds()))"
    script = "set -e\n" + make + 'exec python3 -c "$0"'
    own = ["unshare", "--net", "--mount", "sh", "-c", script, asked]
    found = json.loads(subprocess.run(own, capture_output=True, text=True, check=True).stdout)
    assert found.items() >= {"lan": "bridge", "far": "tunnel", "mesh": "tunnel", "off": "down", "lo": "down"}.items()
    assert "one" not in found
