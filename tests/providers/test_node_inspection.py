"""What is kept of a look at the nodes."""

from components.providers.node_inspection import telling


def test_only_routes_of_neither_cni_are_kept() -> None:
    routes = [
        ["10.0.0.0/8", "eth1"],
        ["10.244.0.0/24", "cni0"],
        ["10.244.1.0/24", "flannel.1"],
        ["10.245.0.0/24", "cilium_host"],
        ["172.20.0.0/14", "eth0"],
    ]
    kept = telling(routes, blocks={"10.244.0.0/24", "10.244.1.0/24"})
    assert kept == [["10.0.0.0/8", "eth1"], ["172.20.0.0/14", "eth0"]]
