"""Calico's autodetection methods: which come upon an interface of Cilium's, and where they are set."""

import pytest

from components.sources import fooled_families
from components.sources.calico.detection_methods import why_fooled
from tests.sources.calico.test_autodetection import METHOD, METHOD_V6, NODE_IP, POOLS, SECRET, by_manifest, described
from tests.sources.upstream import Object, operator, pool


@pytest.mark.parametrize(
    "method",
    [
        "first-found", "can-reach=10.245.7.7", "can-reach=$(HOST)", "can-reach=gateway.example",
        # Networks around the pool, within it, among others, with spaces after commas.
        "cidr=10.0.0.0/8", "cidr=10.245.128.0/17", "cidr=192.0.2.0/24,10.240.0.0/12", "cidr=192.0.2.0/24 , 0.0.0.0/0",
        # Networks that Calico cannot read either, or reads as another family.
        "cidr=10.99.0.1", "cidr=$(NET)", "cidr=", "cidr=10.99.0.0/255.255.0.0", "cidr=::ffff:10.245.0.0/112",
        # Expressions that no anchor holds, that match everything, or by one of several.
        "interface=.*", "interface=e|c", "interface=host", "interface=", "interface=ens3,", "interface=^ens,^lxc",
        "interface=[a-z]+_[a-z]+", "interface=^[^e]", "interface=lxc[0-7]", "interface=(?:eth|cilium_h)",
        # Expressions that Go and Python read differently.
        "interface=(?!cilium)", r"interface=\pL+", "interface=(?i)CILIUM", "interface=[[:alpha:]]+", "interface=eth*+",
        "interface=(", "skip-interface=(?=c)",
        "skip-interface=docker.*", "skip-interface=^cilium_.*", "skip-interface=^lxc", "skip-interface=cilium_host,lxc",
        "skip-interface=cilium_.*,lxc[0-9].*",
        "kubernetes-external-ip", "first-found-v2", "newest", "Interface=eth0",
    ],
)  # fmt: skip
def test_methods_that_come_upon_an_interface_of_cilium(method: str) -> None:
    assert why_fooled(method, family=4, pools=POOLS)


@pytest.mark.parametrize(
    "method",
    [
        "kubernetes-internal-ip", "cidr=10.96.0.0/12", "cidr=192.0.2.0/24, 10.246.0.0/16", "cidr=fd00:10:245::/56",
        "interface=eth0", "interface=^(eth|ens).*", "interface=bond[0-9], ^en[op][0-9]+$", "interface=(?:eth|ens)\\d",
        "interface=^c[^i]", "skip-interface=cilium_.*,lxc.*", "skip-interface=^docker , ^(cilium_|lxc)",
        "skip-interface=cilium_host,cilium_net,cilium_vxlan,lxc.*", "can-reach=198.51.100.7",
    ],
)  # fmt: skip
def test_methods_that_cannot(method: str) -> None:
    assert why_fooled(method, family=4, pools=POOLS) == ""


def test_each_family_is_matched_by_its_own_pool() -> None:
    assert why_fooled("cidr=fd00::/8", family=6, pools=POOLS)
    assert not why_fooled("cidr=fd00::/8", family=4, pools=POOLS)
    assert not why_fooled("cidr=10.0.0.0/8", family=6, pools=POOLS)
    assert why_fooled("cidr=192.0.2.0/24", family=4), "a pool that is not known may be anywhere"


@pytest.mark.parametrize(
    ("values", "methods"),
    [
        ({"IP": "autodetect"}, ("first-found", "")),
        ({"IP": "", METHOD: "cidr=192.0.2.0/24"}, ("cidr=192.0.2.0/24", "")),
        ({"IP": ""}, ("first-found", "")),
        ({"IP": "none", METHOD: "first-found"}, ("", "")),
        ({"IP": NODE_IP}, ("", "")),
        ({"NODEIP": NODE_IP, METHOD: "can-reach=$(NODEIP)"}, ("can-reach=$(status.hostIP)", "")),
        ({"CARD": "eth1", METHOD: "interface=$(CARD)"}, ("interface=eth1", "")),
        ({METHOD: SECRET}, (f"not readable: {METHOD} comes from elsewhere", "")),
        ({"CARD": SECRET, METHOD: "interface=$(CARD)"}, (f"not readable: {METHOD} comes from elsewhere", "")),
        ({"IP": SECRET}, ("not readable: IP comes from elsewhere", "")),
        ({"IP6": "autodetect", METHOD_V6: "interface=eth1"}, ("first-found", "interface=eth1")),
        ({"IP6": "none", METHOD_V6: "first-found"}, ("first-found", "")),
        ({"IP6": "2001:db8::1", METHOD_V6: "first-found"}, ("first-found", "")),
    ],
)
def test_methods_in_the_environment(values: dict[str, str | Object], methods: tuple[str, str]) -> None:
    found = described(*by_manifest(**values))
    assert (found.autodetection, found.autodetection_v6) == methods


@pytest.mark.parametrize(
    ("setting", "method"),
    [
        ({"cidrs": ["10.0.0.0/8", "192.0.2.0/24"]}, "cidr=10.0.0.0/8,192.0.2.0/24"),
        ({"firstFound": True}, "first-found"), ({"firstFound": False}, "first-found"), ({}, "first-found"),
        ({"skipInterface": "docker.*"}, "skip-interface=docker.*"), ({"kubernetes": "NodeInternalIP"},
         "kubernetes-internal-ip"), ({"kubernetes": "NodeHostName"}, '{"kubernetes": "NodeHostName"}'),
        ({"byRoute": "default"}, '{"byRoute": "default"}'),
    ],
)  # fmt: skip
def test_methods_in_the_installation(setting: Object, method: str) -> None:
    found = described(*operator(pool("192.168.0.0/16", vxlanMode="Always"), nodeAddressAutodetectionV4=setting))
    assert found.autodetection == method
    assert fooled_families(found, pools=POOLS) == (() if method == "kubernetes-internal-ip" else (4,))
