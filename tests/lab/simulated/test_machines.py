"""The simulated machines, as plain data."""

from dataclasses import replace

import pytest

from scripts.lab.simulated.networks.cilium import settings_of
from scripts.lab.simulated.nodes.machines import (
    FLANNEL_CONF,
    AgentSettings,
    Machine,
    Network,
    agent_started,
    agent_stopped,
    booted,
    conf_restored,
    conf_taken_over,
    flannel_started,
    flannel_swept,
    seen_on,
    switched_off,
)

CONF = "05-cilium.conflist"
ASIDE = AgentSettings(conf="", exclusive=True, tunnel_protocol="vxlan", tunnel_port=8473)
TAKES = replace(ASIDE, conf=CONF)
BLOCK = "10.245.0.0/24"


@pytest.fixture
def bare() -> Machine:
    return Machine(name="worker-1", address="172.20.0.10", boot_id="one", source_block="10.244.0.0/24")


@pytest.fixture
def flannel(bare: Machine) -> Machine:
    return flannel_started(bare, interface="flannel.1", port=8472)


def _with_agent(machine: Machine, settings: AgentSettings) -> Machine:
    return conf_taken_over(agent_started(machine, settings, block=BLOCK), settings)


def test_pods_get_addresses_before_any_cni_was_there_but_not_without_one_that_was(bare: Machine) -> None:
    assert (bare.network, bare.block, bare.ready) == (Network.BARE, "10.244.0.0/24", True)
    lost = replace(flannel_started(bare, interface="flannel.1", port=8472), conf=frozenset())
    assert (lost.network, lost.block, lost.ready) == (Network.NONE, "", False)


def test_an_agent_beside_flannel_leaves_the_conf_alone(flannel: Machine) -> None:
    both = _with_agent(flannel, ASIDE)
    assert both.active_conf == [FLANNEL_CONF]
    assert both.block == "10.244.0.0/24"
    assert (both.flannel_works, both.cilium_works) == (True, True)
    assert both.udp_ports == {8472, 8473}


def test_an_agent_in_charge_is_alone_and_stays_so_when_flannel_starts_anew(flannel: Machine) -> None:
    taken = _with_agent(flannel, TAKES)
    assert taken.conf == {CONF, f"{FLANNEL_CONF}.cilium_bak"}
    assert taken.block == BLOCK
    assert flannel_started(taken, interface="flannel.1", port=8472).active_conf == [CONF]


def test_no_pod_starts_on_cilium_while_its_agent_is_away(flannel: Machine) -> None:
    away = agent_stopped(_with_agent(flannel, TAKES))
    assert (away.network, away.block) == (Network.CILIUM, "")
    assert away.cilium_works


def test_a_taken_port_leaves_the_agent_without_its_tunnel(flannel: Machine) -> None:
    both = _with_agent(flannel, replace(ASIDE, tunnel_port=8472))
    assert both.agent
    assert not both.cilium_works


def test_the_old_conf_comes_back_only_when_no_agent_undoes_it(flannel: Machine) -> None:
    taken = _with_agent(flannel, TAKES)
    assert conf_restored(taken, CONF)[0].active_conf == [CONF]
    restored, wrong = conf_restored(_with_agent(agent_stopped(taken), ASIDE), CONF)
    assert (sorted(restored.conf), wrong) == ([FLANNEL_CONF], "")
    assert conf_restored(restored, CONF) == (restored, "")


def test_without_an_old_conf_cilium_s_stays(flannel: Machine) -> None:
    swept = flannel_swept(_with_agent(flannel, TAKES), ["flannel.1", "cni0"])
    assert swept.conf == {CONF}
    restored, wrong = conf_restored(agent_stopped(swept), CONF)
    assert restored.conf == {CONF}
    assert "no conf of the old CNI" in wrong


def test_a_reboot_keeps_the_disk_and_nothing_else(flannel: Machine) -> None:
    taken = _with_agent(flannel, TAKES)
    assert not switched_off(taken).ready
    again = booted(switched_off(taken), boot_id="two")
    assert (again.conf, again.boot_id, again.ready) == (taken.conf, "two", True)
    assert (again.block, again.udp_ports, sorted(again.interfaces)) == ("", frozenset(), ["eth0", "lo"])


def test_what_is_seen_on_a_machine(flannel: Machine) -> None:
    other = replace(flannel, name="worker-2", source_block="10.244.1.0/24")
    seen = seen_on(_with_agent(flannel, TAKES), [_with_agent(flannel, TAKES), other], nodes="172.20.0.0/14")
    assert seen["cni_conf"] == [CONF, f"{FLANNEL_CONF}.cilium_bak"]
    assert ["10.244.0.0/24", "cni0"] in seen["routes"]
    assert ["10.244.1.0/24", "flannel.1"] in seen["routes"]
    assert [BLOCK, "cilium_host"] in seen["routes"]
    assert seen["udp_ports"] == [8472, 8473]


def test_a_machine_survives_its_storing(flannel: Machine) -> None:
    taken = _with_agent(flannel, TAKES)
    assert Machine.read(taken.stored) == taken


def test_an_agent_reads_the_node_config_that_selects_its_node() -> None:
    live = {"custom-cni-conf": "true", "cni-exclusive": "false", "tunnel-port": "8473", "tunnel-protocol": "vxlan"}
    defaults = {
        "write-cni-conf-when-ready": f"/host/etc/cni/net.d/{CONF}",
        "custom-cni-conf": "false",
        "cni-exclusive": "true",
    }
    config = {
        "metadata": {"name": "cilium-default"},
        "spec": {"nodeSelector": {"matchLabels": {"moves": "true"}}, "defaults": defaults},
    }
    assert settings_of(live, [config], {"moves": "true"}) == TAKES
    assert settings_of(live, [config], {}) == replace(ASIDE, exclusive=False)
