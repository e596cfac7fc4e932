"""Addresses of pods that no pool explains, told by range: few lines, however many nodes there are."""

import pytest

from components.addresses import register_of
from components.addresses.pods import unexplained_ranges
from tests.builders import FLANNEL, make_node, make_pod, make_snapshot


@pytest.mark.parametrize(
    ("addresses", "ranges"),
    [
        (["10.66.0.5"], ["10.66.0.0/24"]),
        (["10.66.0.5", "10.66.0.9"], ["10.66.0.0/24"]),
        (["10.66.0.5", "10.66.3.9"], ["10.66.0.0/22"]),
        (["10.66.0.5", "10.99.0.5"], ["10.66.0.0/24", "10.99.0.0/24"]),
        ([f"10.66.{number}.7" for number in range(200)], ["10.66.0.0/16"]),
        (["fd00:66::5", "fd00:66:0:1::5"], ["fd00:66::/63"]),
        (["10.244.1.5"], []),
    ],
    ids=str,
)  # fmt: skip
def test_ranges(addresses: list[str], ranges: list[str]) -> None:
    pods = tuple(make_pod(f"web-{number}", address=each) for number, each in enumerate(addresses))
    found = unexplained_ranges(register_of(make_snapshot(pods=pods), FLANNEL))
    assert list(map(str, found)) == ranges
    assert sum(map(len, found.values())) == (len(addresses) if ranges else 0)


def test_a_nodes_block_is_the_range_of_what_is_in_it() -> None:
    node = make_node("worker-1", pod_cidrs=("10.66.16.0/20",))
    pod = make_pod("web", address="10.66.17.5")
    seen = make_snapshot(nodes=(node,), pods=(pod,))
    assert list(map(str, unexplained_ranges(register_of(seen, FLANNEL)))) == ["10.66.16.0/20"]
