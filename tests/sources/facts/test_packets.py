"""The size of packets that an old network was kept to, wherever that is said, and what Cilium's pods get beside it."""

from typing import Any

import pytest

from components.settling import settled
from components.sources import describe
from stacks.config import parse_config
from stacks.settle import Cilium
from tests.builders import make_facts
from tests.sources.calico.test_autodetection import cluster
from tests.sources.making_clusters import VXLAN, net_conf
from tests.sources.upstream import Object, calico, calico_object, changed, environment, operator, pool


def chosen(objects: list[Object], *, source: Object | None = None, device: int = 1500, **links: int) -> Cilium:
    """Cilium's network beside these; of the links' names underscores are dots."""
    interfaces = {"eth0": device, **{name.replace("_", "."): mtu for name, mtu in links.items()}}
    facts = {"worker-1": make_facts(interfaces=interfaces, routes=(("172.30.0.0/24", "eth0"),))}
    snapshot = cluster(objects, facts=facts)
    config = parse_config({"source": source} if source else {})
    return settled(config.cilium, snapshot=snapshot, source=describe(snapshot, config.source))


def with_veth_mtu(name: str, size: str, *more: Object) -> list[Object]:
    def set_size(item: Object) -> None:
        if "veth_mtu" in (item.get("data") or {}):
            item["data"]["veth_mtu"] = size

    return [*changed(calico(name), "ConfigMap", set_size), *more]


def test_a_size_for_pods_alone() -> None:
    """Canal's tunnel finds its own; what pods may send is set apart from it."""
    assert chosen(with_veth_mtu("canal", "1350"), flannel_1=1450).pods_mtu == 1350
    assert chosen(with_veth_mtu("canal", "0"), flannel_1=1450).mtu is None
    assert chosen(with_veth_mtu("canal", "1450"), flannel_1=1450).mtu is None
    assert chosen(with_veth_mtu("calico-vxlan", "1350", VXLAN), vxlan_calico=1350).pods_mtu == 1350
    assert chosen(with_veth_mtu("calico", "1400", pool())).pods_mtu == 1350
    assert chosen(with_veth_mtu("calico", "8981", pool(ipipMode="Always")), device=9001, tunl0=8981).mtu is None


@pytest.mark.parametrize(
    "mode", [{"vxlanMode": "CrossSubnet"}, {"ipipMode": "CrossSubnet"}, {}], ids=["vxlan", "ipip", "routes"]
)
@pytest.mark.parametrize("size", [1300, 1376])
def test_an_operator_is_told_one_size_for_all(mode: dict[str, str], size: int) -> None:
    found = chosen(operator(pool("192.168.0.0/16", **mode), mtu=size))
    assert found.pods_mtu is not None
    assert found.pods_mtu <= size
    assert found.mtu is not None
    assert size <= found.mtu < 1500


@pytest.mark.parametrize("backend", ["host-gw", "ipip", "udp", "vxlan", "wireguard", "alloc", "ipsec"])
def test_flannels_backends(backend: str) -> None:
    small = chosen(net_conf({"Type": backend, "MTU": 1280})(), cni0=1280)
    assert small.mtu is not None
    assert 1280 <= small.mtu <= 1340
    assert f"pods of Flannel were kept to {1280}" in small.reasons["mtu"]
    whole = {"host-gw": 1500, "ipip": 1480, "udp": 1472, "vxlan": 1450, "wireguard": 1420, "alloc": 1500}
    if backend in whole:
        assert chosen(net_conf({"Type": backend})(), cni0=whole[backend]).mtu is None


@pytest.mark.parametrize("encapsulation", ["routes", "vxlan", "geneve", "ipip", "wireguard", "udp"])
def test_a_network_that_you_describe(encapsulation: str) -> None:
    source: dict[str, Any] = {
        "title": "kubenet", "podNetworks": ["10.244.0.0/16"], "encapsulation": encapsulation, "udpPort": 4789,
        "mtu": 1300,
    }  # fmt: skip
    found = chosen([], source=source)
    assert found.mtu is not None
    assert 1300 <= found.mtu <= 1360
    del source["mtu"]
    assert chosen([], source=source).mtu is None


def test_felix_is_told_by_its_environment_or_its_object() -> None:
    routes = [*calico("calico"), pool()]
    told = changed(routes, "DaemonSet", environment(FELIX_VXLANMTU="", FELIX_IPINIPMTU="", FELIX_WIREGUARDMTU=""))
    assert chosen([*told, calico_object("FelixConfiguration", "default", vxlanMTU=1400)]).mtu == 1400
    assert chosen(changed([*calico("calico"), pool()], "DaemonSet", environment(FELIX_VXLANMTU="1399"))).mtu == 1399
