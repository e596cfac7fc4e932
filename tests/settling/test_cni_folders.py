"""Where Cilium's CNI conf and plugin go: where the container run times of the nodes look for them."""

from dataclasses import replace
from typing import Any

import pytest

from components.checks.framework.context import Context
from components.checks.framework.finding import Severity
from components.checks.nodes.inspected import cni_folders
from components.checks.nodes.writable_folders import cni_folders_writable
from components.operations.snapshot import Snapshot
from components.sources import describe
from components.sources.facts.folders import mounted
from stacks.config import parse_config
from stacks.values import contradictions, final_values, migration_values, value_at
from tests.builders import FLANNEL_DAEMON_SET, make_facts, make_snapshot

K3S = ("/var/lib/rancher/k3s/agent/etc/cni/net.d", "/var/lib/rancher/k3s/data/cni")
MICRO = ("/var/snap/microk8s/current/args/cni-network", "/var/snap/microk8s/current/opt/cni/bin")
PLAIN = ("/etc/cni/net.d", "/opt/cni/bin")


def writer(conf: str, binaries: str, *, name: str = "kube-flannel-ds", **spec: Any) -> dict[str, Any]:
    """Flannel's DaemonSet with its folders mounted as its manifest mounts them."""
    template = FLANNEL_DAEMON_SET["spec"]["template"]["spec"]  # type: ignore[index]
    mounts = [{"name": "a", "mountPath": "/host/etc/cni/net.d/"}, {"name": "b", "mountPath": "/opt/cni/bin"}]
    install = {"name": "install-cni", "image": "flannel/flannel:v0.28.4", "command": ["cp"], "volumeMounts": mounts}
    volumes = [{"name": "a", "hostPath": {"path": conf}}, {"name": "b", "hostPath": {"path": binaries}}]
    pod = {**template, "initContainers": [install], "volumes": [*template["volumes"], *volumes], **spec}
    return {"metadata": {"namespace": "kube-flannel", "name": name}, "spec": {"template": {"spec": pod}}}


def seen(conf: tuple[str, ...] | None, binaries: tuple[str, ...] | None = None) -> Any:
    return make_facts(cni_folders=conf, cni_binaries=binaries)


def context(snapshot: Snapshot, **cilium: Any) -> Context:
    config = parse_config({"phase": "secondary", "cilium": cilium})
    return Context(config=config, snapshot=snapshot, source=describe(snapshot))


def paths(snapshot: Snapshot, **cilium: Any) -> tuple[str, str]:
    found = context(snapshot, **cilium).cilium
    for values in (migration_values(found), final_values(found)):
        told = tuple(value_at(values, f"cni.{each}") for each in ("confPath", "binPath"))
        assert told == tuple(
            None if path == plain and not cilium else path
            for path, plain in zip((found.cni_conf_path, found.cni_bin_path), PLAIN, strict=True)
        )
    assert contradictions(found) == []
    return found.cni_conf_path, found.cni_bin_path


@pytest.mark.parametrize("folders", [K3S, MICRO, PLAIN, ("/etc/kubernetes/cni/net.d", "/home/kubernetes/bin")])
def test_the_old_cni_says_where_they_are(folders: tuple[str, str]) -> None:
    assert paths(make_snapshot(daemon_sets=(writer(*folders),))) == folders


def test_folders_are_known_by_where_they_are_mounted_or_by_their_own_name() -> None:
    assert list(mounted(writer("/x/net", "/y/")).values()) == ["/x/net", "/y"]
    assert list(mounted(writer("/k/cni/net.d/", "/k/cni/bin", initContainers=[])).values()) == [
        "/k/cni/net.d",
        "/k/cni/bin",
    ]
    assert mounted(writer("/x/net", "/y", initContainers=[])) == {}


