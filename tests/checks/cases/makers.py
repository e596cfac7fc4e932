"""A case of a check on a real API server, and what makes clusters for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.checks import Severity
from stacks.values import live_settings, migration_values
from tests.builders import make_cilium
from tests.checks.site import Site

Make = Callable[[Site], None]
WAVE: dict[str, Any] = {"phase": "migrate", "waves": [["worker-1"]]}
BOTH: dict[str, Any] = {"waves": [["worker-1"], ["worker-2"]]}
LABELLED = {"io.cilium.migration/cilium-default": "true"}
ON_HOST = ({"containerPort": 8080, "hostPort": 8080},)
PORTS = ({"containerPort": 80, "hostPort": 8080},)
CONF = [{"name": "conf", "hostPath": {"path": "/etc/cni/net.d"}}]
WIREGUARD = {"kind": "generic", "podNetworks": ["10.244.0.0/16"], "encapsulation": "wireguard"}
# Nobody takes off the taint that the API server gives to each new node.
NEW_NODES = [{"operator": "Exists", "key": "node.kubernetes.io/not-ready"}]
NET_ADMIN: dict[str, Any] = {"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}
BEHIND: dict[str, Any] = {"routes": [["10.9.0.0/16", "wg7"], ["10.0.0.0/24", "eth0"]], "default_devices": ["eth0"]}
ANYWHERE = [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]
FIXED = {"annotations": {"cni.projectcalico.org/ipAddrs": '["10.244.1.9"]'}}
PLAIN_POD = {"nodeName": "worker-1", "containers": [{"name": "main", "image": "example"}]}
ONE_RELEASE = {"matchLabels": {"pod-template-hash": "5d9c"}}
APART = {
    "podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "alone"}}}
        ]
    }
}


def plain(site: Site) -> None:
    site.nodes()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One line of the table; `near` and `near_settings` are what leaves the check silent."""

    check: str
    told: str
    make: Make = plain
    settings: Mapping[str, Any] = field(default_factory=dict)
    near: Make = plain
    near_settings: Mapping[str, Any] | None = None
    severity: Severity = Severity.BLOCKER


def also(*makes: Make) -> Make:
    """Both nodes, and these."""

    def all_of_them(site: Site) -> None:
        site.nodes()
        for make in makes:
            make(site)

    return all_of_them


def pair_with(system: str) -> Make:
    def make(site: Site) -> None:
        site.node("worker-1")
        site.node("worker-2", labels={"kubernetes.io/os": system})

    return make


def labelled(labels: Mapping[str, str]) -> Make:
    def make(site: Site) -> None:
        site.node("worker-1", labels=labels)
        site.node("worker-2", labels=labels)

    return make


def looked_at(site: Site) -> None:
    """Two nodes that were looked at; one has a label."""
    site.node("worker-1", labels={"disk": "ssd"})
    site.node("worker-2")
    site.facts(worker_1={}, worker_2={})


def kubelet_of(name: str, version: str) -> Make:
    """Two nodes, of which one's kubelet is of another build."""

    def make(site: Site) -> None:
        site.nodes()
        info = site.cluster.get(f"/api/v1/nodes/{name}")["status"]["nodeInfo"]
        body = {"status": {"nodeInfo": {**info, "kubeletVersion": version}}}
        site.cluster.patch(f"/api/v1/nodes/{name}/status", body)

    return make


def flannel_on(*names: str) -> Make:
    """Pods of the old CNI on these nodes."""

    def make(site: Site) -> None:
        accounts = "/api/v1/namespaces/kube-flannel/serviceaccounts"
        if not site.cluster.find(f"{accounts}/default"):
            site.add(accounts, {"metadata": {"name": "default"}})
        for name in names:
            of = {"owner": "DaemonSet", "of": "kube-flannel-ds", "namespace": "kube-flannel"}
            site.pod(f"flannel-{name}", node=name, hostNetwork=True, **of)  # type: ignore[arg-type]

    return make


def confs(plugins: Mapping[str, Sequence[str]]) -> Make:
    """CNI confs on the first node, by the plugins that each names."""
    return lambda site: site.facts(worker_1={"cni_conf": list(plugins), "cni_plugins": plugins})


