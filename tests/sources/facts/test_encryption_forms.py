"""Encryption between nodes in every form in which old networks and Cilium's own values have it."""

import json
from typing import Any

import pytest

from components.checks import Severity
from components.operations.snapshot import Snapshot
from components.sources import describe
from components.sources.flannel.embedded import BACKEND, embedded
from stacks.values import contradictions
from tests.builders import make_facts, make_node, make_snapshot
from tests.sources.calico.test_autodetection import cluster
from tests.sources.facts.test_encryption import K3S, by_environment, context, felix, found, vxlan
from tests.sources.making_clusters import VXLAN, daemon_set, net_conf
from tests.sources.upstream import Object, calico, changed, environment, operator, pool

IN_CONFIG_MAP = {"configMapKeyRef": {"name": "calico-config", "key": "wg"}}


def by_config_map(text: str) -> list[Object]:
    objects = changed(vxlan(), "DaemonSet", environment(FELIX_WIREGUARDENABLED=IN_CONFIG_MAP))
    return changed(objects, "ConfigMap", lambda item: item["data"].update(wg=text))


@pytest.mark.parametrize(
    ("objects", "kind", "links"),
    [
        (by_environment(Felix_WireguardEnabled="true"), "wireguard", ("wireguard.cali",)),
        (by_environment(FELIX_WIREGUARDENABLED="T"), "wireguard", ("wireguard.cali",)),
        (by_environment(FELIX_WIREGUARDENABLED="on"), "", ()),  # no word of Felix's
        (by_config_map("true"), "wireguard", ("wireguard.cali",)),
        (by_config_map("false"), "", ()),
        (vxlan(felix(wireguardEnabled="true")), "wireguard", ("wireguard.cali",)),
        (vxlan(felix(), felix("encrypted", wireguardEnabled=True)), "", ()),  # Felix reads no object of that name
        ([*by_environment(FELIX_WIREGUARDENABLED="false"), felix("node.worker-1", wireguardEnabled=True)], "", ()),
        (vxlan(felix(wireguardEnabledV6=True, wireguardInterfaceNameV6="wg-six")), "wireguard", ("wg-six",)),
        (vxlan(felix(wireguardEnabled=True, wireguardMTU="auto")), "wireguard", ("wireguard.cali",)),
        (by_environment(FELIX_IPSECMODE="PSK"), "ipsec", ()),
        (by_environment(FELIX_IPSECMODE="none"), "", ()),
        (vxlan(felix(ipsecMode="")), "", ()),
        ([*operator(pool("192.168.0.0/16", ipipMode="CrossSubnet")), felix(wireguardEnabled=True)], "wireguard",
         ("wireguard.cali",)),
        (net_conf({"type": "WireGuard", "psk": "x"})(), "wireguard", ()),
    ],
)  # fmt: skip
def test_each_form_of_an_old_network(objects: list[Object], kind: str, links: tuple[str, ...]) -> None:
    source = describe(cluster(objects))
    assert (source.encryption, source.encryption_links) == (kind, links)
    assert [each.severity for each in found(cluster(objects))] == ([Severity.BLOCKER] if kind else [])


def k3s(backend: str, *arguments: str, other: str = "") -> Snapshot:
    """Two nodes of k3s: a server with its arguments, and an agent, both with Flannel's annotation."""
    server = {"k3s.io/node-args": json.dumps(["server", *arguments]), **({BACKEND: backend} if backend else {})}
    agent = {BACKEND: other or backend} if backend else {}
    nodes = (make_node("worker-1", annotations=server), make_node("worker-2", annotations=agent))
    return make_snapshot(daemon_sets=(), nodes=nodes)


@pytest.mark.parametrize(
    ("snapshot", "kind"),
    [
        (k3s("WireGuard"), "wireguard"),
        (k3s("extension", "--flannel-backend", "wireguard"), "wireguard"),  # of k3s before 1.26
        (k3s("", "--flannel-backend=wireguard-native"), "wireguard"),
        (k3s("", "--flannel-backend=wireguard-native=Mode=separate"), "wireguard"),
        (k3s("", "--flannel-backend=ipsec"), "ipsec"),
        (k3s("vxlan", other="wireguard"), "wireguard"),
        (k3s("extension"), "extension"),
        (k3s("extension", "--flannel-backend=tailscale"), ""),  # the nodes' own network stays encrypted
        (k3s("extension", "--vpn-auth=name=tailscale,joinKey=k"), ""),
        (k3s("wireguard", "--flannel-backend=none"), ""),  # what it was before
        (k3s("host-gw", "--flannel-backend=host-gw", "--flannel-iface=wg0"), ""),
        (k3s("vxlan", "--flannel-backend=vxlan"), ""),
    ],
)
def test_each_form_of_k3s(snapshot: Snapshot, kind: str) -> None:
    seen = context(snapshot, source=K3S)
    assert seen.source.encryption == kind
    assert [each.severity for each in found(snapshot, source=K3S)] == ([Severity.BLOCKER] if kind else [])


def test_an_old_back_end_is_described_as_what_it_is() -> None:
    told = embedded(k3s("extension", "--flannel-backend", "wireguard"))
    assert told is not None
    assert (told.encapsulation, told.udp_port) == ("wireguard", 51820)


