"""Old networks that encrypt between nodes: how each is known, that its end is told, and what Cilium's own takes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.checks import CATALOGUE, Context, Finding, Severity, run_checks
from components.operations.objects.node_state import NodeState
from components.operations.removal.sweep import Sweep
from components.operations.snapshot import Snapshot
from components.sources import describe, source_of
from components.sources.calico.leftovers import LEFTOVERS
from components.sources.flannel.embedded import BACKEND
from stacks.config import parse_config
from stacks.values import contradictions, final_values, live_settings, migration_values, value_at
from tests.builders import alone, make_facts, make_node, make_snapshot, secondary
from tests.sources.calico.test_autodetection import cluster
from tests.sources.making_clusters import VXLAN, net_conf
from tests.sources.upstream import Object, calico, calico_object, changed, environment, operator, pool

K3S = {"kind": "generic", "title": "k3s's Flannel", "podNetworks": ["10.244.0.0/16"]}


def felix(name: str = "default", **spec: Any) -> Object:
    return calico_object("FelixConfiguration", name, **spec)


def by_environment(**values: str) -> list[Object]:
    return changed([*calico("calico-vxlan"), VXLAN], "DaemonSet", environment(**values))


def context(snapshot: Snapshot, **settings: Any) -> Context:
    config = parse_config({"phase": "secondary", **settings})
    return Context(config=config, snapshot=snapshot, source=describe(snapshot, config.source))


def found(snapshot: Snapshot, check: str = "encryption-ends", **settings: Any) -> list[Finding]:
    return run_checks([each for each in CATALOGUE if each.id == check], context(snapshot, **settings))


def vxlan(*more: Object) -> list[Object]:
    return [*calico("calico-vxlan"), VXLAN, *more]


@pytest.mark.parametrize(
    ("make", "kind", "links"),
    [
        (lambda: vxlan(felix(wireguardEnabled=True)), "wireguard", ("wireguard.cali",)),
        (lambda: vxlan(felix(wireguardEnabledV6=True)), "wireguard", ("wg-v6.cali",)),
        (lambda: vxlan(felix(wireguardEnabled=True, wireguardEnabledV6=True)), "wireguard",
         ("wireguard.cali", "wg-v6.cali")),
        (lambda: vxlan(felix(wireguardEnabled=True, wireguardInterfaceName="wg-pods")), "wireguard", ("wg-pods",)),
        (lambda: vxlan(felix(), felix("node.worker-2", wireguardEnabled=True)), "wireguard", ("wireguard.cali",)),
        (lambda: by_environment(FELIX_WIREGUARDENABLED="yes"), "wireguard", ("wireguard.cali",)),
        (lambda: [*by_environment(FELIX_WIREGUARDENABLED="false"), felix(wireguardEnabled=True)], "", ()),
        (lambda: [*calico("calico"), pool(), felix(wireguardEnabled=True)], "wireguard", ("wireguard.cali",)),
        (lambda: [*operator(pool("192.168.0.0/16", vxlanMode="Always")), felix(wireguardEnabled=True)], "wireguard",
         ("wireguard.cali",)),
        (lambda: vxlan(felix(ipsecMode="PSK")), "ipsec", ()),
        (lambda: vxlan(felix(wireguardEnabled=False, wireguardMTU=1400)), "", ()),
        (net_conf({"Type": "wireguard"}), "wireguard", ()),
        (net_conf({"Type": "ipsec", "PSK": "x"}), "ipsec", ()),
        (net_conf({"Type": "vxlan"}), "", ()),
        (lambda: changed(calico("canal"), "ConfigMap", lambda item: item["data"].update(
            {"net-conf.json": '{"Network": "10.42.0.0/16", "Backend": {"Type": "wireguard"}}'})), "wireguard", ()),
        (lambda: [*calico("canal"), felix(wireguardEnabled=True)], "wireguard", ("wireguard.cali",)),
    ],
)  # fmt: skip
def test_who_encrypts(make: Callable[[], list[Object]], kind: str, links: tuple[str, ...]) -> None:
    snapshot = cluster(make())
    source = describe(snapshot)
    assert (source.encryption, source.encryption_links) == (kind, links)
    assert set(links) <= set(source.links)
    assert [each.severity for each in found(snapshot)] == ([Severity.BLOCKER] if kind else [])
    for link in links:
        assert f"!{link}" in context(snapshot).cilium.devices


@pytest.mark.parametrize(
    ("settings", "annotations", "kind"),
    [
        ({"encapsulation": "wireguard"}, {}, "wireguard"),
        ({}, {BACKEND: "wireguard"}, "wireguard"),
        ({}, {BACKEND: "wireguard-native"}, "wireguard"),
        ({}, {BACKEND: "ipsec"}, "ipsec"),
        ({}, {BACKEND: "vxlan"}, ""),
        ({}, {}, ""),
    ],
)
def test_a_network_that_you_describe(settings: Object, annotations: dict[str, str], kind: str) -> None:
    snapshot = make_snapshot(daemon_sets=(), nodes=(make_node("worker-1", annotations=annotations),))
    seen = context(snapshot, source={**K3S, **settings})
    assert seen.source.encryption == kind
    assert len(found(snapshot, source={**K3S, **settings})) == bool(kind)


def test_flannels_key_is_not_shown() -> None:
    source = describe(cluster(net_conf({"Type": "ipsec", "PSK": "5ec7e7"})()))
    assert "5ec7e7" not in source.model_dump_json()


def test_links_of_another_name_are_swept() -> None:
    named = describe(cluster(vxlan(felix(wireguardEnabled=True, wireguardInterfaceName="wg-pods"))))
    assert "wg-pods" in source_of(named).sweep(named).links
    usual = describe(cluster(vxlan(felix(wireguardEnabled=True))))
    assert source_of(usual).sweep(usual) == LEFTOVERS.with_(Sweep(networks=usual.pod_networks))


def test_a_node_that_tells_its_key_encrypts() -> None:
    node = make_node("worker-1", annotations={"projectcalico.org/WireguardPublicKey": "a2V5"})
    assert describe(cluster(vxlan(), nodes=(node,))).encryption == "wireguard"


def test_its_end_is_told_until_cilium_is_alone_and_can_be_acknowledged() -> None:
    encrypting = cluster(vxlan(felix(wireguardEnabled=True)))
    (finding,) = found(encrypting)
    assert "Calico encrypts pods' traffic between nodes by WireGuard, Cilium would not" in finding.line
    assert [each.severity for each in found(encrypting, phase="preflight")] == [Severity.WARNING]
    waved: dict[str, Any] = {"phase": "migrate", "waves": [["worker-1"]]}
    assert [each.severity for each in found(encrypting, **waved)] == [Severity.BLOCKER]
    reason = {"encryption-ends": "the nodes are in one rack"}
    assert [each.severity for each in found(encrypting, acknowledge=reason)] == [Severity.WARNING]
    (meanwhile,) = found(encrypting, cilium={"encryption": "wireguard"})
    assert (meanwhile.severity, "in the clear" in meanwhile.line) == (Severity.WARNING, True)
    gone = alone(record=describe(encrypting).model_dump(), daemon_sets=())
    assert not found(gone, phase="finalize")


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, None),
        ({"encryption": "none"}, None),
        ({"encryption": "wireguard"}, {"enabled": True, "type": "wireguard"}),
        ({"encryption": "ipsec"}, {"enabled": True, "type": "ipsec"}),
        ({"values": {"encryption": {"enabled": True, "type": "wireguard"}}}, {"enabled": True, "type": "wireguard"}),
    ],
)
def test_the_values_of_cilium_own_encryption(settings: Object, wanted: Object | None) -> None:
    cilium = context(make_snapshot(), cilium=settings).cilium
    for values in (migration_values(cilium), final_values(cilium)):
        assert value_at(values, "encryption") == wanted
        live = live_settings(values)
        if wanted:
            assert live[f"enable-{wanted['type']}"] == "true"
        assert ("enable-wireguard" in live or "enable-ipsec" in live) == bool(wanted)
    assert not contradictions(cilium)


@pytest.mark.parametrize("own", [{"enabled": False}, {"type": "ipsec"}])
def test_values_that_contradict_it_are_refused(own: Object) -> None:
    settings = {"encryption": "wireguard", "values": {"encryption": own}}
    (fault,) = contradictions(context(make_snapshot(), cilium=settings).cilium)
    assert fault.path.startswith("encryption.")
    assert "set cilium.encryption instead" in fault.reason


@pytest.mark.parametrize(
    ("settings", "pods"),
    [
        ({}, 1450),
        ({"encryption": "wireguard"}, 1355),
        ({"encryption": "wireguard", "version": "1.18.6"}, 1370),
        ({"encryption": "ipsec"}, 1373),
        ({"values": {"encryption": {"enabled": True, "type": "wireguard"}}}, 1355),
        ({"values": {"encryption": {"enabled": "true"}}}, 1373),
        ({"values": {"encryption": {"type": "wireguard"}}}, 1450),
    ],
)
def test_encryption_takes_its_share_of_each_packet(settings: Object, pods: int) -> None:
    facts = {"worker-1": make_facts(interfaces={"eth0": 1500}, routes=(("172.30.0.0/24", "eth0"),))}
    cilium = context(make_snapshot(facts=facts), cilium=settings).cilium
    assert cilium.pods_mtu == pods
    assert f"pods get {pods}" in cilium.reasons["mtu"]


@pytest.mark.parametrize(
    ("links", "values", "mtu"),
    [
        ({"vxlan.calico": 1450, "wireguard.cali": 1440}, {}, None),
        ({"vxlan.calico": 1450, "wireguard.cali": 1420}, {}, None),
        ({"vxlan.calico": 1450, "wireguard.cali": 1340}, {}, 1400),
        ({"vxlan.calico": 1350, "wireguard.cali": 1440}, {}, 1400),
        ({}, {"FELIX_WIREGUARDMTU": "1340"}, 1400),
        ({}, {"FELIX_WIREGUARDMTU": "0"}, None),
    ],
)
def test_the_size_that_an_encrypting_network_was_kept_to(
    links: dict[str, int], values: dict[str, str], mtu: int | None
) -> None:
    facts = {"worker-1": make_facts(interfaces={"eth0": 1500, **links}, routes=(("172.30.0.0/24", "eth0"),))}
    objects = [*by_environment(**values), felix(wireguardEnabled=True)]
    assert context(cluster(objects, facts=facts)).cilium.mtu == mtu


FITS = "encryption-fits"


def test_what_cilium_needs_to_encrypt() -> None:
    wireguard: dict[str, Any] = {"cilium": {"encryption": "wireguard"}}
    ipsec: dict[str, Any] = {"cilium": {"encryption": "ipsec"}}
    assert not found(make_snapshot(), FITS)
    assert not found(make_snapshot(), FITS, **wireguard)
    theirs = cluster(net_conf({"Type": "wireguard", "ListenPort": 51871})())
    assert "takes UDP 51871, which Flannel has" in found(theirs, FITS, **wireguard)[0].line
    busy = make_snapshot(facts={"worker-2": make_facts(udp_ports=(51871,))})
    assert "in use on worker-2" in found(busy, FITS, **wireguard)[0].line
    old = make_snapshot(node_states={"worker-1": NodeState(kernel="4.18.0-553.el8_10.x86_64")})
    assert "older than 5.6" in found(old, FITS, **wireguard)[0].line

    (unseen,) = found(make_snapshot(), FITS, **ipsec)
    assert unseen.severity is Severity.WARNING
    (missing,) = found(make_snapshot(ipsec_keys=False), FITS, **ipsec)
    assert missing.severity is Severity.BLOCKER
    assert "Secret kube-system/cilium-ipsec-keys with its keys is not there" in missing.line
    assert not found(replace(make_snapshot(), ipsec_keys=True), FITS, **ipsec)
    assert not found(secondary(ipsec_keys=False), FITS, **ipsec, phase="preflight"), "the way back is free"
