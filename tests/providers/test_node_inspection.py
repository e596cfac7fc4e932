"""What is kept of a look at the nodes."""

import json

from components.providers.node_inspection import joined

_LARGEST_CONFIG_MAP = 1 << 20


def test_neighbouring_networks_through_one_device_are_one() -> None:
    routes = [
        ["10.0.0.0/24", "cni0"],
        ["10.0.1.0/24", "flannel.1"],
        ["10.0.2.0/24", "flannel.1"],
        ["10.0.3.0/24", "flannel.1"],
    ]
    assert joined(routes) == [["10.0.0.0/24", "cni0"], ["10.0.1.0/24", "flannel.1"], ["10.0.2.0/23", "flannel.1"]]


def test_the_routes_of_a_thousand_nodes_fit_into_a_config_map() -> None:
    blocks = [f"10.{128 + number // 256}.{number % 256}.0/24" for number in range(1000)]
    kept = [
        joined([[block, "cni0" if block == own else "flannel.1"] for block in blocks])
        for own in (blocks[0], blocks[511])
    ]
    assert max(len(json.dumps(routes)) for routes in kept) * 1000 < _LARGEST_CONFIG_MAP
