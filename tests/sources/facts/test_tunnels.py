"""Old networks with more than one tunnel, and the many places in which the size of their packets is said."""

from typing import Any

import pytest

from components.sources import SourceError, describe, source_of
from components.sources.description import SEEN_ON_NODES
from tests.sources.calico.test_autodetection import cluster, described
from tests.sources.clusters import V6
from tests.sources.facts.test_encryption import felix
from tests.sources.facts.test_packets import chosen
from tests.sources.making_clusters import VXLAN, net_conf
from tests.sources.upstream import Object, calico, changed, environment, operator, pool

SIX = pool(V6, "default-ipv6-ippool", vxlanMode="Always")
DUAL = {"EnableIPv6": True, "IPv6Network": V6}


@pytest.mark.parametrize(
    ("pools", "encapsulation", "links", "port"),
    [
        ([VXLAN, SIX], "vxlan", ("vxlan.calico", "vxlan-v6.calico"), 4789),
        ([pool(ipipMode="Always"), SIX], "ipip", ("tunl0", "vxlan-v6.calico"), 4789),
        ([pool(), SIX], "vxlan", ("vxlan-v6.calico",), 4789),
        ([pool(ipipMode="CrossSubnet"), pool("10.250.0.0/16", "racks", vxlanMode="Always")], "ipip-cross-subnet",
         ("tunl0", "vxlan.calico"), 4789),
        ([pool(), pool("10.250.0.0/16", "racks", ipipMode="CrossSubnet")], "ipip-cross-subnet", ("tunl0",), None),
        ([VXLAN, pool(V6, "default-ipv6-ippool")], "vxlan", ("vxlan.calico",), 4789),
    ],
)  # fmt: skip
def test_each_pools_tunnel_is_known(
    pools: list[Object], encapsulation: str, links: tuple[str, ...], port: int | None
) -> None:
    found = described(*calico("calico"), *pools)
    assert (found.encapsulation, found.links, found.udp_port) == (encapsulation, links, port)
    assert found.interface == links[0]
    cilium = chosen([*calico("calico"), *pools])
    assert set(cilium.devices) == {*(f"!{each}" for each in links), "!cali+", "!veth+"}
    assert set(links) <= set(source_of(found).sweep(found).links)


@pytest.mark.parametrize(
    ("pools", "sizes", "mtu"),
    [
        ([VXLAN, SIX], {"vxlan_calico": 1450, "vxlan-v6_calico": 1430}, None),
        ([VXLAN, SIX], {"vxlan_calico": 1450, "vxlan-v6_calico": 1380}, 1450),
        ([VXLAN, SIX], {"vxlan_calico": 1350, "vxlan-v6_calico": 1430}, 1400),
        ([pool(ipipMode="Always"), SIX], {"tunl0": 1480, "vxlan-v6_calico": 1430}, None),
        ([pool(), SIX], {"vxlan-v6_calico": 1430}, None),
        ([pool(), SIX], {"vxlan-v6_calico": 1330}, 1400),
        ([pool(ipipMode="Always"), pool("10.250.0.0/16", "racks", vxlanMode="CrossSubnet")],
         {"tunl0": 1480, "vxlan_calico": 1450}, None),
        ([pool(ipipMode="Always"), pool("10.250.0.0/16", "racks", vxlanMode="CrossSubnet")],
         {"tunl0": 1480, "vxlan_calico": 1400}, 1450),
    ],
)  # fmt: skip
def test_each_tunnel_has_a_header_of_its_own(pools: list[Object], sizes: dict[str, Any], mtu: int | None) -> None:
    assert chosen([*calico("calico"), *pools], **sizes).mtu == mtu


def conf_with(size: str) -> list[Object]:
    """The CNI conf with the size in it, as kubespray writes it."""

    def write(item: Object) -> None:
        if "cni_network_config" in (item.get("data") or {}):
            item["data"]["cni_network_config"] = f'{{"plugins": [{{"type": "calico", "mtu": {size}, "ipam": {{}}}}]}}'

    return changed([*calico("calico-vxlan"), VXLAN], "ConfigMap", write)


