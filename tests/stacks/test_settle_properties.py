"""For any cluster: the pool touches nothing, every node has a block, and what was chosen stays."""

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from stacks.addresses import Entry, Register
from stacks.sections.cilium import CiliumSettings
from stacks.settle import Cilium, ClusterNetwork, OldNetwork, SettleError, settle
from stacks.settle.ranges import InUse
from tests.builders import in_use

OLD = OldNetwork(title="Flannel", encapsulation="vxlan", udp_port=8472, links=("flannel.1",))
DUAL = replace(OLD, pod_networks=("10.244.0.0/16", "fd00:10:244::/56"))


@st.composite
def networks(draw: st.DrawFn) -> str:
    """IPv4 networks, mostly such as clusters use."""
    prefix = draw(st.integers(9, 32))
    first = draw(st.sampled_from(("10.0.0.0/8", "10.192.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "0.0.0.0/1")))
    parent = ipaddress.IPv4Network(first)
    address = int(parent.network_address) + draw(st.integers(0, parent.num_addresses - 1))
    return str(ipaddress.ip_network((address, max(prefix, parent.prefixlen)), strict=False))


def entries(*, likely: bool = False) -> st.SearchStrategy[list[Entry]]:
    return st.lists(networks(), max_size=40).map(lambda each: in_use(*each, likely=likely))


registers = st.tuples(entries(), entries(likely=True)).map(lambda each: Register([*each[0], *each[1]]))
clusters = st.builds(
    ClusterNetwork,
    old=st.sampled_from((OLD, DUAL)),
    nodes=st.integers(1, 5000),
    most_pods=st.integers(8, 500),
    addresses=registers,
    udp_ports=st.dictionaries(st.integers(8470, 8490), st.just("somebody")),
)


def settled(cluster: ClusterNetwork) -> Cilium:
    try:
        return settle(CiliumSettings(), cluster)
    except SettleError:
        assume(False)
        raise


def overlapping(pool: str, others: Iterable[Entry]) -> list[Entry]:
    """Of IPv4 networks that are surely in use."""
    network = ipaddress.ip_network(pool)
    return [each for each in others if not each.likely and network.overlaps(ipaddress.ip_network(each.network))]


@given(clusters)
def test_nothing_is_overlapped_and_everything_fits(cluster: ClusterNetwork) -> None:
    found = settled(cluster)
    pool = ipaddress.ip_network(found.pod_cidr)
    assert not overlapping(found.pod_cidr, cluster.addresses.entries)
    assert pool.is_private or pool.network_address in ipaddress.ip_network("100.64.0.0/10")
    assert 2 ** (found.node_mask_size - pool.prefixlen) > cluster.nodes
    assert 2 ** (32 - found.node_mask_size) >= 2 * cluster.most_pods + 4
    assert found.tunnel_port not in {*cluster.udp_ports, 8472}
    if cluster.old is DUAL:
        assert found.pod_cidr_v6
        assert found.node_mask_size_v6
        prefix = ipaddress.ip_network(found.pod_cidr_v6).prefixlen
        assert 0 < found.node_mask_size_v6 - prefix <= 16
        assert 128 - found.node_mask_size_v6 >= 32 - found.node_mask_size


@given(clusters, st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_read_changes_nothing(cluster: ClusterNetwork, random: object) -> None:
    shuffled = list(cluster.addresses.entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert settled(replace(cluster, addresses=Register(shuffled))) == settled(cluster)


@given(clusters, st.integers(1, 5000), entries())
def test_once_written_down_only_a_clash_or_want_of_room_changes_it(
    cluster: ClusterNetwork, nodes: int, more: list[Entry]
) -> None:
    before = settled(cluster)
    recorded = json.loads(json.dumps(before.record()))
    addresses = Register([*cluster.addresses.entries, *more])
    after = settled(replace(cluster, nodes=nodes, addresses=addresses, recorded=recorded))
    blocks = 2 ** (before.node_mask_size - ipaddress.ip_network(before.pod_cidr).prefixlen)
    if nodes <= blocks and not overlapping(before.pod_cidr, more):
        assert after.pod_cidr == before.pod_cidr
        assert after.record()["pod_cidr"] == before.record()["pod_cidr"]
    else:
        assert after.pod_cidr != before.pod_cidr


@given(clusters, clusters)
def test_what_is_live_is_never_chosen_anew(cluster: ClusterNetwork, other: ClusterNetwork) -> None:
    before = settled(cluster)
    live = {
        "cluster-pool-ipv4-cidr": before.pod_cidr,
        "cluster-pool-ipv4-mask-size": str(before.node_mask_size),
        "tunnel-port": str(before.tunnel_port),
        "tunnel-protocol": before.tunnel_protocol,
        "enable-ipv6": str(before.pod_cidr_v6 is not None).lower(),
        "cluster-pool-ipv6-cidr": before.pod_cidr_v6 or "",
    }
    after = settled(replace(other, live=live))
    for name in ("pod_cidr", "node_mask_size", "tunnel_port", "tunnel_protocol", "pod_cidr_v6"):
        assert getattr(after, name) == getattr(before, name)


@given(st.lists(networks(), max_size=30), networks())
def test_merged_ranges_touch_what_one_of_them_touches(each_used: list[str], asked: str) -> None:
    network, merged = ipaddress.ip_network(asked), InUse(map(ipaddress.ip_network, each_used))
    assert merged.touches(network) == any(network.overlaps(ipaddress.ip_network(each)) for each in each_used)