def test_a_part_of_a_volume_is_the_folder_in_it() -> None:
    """As a manifest that has one volume for both folders."""
    mounts = [
        {"name": "home", "mountPath": "/host/etc/cni/net.d", "subPath": "args/cni-network"},
        {"name": "home", "mountPath": "/host/opt/cni/bin", "subPath": "opt/cni/bin/"},
    ]
    install = {"name": "install-cni", "image": "calico/cni:v3.29.3", "volumeMounts": mounts}
    volumes = [{"name": "home", "hostPath": {"path": "/var/snap/microk8s/current/"}}]
    item = writer("/x", "/y", initContainers=[install], volumes=volumes)
    assert tuple(mounted(item).values()) == MICRO
    assert mounted(writer("/x", "/y", initContainers=[{**install, "volumeMounts": [
        {"name": "home", "mountPath": "/opt/cni/bin", "subPathExpr": "$(A)"}]}], volumes=volumes)) == {}  # fmt: skip


def test_one_of_several_folders_of_plugins_is_enough() -> None:
    """CRI-O and containerd 2 look into all that they are given."""
    facts = {
        "worker-1": seen(PLAIN[:1], ("/var/lib/cni/bin", "/opt/cni/bin")),
        "worker-2": seen(PLAIN[:1], ("/opt/cni/bin",)),
        "worker-3": seen(PLAIN[:1], ("/usr/libexec/cni", "/opt/cni/bin")),
    }
    snapshot = make_snapshot(facts=facts)
    assert paths(snapshot) == PLAIN
    assert list(cni_folders.find(context(snapshot))) == []


def test_of_several_folders_one_is_taken_that_can_be_written() -> None:
    """As on Fedora CoreOS, where all of /usr is read-only."""
    usr = {"/usr/libexec/cni": "is on a file system that is mounted read-only"}
    both = ("/usr/libexec/cni", "/opt/cni/bin")
    facts = {
        f"worker-{number}": make_facts(
            cni_folders=PLAIN[:1], cni_binaries=both, cni_unwritable=usr, cni_read_only=frozenset(usr)
        )
        for number in (1, 2, 3)
    }
    snapshot = make_snapshot(facts=facts)
    assert paths(snapshot) == PLAIN
    assert list(cni_folders_writable.find(context(snapshot))) == []
    alone = {name: replace(each, cni_binaries=both[:1]) for name, each in facts.items()}
    (found,) = cni_folders_writable.find(context(make_snapshot(facts=alone)))
    assert found.evidence.startswith("/usr/libexec/cni on 3 nodes (worker-1, worker-2, worker-3) is on a file system")
    assert "cni.binPath" in found.remedy


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, 1),
        ({"values": {"securityContext": {"privileged": True}}}, 0),
        ({"values": {"cni": {"binPath": "/srv/cni"}}}, 0),
    ],
)
def test_a_folder_that_belongs_to_another_is_told_before_cilium_is_there(fields: dict[str, Any], told: int) -> None:
    """As kubespray makes it."""
    theirs = {"/opt/cni/bin": "belongs to user 997 (mode 755)"}
    facts = {"worker-1": make_facts(cni_folders=PLAIN[:1], cni_binaries=PLAIN[1:], cni_unwritable=theirs)}
    snapshot = make_snapshot(facts=facts)
    found = list(cni_folders_writable.find(context(snapshot, **fields)))
    assert [each.severity for each in found] == [Severity.BLOCKER] * told
    assert list(cni_folders_writable.find(context(replace(snapshot, cilium_config={})))) == []


def test_nodes_go_before_what_the_old_cni_says() -> None:
    facts = {f"worker-{n}": seen((K3S[0],), (K3S[1],)) for n in (1, 2, 3)}
    assert paths(make_snapshot(facts=facts)) == K3S
    assert paths(make_snapshot(facts=facts, daemon_sets=(writer(*PLAIN),))) == K3S


