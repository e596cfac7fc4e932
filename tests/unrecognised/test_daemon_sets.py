"""DaemonSets in the host's network that are recognised by what they are, and those that are not."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from components.operations.objects.model import Controller
from components.unrecognised import unknown_daemon_sets
from tests.builders import FLANNEL, FLANNEL_DAEMON_SET, make_pod, make_snapshot

Object = dict[str, Any]
PRIVILEGED: Object = {"securityContext": {"privileged": True}}


def may(*names: str) -> Object:
    return {"securityContext": {"capabilities": {"add": list(names)}}}


def daemon_set(*containers: Object, namespace: str = "infra", name: str = "agent", **spec: Any) -> Object:
    made = [{"name": "main", "image": "example.org/agent:1", **each} for each in containers]
    template = {"spec": {"hostNetwork": True, "containers": made, **spec}}
    return {"metadata": {"namespace": namespace, "name": name}, "spec": {"template": template}}


def host_path(path: str) -> Object:
    return {"volumes": [{"name": "there", "hostPath": {"path": path}}]}


def found(*items: Object, **fields: Any) -> list[tuple[str, str, str]]:
    seen = make_snapshot(daemon_sets=(FLANNEL_DAEMON_SET, *items), **fields)
    return [(each.title, each.container, each.right) for each in unknown_daemon_sets(seen, FLANNEL)]


@pytest.mark.parametrize(
    ("item", "right"),
    [
        (daemon_set(PRIVILEGED), "privileged"),
        (daemon_set(may("NET_ADMIN")), "capability NET_ADMIN"),
        (daemon_set(may("CAP_NET_ADMIN")), "capability NET_ADMIN"),
        (daemon_set(may("cap_sys_admin", "NET_RAW")), "capability SYS_ADMIN"),
        (daemon_set(may("ALL")), "capability ALL"),
        (daemon_set(may("BPF", "PERFMON")), "capability BPF"),
        (daemon_set(may("SYS_MODULE")), "capability SYS_MODULE"),
        (daemon_set({}, {"name": "side", **may("NET_ADMIN")}), "capability NET_ADMIN"),
        (daemon_set({}, initContainers=[{"name": "main", "image": "example.org/rules:2", **PRIVILEGED}]), "privileged"),
        (daemon_set({"image": "example.org/kube-proxies-mirror:1", **PRIVILEGED}), "privileged"),
        (daemon_set({"name": "kube-proxy", **PRIVILEGED}), "privileged"),
        (daemon_set(PRIVILEGED, nodeSelector={"kubernetes.io/os": "linux"}), "privileged"),
        (daemon_set(PRIVILEGED, **host_path("/var/lib/kubelet")), "privileged"),
    ],
    ids=str,
)
def test_nobody_says_what_it_does(item: Object, right: str) -> None:
    ((title, _, which),) = found(item)
    assert (title, which) == ("DaemonSet infra/agent", right)


@pytest.mark.parametrize(
    "item",
    [
        daemon_set({}),
        daemon_set(may("NET_RAW", "NET_BIND_SERVICE", "SYS_TIME")),
        daemon_set(PRIVILEGED, hostNetwork=False),
        daemon_set({"image": "registry.k8s.io/kube-proxy:v1.36.4", **PRIVILEGED}),
        daemon_set({"command": ["/usr/local/bin/kube-proxy", "--config=/x"], **PRIVILEGED}),
        daemon_set({"image": "registry.k8s.io/dns/k8s-dns-node-cache:1.26.4", **may("NET_ADMIN")}),
        daemon_set({"image": "ghcr.io/kube-vip/kube-vip:v1.0.1", **may("NET_ADMIN", "NET_RAW")}),
        daemon_set({"image": "quay.io/metallb/speaker:v0.15.2", **may("NET_RAW")}, {"name": "frr", **may("NET_ADMIN")}),
        daemon_set({"image": "quay.io/cilium/cilium:v1.19.7@sha256:aa", **may("NET_ADMIN", "SYS_MODULE")}),
        daemon_set({"image": "quay.io/cilium/cilium-envoy:v1.35", **may("NET_ADMIN", "SYS_ADMIN")}),
        daemon_set(PRIVILEGED, **host_path("/var/lib/kubelet/plugins_registry/")),
        daemon_set(PRIVILEGED, **host_path("/var/snap/k/common/var/lib/kubelet/plugins_registry")),
        daemon_set(PRIVILEGED, **host_path("/var/lib/kubelet/device-plugins")),
        daemon_set(PRIVILEGED, nodeSelector={"kubernetes.io/os": "windows"}),
        daemon_set(PRIVILEGED, namespace="cni-live-migration-nodes"),
        daemon_set({"image": "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.2.3-thick", **PRIVILEGED}),
        daemon_set({"image": "602401143452.dkr.ecr/amazon-k8s-cni:v1.20.0", **may("NET_ADMIN")}),
        daemon_set({"image": "docker.io/cloudnativelabs/kube-router:v2.5.0", **PRIVILEGED}),
    ],
    ids=str,
)  # fmt: skip
def test_what_it_is_explains_it(item: Object) -> None:
    assert found(item) == []


def test_one_whose_virtual_addresses_are_read_is_known() -> None:
    speaker = daemon_set(may("NET_ADMIN"), name="vip")
    owner = Controller(kind="DaemonSet", name="vip")
    pod = replace(
        make_pod("vip-1"), namespace="infra", controller=owner, virtual_addresses=(ip_network("10.0.0.9/32"),)
    )  # fmt: skip
    assert found(speaker, pods=(pod,)) == []
    assert len(found(speaker)) == 1
