from copy import deepcopy
from typing import Any

import pytest

from components.sources import SourceError, describe, source_of
from stacks.config import parse_config
from tests.builders import FLANNEL, FLANNEL_CONFIG_MAP, FLANNEL_DAEMON_SET, make_snapshot


def with_settings(text: str) -> dict[str, Any]:
    config_map: dict[str, Any] = deepcopy(FLANNEL_CONFIG_MAP)
    config_map["data"]["net-conf.json"] = text
    return config_map


def test_flannel_is_described_with_its_evidence() -> None:
    found = describe(make_snapshot())
    assert found.model_dump(exclude={"evidence"}) == FLANNEL.model_dump(exclude={"evidence"})
    assert "DaemonSet kube-flannel/kube-flannel-ds" in found.evidence


@pytest.mark.parametrize(
    ("text", "port", "interface"),
    [
        ('{"Network": "10.42.0.0/16", "Backend": {"Type": "vxlan", "Port": 4789, "VNI": 4096}}', 4789, "flannel.4096"),
        ('{"Network": "10.42.0.0/16", "Backend": {"Type": "host-gw"}}', None, ""),
    ],
)
def test_back_ends(text: str, port: int | None, interface: str) -> None:
    found = describe(make_snapshot(config_maps=(with_settings(text),)))
    assert (found.udp_port, found.interface, found.pod_networks) == (port, interface, ("10.42.0.0/16",))


def test_after_its_removal_what_was_written_down_counts() -> None:
    found = describe(make_snapshot(daemon_sets=(), record=FLANNEL.model_dump(mode="json")))
    assert found == FLANNEL


def test_no_cni_says_what_was_looked_at() -> None:
    other = deepcopy(FLANNEL_DAEMON_SET)
    other["metadata"] = {"namespace": "kube-system", "name": "node-exporter"}
    other["spec"]["template"]["spec"]["containers"] = [{"image": "exporter"}]  # type: ignore[index]
    with pytest.raises(SourceError, match="kube-system/node-exporter"):
        describe(make_snapshot(daemon_sets=(other,)))


def test_two_flannels_are_refused() -> None:
    second = deepcopy(FLANNEL_DAEMON_SET)
    second["metadata"] = {"namespace": "kube-flannel", "name": "flannel-two"}
    with pytest.raises(SourceError, match="runs 2 CNIs"):
        describe(make_snapshot(daemon_sets=(FLANNEL_DAEMON_SET, second)))


def test_flannel_without_settings_cannot_be_described() -> None:
    with pytest.raises(SourceError, match=r"no ConfigMap with a net-conf\.json"):
        describe(make_snapshot(config_maps=()))


@pytest.mark.parametrize(
    ("delegate", "bridge"),
    [
        ('{"isDefaultGateway": true}', "cni0"),
        ('{"isDefaultGateway": true, "bridge": "cbr-pods"}', "cbr-pods"),
    ],
)
def test_the_bridge_that_its_plugin_makes_is_swept_by_its_name(delegate: str, bridge: str) -> None:
    """`cni0` is then somebody else's: the plugin's own choice, and with that Multus' too."""
    config_map = with_settings('{"Network": "10.42.0.0/16", "Backend": {"Type": "vxlan"}}')
    config_map["data"]["cni-conf.json"] = f'{{"plugins": [{{"type": "flannel", "delegate": {delegate}}}]}}'
    found = describe(make_snapshot(config_maps=(config_map,)))
    assert found.links == ("flannel.1", bridge)
    swept = source_of(found).sweep(found)
    assert [each for each in swept.links if each in ("cni0", "cbr-pods")] == [bridge]


def test_a_flannel_that_k3s_ran_itself_is_swept_like_any() -> None:
    """Nothing of it has a DaemonSet, and the user describes it; what it leaves is the same."""
    settings: dict[str, Any] = {"kind": "generic", "podNetworks": ["10.42.0.0/16"], "encapsulation": "vxlan"}
    for links, chains in ((["flannel.1", "cni0"], ("FLANNEL-",)), (["weave"], ())):
        config = parse_config({"source": {**settings, "udpPort": 8472, "links": links}})
        found = describe(make_snapshot(daemon_sets=(), config_maps=()), config.source)
        assert source_of(found).sweep(found).chains == chains