def tainted(key: str) -> Make:
    def make(site: Site) -> None:
        site.cluster.patch("/api/v1/nodes/worker-1", {"spec": {"taints": [{"key": key, "effect": "NoSchedule"}]}})

    return make


def half_way(site: Site) -> None:
    site.nodes(first="migrated")
    site.cilium()


def also_half_way(*makes: Make) -> Make:
    """The first node has moved; and these."""

    def all_of_them(site: Site) -> None:
        half_way(site)
        for make in makes:
            make(site)

    return all_of_them


def moved(site: Site) -> None:
    site.nodes(first="migrated", second="migrated")
    site.cilium()


def beside(site: Site) -> None:
    """Cilium as it was installed when no pod asked for a host port."""
    site.cilium()


def alone(site: Site) -> None:
    site.nodes(first="migrated", second="migrated")
    site.cilium(alone=True)


def without_flannel(site: Site) -> None:
    alone(site)
    site.cluster.delete("/apis/apps/v1/namespaces/kube-flannel/daemonsets/kube-flannel-ds")


def apart(nodes: int) -> Make:
    def make(site: Site) -> None:
        for number in range(1, nodes + 1):
            site.node(f"worker-{number}")
        for number in (1, 2):
            site.pod(f"alone-{number}", app="alone", node=f"worker-{number}", owner="StatefulSet", affinity=APART)

    return make


def owned(site: Site) -> None:
    """The ReplicaSet of the pod `web`."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "example"}]}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    site.namespaced("replicasets", "web-owner", group="/apis/apps/v1", spec=spec)


def static(**spec: Any) -> Make:
    """The API server's picture of a pod that the kubelet of worker-1 has from a file."""

    def make(site: Site) -> None:
        owner = {"apiVersion": "v1", "kind": "Node", "name": "worker-1", "uid": "x", "controller": True}
        metadata = {"annotations": {"kubernetes.io/config.mirror": "x"}, "ownerReferences": [owner]}
        body = {"nodeName": "worker-1", "containers": [{"name": "main", "image": "example"}], **spec}
        site.namespaced("pods", "proxy", metadata=metadata, spec=body, status={"phase": "Running"})

    return make


def enforced(site: Site) -> None:
    site.daemon_set("router", image="cloudnativelabs/kube-router:v2")


def webhook(*nodes: str) -> Make:
    def make(site: Site) -> None:
        site.service("hook")
        site.webhook("policy")
        for number, node in enumerate(nodes):
            site.pod(f"hook-{number}", app="hook", node=node)

    return make


def by_hand(address: str) -> Make:
    """Endpoints of a Service without selector."""
    labels = {"kubernetes.io/service-name": "db", "endpointslice.kubernetes.io/managed-by": "somebody"}

    def make(site: Site) -> None:
        site.namespaced(
            "endpointslices", "db", group="/apis/discovery.k8s.io/v1", metadata={"labels": labels},
            addressType="IPv4", ports=[], endpoints=[{"addresses": [address]}],
        )  # fmt: skip

    return make


def stores(server: str) -> Make:
    volumes = [{"name": "data", "nfs": {"server": server, "path": "/data"}}]
    return lambda site: site.namespaced("pods", "store", spec={**PLAIN_POD, "volumes": volumes})


def agent(*, ready: bool) -> Make:
    def make(site: Site) -> None:
        site.cilium()
        site.namespaced("configmaps", "cilium-config", data=live_settings(migration_values(make_cilium())))
        site.pod("cilium-x", app="cilium", owner="DaemonSet", ready=ready, labels={"k8s-app": "cilium"})

    return make


def metrics(*, hostNetwork: bool) -> Make:  # noqa: N803 (the API's name)
    def make(site: Site) -> None:
        site.service("metrics")
        site.api_service("metrics")
        site.pod("metrics", hostNetwork=hostNetwork)

    return make


def two_more(site: Site) -> None:
    """Two nodes with addresses of one network, and a Cilium whose agents each take their own device's MTU."""
    site.cilium()
    site.node("worker-3", address="10.0.0.3")
    site.node("worker-4", address="10.0.0.4")
