"""Devices that Cilium takes by what they are and which addresses they have, and what the user says of them himself."""

from typing import Any

import pytest

from stacks.settle import OldNetwork
from stacks.settle.other_devices import is_taken
from tests.stacks.test_foreign import OWN, of_facts, settled

ADDRESSES = (("eth0", "172.30.0.11/24"), ("flannel.1", "10.244.0.0/32"), ("cni0", "10.244.0.1/24"))


def with_device(name: str, address: str = "", *, mtu: int = 1280, **facts: Any) -> Any:
    """A node with another device, by the address that it has."""
    addresses = (*ADDRESSES, *([(name, address)] if address else []))
    return of_facts(interfaces={name: mtu}, addresses=addresses, **facts)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("nordlynx", "10.5.0.2/16"), ("CloudflareWARP", "172.16.0.2/32"), ("kilo0", "10.4.0.1/16"),
        ("proton0", "10.2.0.2/32"), ("mullvad", "fd7d:76ee::3/128"), ("edge0", "10.1.2.3/24"), ("ham0", "25.1.2.3/8"),
        ("vx-submariner", "240.16.0.3/8"), ("liqo.host", "10.80.0.1/32"), ("l2tpeth0", "10.12.0.2/24"),
    ],
)  # fmt: skip
def test_a_tunnel_is_left_out_whatever_its_name(name: str, address: str) -> None:
    found = settled(with_device(name, address, kinds={name: "tunnel"}))
    assert not is_taken(name, found.devices)
    assert (found.mtu, found.pods_mtu) == (None, 1450)


@pytest.mark.parametrize(
    ("name", "address"), [("eth1", "10.9.0.5/24"), ("macvlan0", "172.30.0.200/32"), ("storage", "fd01::5/64")]
)
def test_an_address_is_enough_for_a_device_to_be_taken(name: str, address: str) -> None:
    found = settled(with_device(name, address, mtu=1400))
    assert (found.mtu, found.pods_mtu) == (1400, 1350)


@pytest.mark.parametrize(
    ("name", "address", "kind"),
    [
        ("eth1", "", ""), ("eth1", "169.254.3.3/16", ""), ("eth1", "10.9.0.5/24", "down"),
        ("lan", "10.9.0.5/24", "bridge"), ("nerdctl0", "10.4.0.1/24", ""), ("mpqemubr0", "10.5.5.1/24", ""),
        ("nodelocaldns", "10.96.0.10/32", ""), ("kube-dummy-if", "10.96.0.1/32", ""), ("dummy0", "192.0.2.1/32", ""),
        ("tailscale0", "100.64.0.1/32", "down"),
    ],
)  # fmt: skip
def test_what_cilium_does_not_take_is_neither_counted_nor_named(name: str, address: str, kind: str) -> None:
    found = settled(with_device(name, address, kinds={name: kind} if kind else {}))
    assert found.devices == ("!flannel.1", "!cali+", "!veth+")
    assert (found.mtu, found.pods_mtu) == (None, 1450)


def test_services_on_a_large_network_do_not_shrink_it() -> None:
    large = of_facts(
        interfaces={"eth0": 9001, "flannel.1": 8951, "cni0": 8951, "kube-ipvs0": 1500},
        addresses=(*ADDRESSES, ("kube-ipvs0", "10.96.0.1/32")),
    )
    assert settled(large).pods_mtu == 8951


def test_the_device_with_the_nodes_address_is_its_own_where_no_route_tells() -> None:
    facts: dict[str, Any] = {"routes": (), "default_devices": (), "kinds": {"mesh0": "tunnel"}}
    facts["addresses"] = (("eth0", "192.0.2.4/24"), ("mesh0", "172.30.0.11/32"))
    found = settled(of_facts(interfaces={"mesh0": 1380}, **facts))
    assert "!mesh0" not in found.devices
    assert found.pods_mtu == 1330


def test_a_bridge_of_any_name_is_told_its_mtu() -> None:
    facts: dict[str, Any] = {
        "routes": (("172.30.0.0/24", "lan"),),
        "default_devices": ("lan",),
        "kinds": {"lan": "bridge"},
    }
    assert settled(of_facts(interfaces={"lan": 1500}, **facts)).mtu == 1500


SECOND: dict[str, Any] = {"routes": (OWN, ("10.9.0.0/24", "eth1"))}


@pytest.mark.parametrize(
    ("values", "devices", "pods"),
    [
        ({"devices": ["eth0"]}, ("eth0",), 1450),
        ({"devices": "eth0"}, ("eth0",), 1450),
        ({"devices": "eth0,eth1"}, ("eth0", "eth1"), 1350),
        ({"devices": ["eth+"]}, ("eth+",), 1350),
        ({"devices": ["eth0"], "forceDeviceDetection": True}, ("eth0",), 1350),
        ({"devices": ["!eth1"]}, ("!eth1",), 1450),
        ({"extraConfig": {"devices": "eth0"}}, ("eth0",), 1450),
        ({"devices": []}, ("!flannel.1", "!cali+", "!veth+"), 1350),
        ({"MTU": 1390}, ("!flannel.1", "!cali+", "!veth+"), 1340),
        ({"MTU": "1390"}, ("!flannel.1", "!cali+", "!veth+"), 1340),
        ({"extraConfig": {"mtu": "1390"}}, ("!flannel.1", "!cali+", "!veth+"), 1340),
        ({"MTU": 0}, ("!flannel.1", "!cali+", "!veth+"), 1350),
        ({"underlayProtocol": "ipv6"}, ("!flannel.1", "!cali+", "!veth+"), 1330),
    ],
)  # fmt: skip
def test_what_the_user_says_of_devices_is_counted_with(
    values: dict[str, Any], devices: tuple[str, ...], pods: int
) -> None:
    found = settled(of_facts(interfaces={"eth1": 1400}, **SECOND), values=values)
    assert (found.devices, found.pods_mtu) == (devices, pods)


def test_a_vpn_that_the_user_names_is_counted() -> None:
    values = {"devices": ["eth0", "tailscale0"]}
    found = settled(with_device("tailscale0", "100.64.0.1/32", kinds={"tailscale0": "tunnel"}), values=values)
    assert (found.devices, found.pods_mtu) == (("eth0", "tailscale0"), 1230)
    assert OldNetwork(title="kindnet").beside == ()
