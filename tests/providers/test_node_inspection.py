"""What is seen on a node, and what is kept of a look at all of them."""

import gzip
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.operations.node_inspection import own_devices, parts, telling
from components.operations.snapshot import NodeFacts, is_of_facts
from scripts.lab.paths import CHECKOUT

SCRIPT = CHECKOUT / "components/operations/on_node/inspect_network.py"
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


def test_devices_of_pods_are_not_kept() -> None:
    seen = {"eth0": 1500, "flannel.1": 1450, "cni0": 1450, "veth3f": 1450, "lxc_health": 1500, "cilium_host": 1500}
    assert own_devices(seen) == {"eth0": 1500, "flannel.1": 1450, "cni0": 1450, "cilium_host": 1500}


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


@pytest.mark.skipif(os.geteuid() != 0, reason="a namespace of its own for processes needs root")
def test_what_the_script_sees_is_how_this_machine_is() -> None:
    own = ["unshare", "--pid", "--fork", "--mount-proc"]
    done = subprocess.run([*own, "python3", str(SCRIPT)], capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert seen["rp_filter"] == int(Path("/proc/sys/net/ipv4/conf/all/rp_filter").read_text())
    built = gzip.decompress(BUILT_WITH.read_bytes()).decode() if BUILT_WITH.exists() else ""
    if built:
        assert ("GENEVE" in seen["kernel_lacks"]) == ("CONFIG_GENEVE=" not in built)
        assert "BPF_SYSCALL" not in seen["kernel_lacks"]