def test_of_a_folders_names_the_one_that_the_old_cni_uses_is_taken_and_else_the_one_that_lasts() -> None:
    """A snap's folders change their names with each revision."""
    facts = {
        "worker-1": seen((MICRO[0], "/var/snap/microk8s/8234/args/cni-network"), (MICRO[1],)),
        "worker-2": seen((MICRO[0], "/var/snap/microk8s/8301/args/cni-network"), (MICRO[1],)),
    }
    assert paths(make_snapshot(facts=facts)) == MICRO
    same = {"worker-1": seen(("/a/current/net.d", "/a/7/net.d"), PLAIN[1:])}
    assert paths(make_snapshot(facts=same, daemon_sets=(writer("/a/7/net.d", PLAIN[1]),)))[0] == "/a/7/net.d"


def test_what_the_user_sets_and_what_cilium_has_stays() -> None:
    snapshot = make_snapshot(daemon_sets=(writer(*K3S),))
    assert paths(snapshot, values={"cni": {"confPath": "/own/net.d", "binPath": "/own/bin"}}) == (
        "/own/net.d",
        "/own/bin",
    )
    agent = writer("/with/cilium/net.d", "/with/cilium/bin", name="cilium")
    agent["spec"]["template"]["spec"]["containers"] = [{"name": "cilium-agent", "image": "cilium"}]
    found = context(replace(snapshot, daemon_sets=(*snapshot.daemon_sets, agent))).cilium
    assert (found.cni_conf_path, found.cni_bin_path) == ("/with/cilium/net.d", "/with/cilium/bin")


def test_what_was_settled_stays_until_nodes_say_otherwise() -> None:
    recorded = {"cni_conf_path": {"value": K3S[0], "reason": "before"}}
    assert paths(make_snapshot(settled=recorded))[0] == K3S[0]
    facts = {"worker-1": seen(PLAIN[:1])}
    assert paths(make_snapshot(settled=recorded, facts=facts))[0] == PLAIN[0]


def test_another_folder_in_the_last_phase_is_refused() -> None:
    found = context(make_snapshot(), finalValues={"cni": {"confPath": "/var/lib/cni/net.d"}}).cilium
    (fault,) = contradictions(found)
    assert (fault.path, fault.place) == ("cni.confPath", "cilium.finalValues")


@pytest.mark.parametrize(
    ("facts", "cilium", "told"),
    [
        ({"worker-1": seen(PLAIN[:1]), "worker-2": seen(PLAIN[:1]), "worker-3": seen(K3S[:1])}, {},
         ["1 node (worker-3) read CNI confs in " + K3S[0]]),
        ({"worker-1": seen(PLAIN[:1], PLAIN[1:])}, {"values": {"cni": {"confPath": K3S[0]}}},
         ["1 node (worker-1) read CNI confs in /etc/cni/net.d"]),
        ({"worker-1": seen(PLAIN[:1], ("/usr/libexec/cni",)), "worker-2": seen(PLAIN[:1], PLAIN[1:]),
          "worker-3": seen(PLAIN[:1], PLAIN[1:])}, {}, ["1 node (worker-1) read CNI plugins in /usr/libexec/cni"]),
        ({"worker-1": seen((), ())}, {}, ["the container run time of 1 node (worker-1) is none that is known"]),
        ({"worker-1": seen(None)}, {}, []),
        ({"worker-1": seen((*PLAIN[:1], K3S[0])), "worker-2": seen(K3S[:1])}, {}, []),
        ({"gone-9": seen(K3S[:1])}, {}, []),
    ],
)  # fmt: skip
def test_nodes_that_would_not_see_ciliums_conf_are_told(
    facts: dict[str, Any], cilium: dict[str, Any], told: list[str]
) -> None:
    found = [each.evidence for each in cni_folders.find(context(make_snapshot(facts=facts), **cilium))]
    assert len(found) == len(told)
    assert all(line.startswith(begin) for line, begin in zip(found, told, strict=True)), found
