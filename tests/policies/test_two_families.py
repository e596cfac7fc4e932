"""Networks of one address family in policies of clusters that have both."""

from dataclasses import replace

import pytest

from stacks.addresses import Register
from stacks.policies import Entry as Told
from stacks.policies import Verdict, take_inventory
from tests.policies.test_addresses import NODES, PRIVATE, SITE, blocks, calico

DUAL = replace(
    SITE,
    pod_networks=("10.244.0.0/16", "fd00:244::/64"),
    node_addresses={"n1": ("172.30.0.11", "fd00:30::11"), "n2": ("172.30.0.12", "fd00:30::12")},
)


def allowed(found: Told) -> set[str]:
    """Ends that are let through by what is said besides: entities, and `pods` for all of them."""
    rules = [rule for manifest in found.manifests for rule in manifest["spec"]["egress"]]
    return {
        each for rule in rules for each in (*rule.get("toEntities", ()), *("pods" for _ in rule.get("toEndpoints", ())))
    }


@pytest.mark.parametrize("engine", ["Calico", "kube-router"])
@pytest.mark.parametrize(
    ("cidrs", "but", "meant", "told"),
    [
        (("0.0.0.0/0", "::/0"), (), {"all"}, ()),
        (("0.0.0.0/0",), (), {"pods", *NODES}, ("IPv4 addresses of pods", "IPv4 addresses of nodes")),
        (("::/0",), (), {"pods", *NODES}, ("IPv6 addresses of pods", "IPv6 addresses of nodes")),
        (("10.244.0.0/16", "fd00:244::/64"), (), {"pods"}, ()),
        (("10.244.0.0/16",), (), {"pods"}, ("IPv4 addresses of pods",)),
        (("0.0.0.0/0",), ("10.0.0.0/8",), set(NODES), ("IPv4 addresses of nodes",)),
        (("0.0.0.0/0",), ("172.16.0.0/12",), {"pods"}, ("IPv4 addresses of pods",)),
        (("172.0.0.0/8",), ("10.0.0.0/8",), set(NODES), ("IPv4 addresses of nodes",)),
    ],
)  # fmt: skip
def test_a_network_of_one_family_means_pods_and_nodes_by_both(
    cidrs: tuple[str, ...], but: tuple[str, ...], meant: set[str], told: tuple[str, ...], engine: str
) -> None:
    found = blocks(*cidrs, but=but, site=replace(DUAL, engine=engine, calico=engine == "Calico", addresses=Register()))
    assert (found.verdict, allowed(found)) == (Verdict.TRANSLATED, meant)
    notes = [each for each in found.notes if each.startswith("only IPv")]
    assert len(notes) == len(told)
    assert all(word in note for word, note in zip(told, notes, strict=True))


@pytest.mark.parametrize("but", [PRIVATE, (*PRIVATE, "203.0.113.0/24")])
def test_what_leaves_out_all_that_is_inside_works_as_it_is_on_two_families(but: tuple[str, ...]) -> None:
    found = blocks("0.0.0.0/0", but=but, site=replace(DUAL, addresses=Register()))
    assert (found.verdict, found.notes) == (Verdict.AS_IS, ())


def test_two_rules_for_a_family_each_mean_what_one_for_both_means() -> None:
    rules = [{"to": [{"ipBlock": {"cidr": each}}]} for each in ("0.0.0.0/0", "::/0")]
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": rules}
    item = {"metadata": {"namespace": "shop", "name": "out"}, "spec": spec}
    (found,) = take_inventory(kubernetes_policies=[item], calico_objects={}, surroundings=DUAL).entries
    assert (found.verdict, allowed(found)) == (Verdict.TRANSLATED, {"pods", *NODES})


@pytest.mark.parametrize(
    ("nets", "both"),
    [
        (["0.0.0.0/0"], ["::/0"]),
        (["10.244.0.0/16"], ["fd00:244::/64"]),
        (["172.30.0.0/24"], ["fd00:30::/64"]),
    ],
)
def test_to_deny_one_family_is_lost_as_it_would_deny_both(nets: list[str], both: list[str]) -> None:
    site = replace(DUAL, addresses=Register())
    for named in (nets, [*nets, *both]):
        found = calico({"action": "Deny", "destination": {"nets": named}}, {"action": "Allow"}, site=site)
        assert (found.verdict is Verdict.LOST) == (named is nets)
        assert all("would deny them at all others too" in each for each in found.reasons)


@pytest.mark.parametrize(
    ("away", "reason"),
    [
        (["10.0.0.0/8"], "it leaves out addresses of pods and holds their IPv6 ones"),
        (["172.16.0.0/12"], "it leaves out 172.30.0.11 of n1"),
        (["10.0.0.0/8", "fd00:244::/56"], ""),
        (["203.0.113.0/24"], ""),
    ],
)
def test_who_is_left_out_by_one_family_alone_is_not_let_in_by_the_other(away: list[str], reason: str) -> None:
    rule = {"action": "Allow", "destination": {"notNets": away}}
    found = calico(rule, site=replace(DUAL, addresses=Register()))
    assert (found.verdict is Verdict.LOST) == bool(reason)
    assert all(reason in each for each in found.reasons)


@pytest.mark.parametrize("version", [4, 6])
def test_a_family_that_a_rules_networks_have_anyhow_asks_for_no_more(version: int) -> None:
    nets = {4: "0.0.0.0/0", 6: "::/0"}[version]
    rule = {"action": "Allow", "destination": {"nets": [nets]}}
    site = replace(DUAL, addresses=Register())
    with_family = calico({**rule, "ipVersion": version}, site=site)
    assert with_family == calico(rule, site=site)
    assert with_family.verdict is Verdict.TRANSLATED
    assert calico({"action": "Allow", "ipVersion": version}, site=site).verdict is Verdict.LOST