def by_environment(**values: str) -> list[Object]:
    cleared = {"FELIX_VXLANMTU": "", "FELIX_IPINIPMTU": ""}
    return changed([*calico("calico-vxlan"), VXLAN], "DaemonSet", environment(**{**cleared, **values}))


@pytest.mark.parametrize(
    ("objects", "mtu"),
    [
        (conf_with("1350"), 1400),
        (conf_with("0"), None),
        (conf_with('"__CNI_MTU__"'), None),
        (by_environment(FELIX_VxlanMtu="1350"), 1400),
        (by_environment(FELIX_VXLANMTU="none"), None),
        (by_environment(felix_vxlanmtu=" 1350 "), 1400),
        ([*by_environment(), felix("node.worker-2", vxlanMTU=1350)], 1400),
        ([*by_environment(), felix("rack-7", vxlanMTU=1350)], None),  # nobody reads an object of that name
        ([*by_environment(FELIX_VXLANMTU="1400"), felix(vxlanMTU=1350)], 1450),
        ([*by_environment(FELIX_VXLANMTU="0"), felix(vxlanMTU=1350)], None),
        ([*by_environment(), felix(vxlanMTU="1350")], 1400),
        ([*by_environment(), SIX, felix(vxlanMTUV6=1330)], 1400),
        (operator(pool("192.168.0.0/16", vxlanMode="CrossSubnet"), SIX, mtu=1400), 1450),
    ],
)
def test_the_size_wherever_felix_and_the_plugin_have_it(objects: list[Object], mtu: int | None) -> None:
    assert chosen(objects).mtu == mtu


@pytest.mark.parametrize(
    ("settings", "sizes", "mtu"),
    [
        (DUAL, {"flannel_1": 1450, "flannel-v6_1": 1450, "cni0": 1450}, None),
        (DUAL, {"flannel_1": 1450, "flannel-v6_1": 1430, "cni0": 1430}, None),  # before it took 50 off for both
        (DUAL, {"flannel_1": 1450, "flannel-v6_1": 1430, "cni0": 1350}, 1400),
        ({}, {"flannel_1": 1450, "cni0": 1400}, 1450),
        ({"mtu": 1400}, {}, 1400),
        ({"mtu": 1400}, {"flannel_1": 1350, "cni0": 1350}, 1400),
        ({"mtu": 9000}, {"flannel_1": 1450, "cni0": 1450}, None),
    ],
)  # fmt: skip
def test_the_size_wherever_flannel_has_it(settings: dict[str, Any], sizes: dict[str, Any], mtu: int | None) -> None:
    backend = {"Type": "vxlan", **({"mtu": settings["mtu"]} if "mtu" in settings else {})}
    more = {key: each for key, each in settings.items() if key != "mtu"}
    assert chosen(net_conf(backend, **more)(), **sizes).mtu == mtu


def test_ipsec_of_flannel_finds_its_size_itself() -> None:
    assert chosen(net_conf({"Type": "ipsec", "PSK": "x"})(), cni0=1423).mtu is None
    assert chosen(net_conf({"Type": "ipsec", "PSK": "x"})(), cni0=1400).mtu == 1400


@pytest.mark.parametrize("backend", ["extension", "tailscale", "my-own"])
def test_a_back_end_that_others_make_is_refused(backend: str) -> None:
    with pytest.raises(
        SourceError, match=f"ConfigMap kube-flannel/kube-flannel-cfg: Flannel's back end is '{backend}'"
    ):
        describe(cluster(net_conf({"Type": backend})()))


def test_a_key_in_small_letters_is_the_same_key() -> None:
    found = described(*net_conf({"type": "VXLAN", "vni": 7, "port": 8473, "psk": "5ec7e7"})())
    assert (found.encapsulation, found.vni, found.udp_port) == ("vxlan", 7, 8473)
    assert "5ec7e7" not in found.model_dump_json()


def test_what_was_seen_of_tunnels_is_not_written_down() -> None:
    assert "tunnels" in SEEN_ON_NODES
