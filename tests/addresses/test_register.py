"""The register finds what a walk through all its entries would find, without that walk."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.addresses import Entry, Kind, Network, Register, named_in, networks_of
from tests.call_counts import calls_of


def entry(text: str, kind: Kind = Kind.POD) -> Entry:
    (network,) = networks_of(text)
    return Entry(network=network, kind=kind, user="somebody")


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Networks of a small part of both families, so that they meet."""
    length = draw(st.integers(0, 8))
    number = draw(st.integers(0, 255))
    if draw(st.booleans()):
        return ipaddress.ip_network((int(ipaddress.IPv4Address("10.9.8.0")) + number, 24 + length), strict=False)
    return ipaddress.ip_network((int(ipaddress.IPv6Address("fd00::")) + number, 120 + length), strict=False)


@given(st.lists(networks(), max_size=30), networks())
def test_what_touches_a_network_is_what_overlaps_it(entered: list[Network], asked: Network) -> None:
    register = Register(Entry(network=each, kind=Kind.POD, user=str(n)) for n, each in enumerate(entered))
    wanted = [each for each in register.entries if each.network.version == asked.version]
    assert register.touching(asked) == tuple(each for each in wanted if each.network.overlaps(asked))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.1.2.3", ["10.1.2.3/32"]),
        ("10.1.2.3/24", ["10.1.2.0/24"]),
        ("10.1.2.3:179", ["10.1.2.3/32"]),
        ("fd00::7", ["fd00::7/128"]),
        ("[fd00::7]:179", ["fd00::7/128"]),
        (" 10.0.0.4 - 10.0.0.7 ", ["10.0.0.4/30"]),
        ("10.0.0.1-10.0.0.4", ["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/32"]),
        ("https://10.7.0.1:8443/validate", ["10.7.0.1/32"]),
        ("https://[fd00::9]/validate", ["fd00::9/128"]),
        ("https://hooks.example.org/validate", []),
        ("nfs-1.example.org", []),
        ("10.0.0.9-10.0.0.1", []),
        ("10.0.0.1-fd00::1", []),
        ("64512", []),
        ("", []),
    ],
)
def test_networks_are_read_as_they_are_written(text: str, found: list[str]) -> None:
    assert [str(each) for each in networks_of(text)] == found


def test_every_field_of_an_object_is_looked_at_and_the_whole_address_space_is_nobodys() -> None:
    spec = {
        "blocks": [{"cidr": "10.1.0.0/24"}, {"start": "10.2.0.0", "stop": "10.2.0.1"}],
        "nets": ["0.0.0.0/0"],
        "n": 7,
    }
    assert {str(each) for each in named_in(spec)} == {"10.1.0.0/24", "10.2.0.0/31", "10.2.0.0/32", "10.2.0.1/32"}


def crowded(count: int) -> list[Entry]:
    return [entry(f"10.{n // 62500}.{n // 250 % 250}.{n % 250}") for n in range(count)]


def test_a_register_of_twice_as_many_is_made_by_twice_as_many_calls() -> None:
    few, many = crowded(1_000), crowded(2_000)
    assert calls_of(Register, many) < 2.2 * calls_of(Register, few)


@pytest.mark.parametrize("text", ["10.0.1.7", "10.0.1.128/25", "10.0.2.0/24"])
def test_a_network_is_found_by_as_many_calls_however_large_the_register_is(text: str) -> None:
    small, large = Register(crowded(1_000)), Register(crowded(10_000))
    (asked,), (again,) = networks_of(text), networks_of(text)  # a network keeps what was computed of it
    assert calls_of(large.touching, asked) == calls_of(small.touching, again)
    assert large.touching(asked) == small.touching(asked) != ()
