"""CNI confs that are recognised by the plugins that they name, and those that are not."""

from collections.abc import Mapping
from typing import Any

import pytest

from components.sources.facts.workload import conf_on_nodes
from components.unrecognised import unknown_confs
from tests.builders import FLANNEL, make_facts, make_snapshot

OWN = {"10-flannel.conflist": ("flannel", "portmap")}
MULTUS = {
    "metadata": {"namespace": "kube-system", "name": "multus"},
    "spec": {"template": {"spec": {"containers": [{"name": "m", "image": "example.org/multus-cni:v4"}]}}},
}


def seen(plugins: Mapping[str, tuple[str, ...]] | None, *names: str, **fields: Any) -> list[tuple[str, bool, int]]:
    facts = make_facts(cni_conf=tuple(sorted({*(plugins or {}), *names})), cni_plugins=plugins)
    snapshot = make_snapshot(facts={"worker-1": facts, "worker-2": facts}, **fields)
    source = FLANNEL.model_copy(update={"conf": conf_on_nodes(snapshot, "flannel")})
    return [(each.name, each.first, len(each.nodes)) for each in unknown_confs(snapshot, source)]


@pytest.mark.parametrize(
    "plugins",
    [
        OWN,
        {"00-renamed.conflist": ("flannel", "portmap")},
        {**OWN, "05-cilium.conflist": ("cilium-cni",)},
        {**OWN, "200-loopback.conflist": ("loopback",)},
        {**OWN, "00-loopback.conf": ("loopback",)},
        {**OWN, "87-podman-bridge.conflist": ("bridge", "portmap", "firewall", "tuning")},
        {**OWN, "100-crio-bridge.conflist": ("bridge",)},
        {**OWN, "10-kindnet.conf": ("ptp",)},
    ],
    ids=str,
)
def test_they_are_placed(plugins: Mapping[str, tuple[str, ...]]) -> None:
    assert seen(plugins) == []


@pytest.mark.parametrize(
    ("plugins", "told"),
    [
        ({**OWN, "20-acme.conflist": ("acme-net",)}, ("20-acme.conflist", False, 2)),
        ({**OWN, "00-acme.conflist": ("acme-net",)}, ("00-acme.conflist", True, 2)),
        ({**OWN, "00-bridge.conf": ("bridge",)}, ("00-bridge.conf", True, 2)),
        ({**OWN, "20-broken.conf": ()}, ("20-broken.conf", False, 2)),
        ({**OWN, "00-multus.conf": ("multus",)}, ("00-multus.conf", True, 2)),
        ({**OWN, "30-mesh.conflist": ("bridge", "acme-mesh")}, ("30-mesh.conflist", False, 2)),
        ({**OWN, "90-sriov.json": ("sriov",)}, ("90-sriov.json", False, 2)),
    ],
    ids=str,
)
def test_they_are_not(plugins: Mapping[str, tuple[str, ...]], told: tuple[str, bool, int]) -> None:
    assert seen(plugins) == [told]


def test_what_is_no_conf_is_left_alone() -> None:
    assert seen(OWN, "calico-kubeconfig", "10-old.conflist.cilium_bak", "multus.d", "README") == []


def test_a_plugin_that_its_daemon_set_tells_is_placed() -> None:
    assert seen({**OWN, "00-multus.conf": ("multus-shim",)}, daemon_sets=(MULTUS,)) == []


def test_a_node_that_an_earlier_version_looked_at_has_names_alone() -> None:
    assert seen(None, "10-flannel.conflist", "20-acme.conflist") == [("20-acme.conflist", False, 2)]


def test_a_chained_plugin_does_not_make_a_conf_the_old_cnis() -> None:
    facts = make_facts(cni_conf=("20-x.conflist",), cni_plugins={"20-x.conflist": ("bridge", "flannel-meter")})
    assert conf_on_nodes(make_snapshot(facts={"worker-1": facts}), "flannel") == ()
