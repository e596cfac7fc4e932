"""Cilium's real charts: their schema accepts the program's values, and the ConfigMap has the expected entries."""

from typing import Any

import pytest
import yaml

from scripts.lab.toolchain import parts
from stacks.addresses import Register
from stacks.config import parse_config
from stacks.settle import Cilium, ClusterNetwork, OldNetwork, settle
from stacks.values import final_values, leaves, live_settings, migration_values, settings_faults
from stacks.values.options import OPTIONS
from tests.builders import in_use
from tests.charts.conftest import RELEASES, Render, RenderError, source_of

pytestmark = pytest.mark.charts
V4 = ("10.244.0.0/16",)
SEEN = {"worker-1": {"eth0": 1500}, "worker-2": {"ens3": 9001, "eth1": 1500}}
SOURCES: dict[str, ClusterNetwork] = {
    "flannel": ClusterNetwork(
        old=OldNetwork(
            title="Flannel", encapsulation="vxlan", udp_port=8472, links=("flannel.1", "cni0"), pod_networks=V4
        ),
        nodes=3, addresses=Register(in_use(*V4)), uplinks={"worker-1": {"eth0": 1500}},
    ),
    "calico-dual-stack": ClusterNetwork(
        old=OldNetwork(
            title="Calico", encapsulation="vxlan", udp_port=4789, links=("vxlan.calico",),
            pod_networks=(*V4, "fd00:10:244::/56"),
        ),
        nodes=400, most_pods=250, uplinks=SEEN, host_ports=("ingress/edge",),
    ),
    "routed": ClusterNetwork(old=OldNetwork(title="AWS VPC CNI", pod_networks=("172.31.0.0/16",)), nodes=1),
}  # fmt: skip
WISHES: dict[str, dict[str, Any]] = {"routed": {"tunnelProtocol": "geneve", "values": {"MTU": 8900}}}


def settled(source: str, release: str) -> Cilium:
    return settle(parse_config({"cilium": {"version": release, **WISHES.get(source, {})}}).cilium, SOURCES[source])


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("source", SOURCES)
def test_the_values_become_the_settings_that_we_wait_for(render: Render, source: str, release: str) -> None:
    cilium = settled(source, release)
    beside, alone = migration_values(cilium), final_values(cilium)
    live = render(release, beside)
    assert settings_faults(live, live_settings(beside)) == []
    assert "write-cni-conf-when-ready" not in live
    assert live["kube-proxy-replacement"] == "false"
    assert live["enable-ipv6"] == str(cilium.pod_cidr_v6 is not None).lower()
    # What is live is what the next run would settle, so nothing changes from then on.
    again = settle(cilium, ClusterNetwork(old=SOURCES[source].old, live=live))
    assert live_settings(migration_values(again)) == live_settings(beside)
    final = render(release, alone)
    assert settings_faults(final, live_settings(alone)) == []
    assert final["write-cni-conf-when-ready"].endswith("/05-cilium.conflist")
    assert final["unmanaged-pod-watcher-interval"] != "0"


@pytest.mark.parametrize("release", RELEASES)
def test_the_charts_schema_is_asked(render: Render, release: str) -> None:
    with pytest.raises(RenderError, match="tunnelPort"):
        render(release, {**migration_values(settled("flannel", release)), "tunnelPort": "many"})


@pytest.mark.parametrize("release", RELEASES)
def test_devices_can_be_left_out_from_the_release_on_that_we_say(release: str) -> None:
    matching = (source_of(release) / "pkg/datapath/tables/device.go").read_text()
    left_out = any(each.startswith("!") for each in settled("flannel", release).devices)
    assert left_out == ('strings.HasPrefix(entry, "!")' in matching)


@pytest.mark.parametrize("release", RELEASES)
def test_the_node_config_is_of_a_version_that_the_release_brings(release: str) -> None:
    kinds = source_of(release) / "pkg/k8s/apis/cilium.io/client/crds"
    brought = {f"cilium.io/{file.parent.name}" for file in kinds.glob("*/ciliumnodeconfigs.yaml")}
    assert settled("flannel", release).node_config_version in brought


def test_options_are_where_the_chart_has_them() -> None:
    """A key that no template writes is a flag of the programs themselves; `tunnel` is one that is gone."""
    source = source_of(parts.CILIUM_VERSION)
    chart = source / "install/kubernetes/cilium"
    named = dict(leaves(yaml.safe_load((chart / "values.yaml").read_text())))
    charts = [source_of(each) / "install/kubernetes/cilium" for each in RELEASES]  # some have what others have no more
    templates = "\n".join(each.read_text() for chart in charts for each in (chart / "templates").rglob("*.*"))
    code = [each for folder in ("pkg", "daemon", "operator") for each in (source / folder).rglob("*.go")]
    flags = "\n".join(each.read_text() for each in code if "_test" not in each.name)
    for option in OPTIONS.values():
        whole = f".Values.{option.path.rpartition('.')[0]} }}}}"  # of which the template takes all that there is
        own = option.path.startswith("extraConfig.")
        known = option.path in named or f".Values.{option.path}" in templates or (whole in templates and not own)
        assert known is not own, option
        for key in option.keys:
            assert f"\n  {key}:" in templates or f'"{key}"' in flags or key == "tunnel", option