def other(image: str, *arguments: str, conf: str = "", password: bool = False, **variables: str) -> list[Object]:
    """A CNI that is known by its DaemonSet alone, with a file of settings."""
    agents = daemon_set("net", image, **variables)
    spec = agents["spec"]["template"]["spec"]
    spec["containers"][0]["args"] = list(arguments)
    spec["volumes"] = [{"name": "settings", "configMap": {"name": "net"}}]
    if password:
        kept = {"secretKeyRef": {"name": "net", "key": "password"}}
        spec["containers"][0]["env"].append({"name": "WEAVE_PASSWORD", "valueFrom": kept})
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "net", "namespace": "kube-system"}}
    return [agents, {**settings, "data": {"agent.conf": conf}}]


@pytest.mark.parametrize(
    ("objects", "kind"),
    [
        (other("weave-kube:2.8", password=True), "encryption"),
        (other("weave-kube:2.8"), ""),
        (other("antrea-agent:2", conf="tunnelType: geneve\ntrafficEncryptionMode: wireGuard\n"), "wireguard"),
        (other("antrea-agent:2", conf='trafficEncryptionMode: "ipsec"\n'), "ipsec"),
        (other("antrea-agent:2", conf="#trafficEncryptionMode: wireGuard\n"), ""),
        (other("antrea-agent:2", conf="trafficEncryptionMode: none\n"), ""),
        (other("kube-ovn:1", "--enable-ovn-ipsec=true"), "ipsec"),
        (other("kube-ovn:1", "--enable-ovn-ipsec=false"), ""),
        (other("kube-ovn:1", "--enable-ovn-ipsec"), "ipsec"),
        (other("ovnkube:1", OVN_ENABLE_IPSEC="true"), "ipsec"),
        (other("net:1", conf='{"encryption": "wireguard",\n "mtu": 1400}'), "wireguard"),
        (other("net:1", DISABLE_WIREGUARD="true"), ""),
        (other("amazon-k8s-cni:1", ENABLE_PREFIX_DELEGATION="true"), ""),
    ],
)
def test_a_network_that_you_describe_is_asked_for_its_encryption(objects: list[Object], kind: str) -> None:
    settings = {"kind": "generic", "title": "net", "daemonSet": "kube-system/net", "podNetworks": ["10.244.0.0/16"]}
    snapshot = cluster(objects)
    assert context(snapshot, source=settings).source.encryption == kind
    assert [each.severity for each in found(snapshot, source=settings)] == ([Severity.BLOCKER] if kind else [])


FACTS = {"worker-1": make_facts(interfaces={"eth0": 1500}, routes=(("172.30.0.0/24", "eth0"),))}


@pytest.mark.parametrize(
    ("values", "kind", "pods", "faults"),
    [
        ({"extraConfig": {"enable-wireguard": "true"}}, "wireguard", 1355, []),
        ({"extraConfig": {"enable-ipsec": "true"}}, "ipsec", 1373, []),
        ({"extraConfig": {"enable-wireguard": "false"}}, "", 1450, []),
        ({"encryption": {"enabled": True, "type": "WireGuard"}}, "WireGuard", 1450, ["encryption.type"]),
        ({"encryption": {"enabled": True, "type": "tls"}}, "tls", 1450, ["encryption.type"]),
        ({"encryption": {"enabled": False, "type": "tls"}}, "", 1450, []),
        ({"encryption": {"enabled": True}}, "ipsec", 1373, []),
    ],
)
def test_each_form_of_cilium_own(values: dict[str, Any], kind: str, pods: int, faults: list[str]) -> None:
    cilium = context(make_snapshot(facts=FACTS), cilium={"values": values}).cilium
    assert (cilium.encrypts_with, cilium.pods_mtu) == (kind, pods)
    assert [each.path for each in contradictions(cilium)] == faults


ENCRYPTING = vxlan(felix(wireguardEnabled=True))


@pytest.mark.parametrize("kind", ["ztunnel", "WireGuard"])
def test_what_does_not_encrypt_every_pod_is_no_encryption(kind: str) -> None:
    values = {"encryption": {"enabled": True, "type": kind}}
    (finding,) = found(cluster(ENCRYPTING), cilium={"values": values})
    assert (finding.severity, "Cilium would not" in finding.line) == (Severity.BLOCKER, True)


def test_what_nodes_send_themselves_is_told_of_too() -> None:
    nodes = cluster(vxlan(felix(wireguardEnabled=True, wireguardHostEncryptionEnabled=True)))
    own = {"encryption": "wireguard"}
    pods, theirs = found(nodes, cilium=own)
    assert "each only what stays within its own network" in pods.line
    assert "Calico encrypts what nodes send themselves as well, Cilium would not" in theirs.line
    assert theirs.severity is Severity.WARNING
    assert len(found(nodes, cilium={**own, "finalValues": {"encryption": {"nodeEncryption": True}}})) == 1
    assert (
        len(found(nodes, cilium={"encryption": "ipsec", "finalValues": {"encryption": {"nodeEncryption": True}}})) == 2
    )
    assert len(found(cluster(ENCRYPTING), cilium=own)) == 1
    assert describe(cluster([*calico("calico-vxlan"), VXLAN])).encrypts_nodes is False


def test_ciliums_two_ports_are_two() -> None:
    same: dict[str, Any] = {"tunnelPort": 51871, "encryption": "wireguard"}
    (finding,) = found(make_snapshot(), "tunnel-port-free", cilium=same)
    assert "cilium.tunnelPort 51871 is the UDP port of Cilium's own WireGuard" in finding.line
    assert not found(make_snapshot(), "tunnel-port-free", cilium={**same, "encryption": "none"})
