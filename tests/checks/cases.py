"""Each check on a real API server: what makes it fire, and the nearest thing that does not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.checks import Severity
from components.names import NAMESPACE
from stacks.values import live_settings, migration_values
from tests.builders import make_cilium
from tests.checks.site import Site, at

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


CASES = (
    Case(check="foreign-cilium", told="did not install", make=also(lambda s: s.cilium(recorded=False)),
         near=also(lambda s: s.cilium())),
    Case(check="strategy-kept", told="began with strategy 'toy', config says 'hybrid'",
         make=also(lambda s: s.cilium(strategy="toy")), near=also(lambda s: s.cilium(strategy="hybrid"))),
    Case(check="one-run", told="another run works on this cluster: alice@elsewhere/1",
         make=also(lambda s: s.lease("migration", namespace=NAMESPACE, renewed=at(-90), holder="alice@elsewhere/1",
                                     seconds=3600)),
         near=also(lambda s: s.lease("migration", namespace=NAMESPACE, renewed=at(), holder=None, seconds=3600))),
    Case(check="pods-accepted", told="maximum memory usage per Container is 16Mi",
         make=also(lambda s: s.at_most("16Mi", namespace=NAMESPACE)),
         near=also(lambda s: s.at_most("1Gi", namespace=NAMESPACE)),
         near_settings={"pods": {"resources": {"limits": {"memory": "64Mi"}}}}),
    Case(check="pods-quota", told="2 nodes side by side need of ResourceQuota cni-live-migration/few: count/pods 2, of",
         settings={"phase": "migrate", "waves": [["worker-1", "worker-2"]]}, make=also(lambda s: s.few_pods(1)),
         near=also(lambda s: s.few_pods(2))),
    Case(check="pods-fit", told="node worker-1 has 4.0 cores, 8.0 GiB, 110 pods left in its turn, and our pods ask",
         settings={**WAVE, "pods": {"resources": {"requests": {"cpu": 5}}}}, near_settings=WAVE),
    Case(check="pods-fit", told="node worker-1 has 0.0 cores", make=also(lambda s: s.pod("full", cores="4")),
         settings={**WAVE, "drain": {"inPlace": True}}, near=also(lambda s: s.pod("full", cores="4")),
         near_settings=WAVE),
    Case(check="pods-references", told="there is no PriorityClass high",
         settings={"pods": {"priorityClass": "high"}},
         near_settings={"pods": {"priorityClass": "system-node-critical"}}),
    Case(check="pods-node-selector", told="keeps our pods off worker-1, worker-2, where they must be",
         settings={"pods": {"nodeSelector": {"disk": "ssd"}}}, near=labelled({"disk": "ssd"})),
    Case(check="pods-node-selector", told="keeps our pods off worker-2, where they must be", severity=Severity.WARNING,
         make=looked_at, settings={**WAVE, "pods": {"nodeSelector": {"disk": "ssd"}}}, near=labelled({"disk": "ssd"})),
    Case(check="nodes-known", told="node worker-9 of the waves is not in the cluster",
         settings={"phase": "migrate", "waves": [["worker-9"]]}, near_settings=WAVE),
    Case(check="nodes-linux", told="node worker-2 of the waves is no Linux machine",
         settings={**BOTH, "phase": "migrate"}, make=pair_with("windows"), near=pair_with("linux")),
    Case(check="nodes-linux", told="virtual nodes (worker-1), where none starts: no label tells it from a machine",
         make=also(tainted("virtual-kubelet.io/provider")), severity=Severity.WARNING),
    Case(check="windows-nodes", told="1 Windows node (worker-2) on Flannel, which is to go",
         settings={"phase": "cleanup", **BOTH}, make=pair_with("windows"), near=pair_with("linux")),
    Case(check="node-managers", told="kured (pod shop/reboots) works on the nodes too", severity=Severity.WARNING,
         make=also(lambda s: s.daemon_set("reboots"), lambda s: s.pod(
             "reboots", image="ghcr.io/kubereboot/kured:1.17.0", owner="DaemonSet", of="reboots")), settings=WAVE,
         near=also(lambda s: s.pod("reboots", image="ghcr.io/kubereboot/kured-alerts:1.17.0"))),
    Case(check="node-managers", told="the cluster autoscaler (pod shop/scaler) works on", severity=Severity.WARNING,
         make=also(lambda s: s.pod("scaler", image="registry.k8s.io/autoscaling/cluster-autoscaler:v1.34.0")),
         settings=WAVE, near_settings={**WAVE, "holdAutoscalers": True},
         near=also(lambda s: s.pod("scaler", image="registry.k8s.io/autoscaling/cluster-autoscaler:v1.34.0"))),
    Case(check="nodes-inspected", told="1 node (worker-2) not looked at", severity=Severity.NOTE,
         make=also(lambda s: s.facts(worker_1={})), near=also(lambda s: s.facts(worker_1={}, worker_2={}))),
    Case(check="secondary-complete", told="there is no CiliumNodeConfig", make=also(lambda s: s.cilium()),
         settings=WAVE, near_settings={"phase": "secondary"}),
    Case(check="secondary-complete", told="moves nodes, but Cilium is not installed yet", settings=WAVE,
         near_settings={"phase": "secondary"}),
    Case(check="all-nodes-migrated", told="1 of 2 are: worker-2 is not", settings={"phase": "finalize", **BOTH},
         make=half_way, near=moved),
    Case(check="finalize-complete", told="needs phase 'finalize' to be complete", make=moved, near=alone,
         settings={"phase": "cleanup", **BOTH}),
    Case(check="no-way-back", told="worker-2 left `waves`", make=alone,
         settings={"phase": "finalize", "waves": [["worker-1"]]},
         near=alone, near_settings={"phase": "finalize", **BOTH}),
    Case(check="no-way-back", told="Flannel is gone from the cluster, so phase 'finalize'", make=without_flannel,
         settings={"phase": "finalize", **BOTH}, near=without_flannel,
         near_settings={"phase": "cleanup", "cleanup": {"consent": "flannel"}, **BOTH}),
    Case(check="way-back-written", told="1 node (worker-1) had a turn", make=half_way, settings={"phase": "migrate"},
         near_settings={"phase": "migrate", **BOTH}, near=half_way),
    Case(check="way-back-written", told="no `phase`, and the cluster is in phase 'migrate'", make=half_way,
         near_settings={"phase": "migrate", "waves": []}, near=half_way),
    Case(check="way-back", told="takes 1 node back to Flannel: worker-1", make=half_way, near=half_way,
         settings={"phase": "migrate", "waves": []}, near_settings=WAVE, severity=Severity.WARNING),
    Case(check="way-back-drainable", told="budget shop/web needs 1 available, has 1", severity=Severity.WARNING,
         make=also_half_way(lambda s: s.pod("web"), lambda s: s.budget("web", app="web", healthy=1, desired=1)),
         near=also_half_way(lambda s: s.budget("web", app="web", healthy=1, desired=1)),
         settings={"phase": "migrate", "waves": []}),
    Case(check="way-back-drainable", told="static pod shop/proxy keeps its address of Cilium until the node restarts",
         make=also_half_way(static()), near=also_half_way(static(hostNetwork=True)), severity=Severity.WARNING,
         settings={"phase": "migrate", "waves": []}),
    Case(check="cilium-kept", told="Cilium runs in namespace shop",
         make=also(lambda s: s.agents(), lambda s: s.record()),
         settings=WAVE, near_settings={**WAVE, "cilium": {"namespace": "shop"}}),
    Case(check="cilium-kept", told="runs Cilium 1.18.5, and cilium.version is not set",
         make=also(lambda s: s.agents(image="cilium:v1.18.5")),
         settings={"phase": "secondary", "cilium": {"namespace": "shop"}},
         near_settings={"phase": "secondary", "cilium": {"namespace": "shop", "version": "1.19.7"}}),
    Case(check="cilium-kept", told="cannot be read from its image example", make=also(lambda s: s.agents()),
         near_settings={"phase": "secondary", "cilium": {"namespace": "shop", "version": "1.19.7"}},
         settings={"phase": "secondary", "cilium": {"namespace": "shop"}}, severity=Severity.WARNING),
    Case(check="cilium-taints", told="the taint node.cilium.io/agent-not-ready is on 1 node (worker-1)",
         make=also(tainted("node.cilium.io/agent-not-ready")), near=also(tainted("node.example.org/agent-not-ready")),
         severity=Severity.WARNING),
    Case(check="helm-operation", told="sh.helm.release.v1.cilium.v2 says 'pending-upgrade'",
         make=also(lambda s: s.helm_revision(1), lambda s: s.helm_revision(2, status="pending-upgrade")),
         near=also(lambda s: s.helm_revision(1, status="pending-upgrade"), lambda s: s.helm_revision(2)),
         settings={"phase": "secondary", "cilium": {"namespace": "shop"}}),
    Case(check="cleanup-consent", told="removes Flannel for good", settings={"phase": "cleanup"},
         near_settings={"phase": "cleanup", "cleanup": {"consent": "flannel"}}),
    Case(check="required-workloads", told="DaemonSet shop/store has 1 of 2 pods ready",
         make=also(lambda s: s.daemon_set("store", status={"numberReady": 1, "desiredNumberScheduled": 2})),
         near=also(lambda s: s.daemon_set(
             "store", status={"numberReady": 2, "desiredNumberScheduled": 2, "observedGeneration": 1})),
         settings={"preflight": {"required": ["DaemonSet shop/store"]}}),
    Case(check="required-workloads", told="0 of 1 pods ready, and preflight.watched names it",
         make=also(lambda s: s.daemon_set("store", status={"numberReady": 0, "desiredNumberScheduled": 1})),
         near=also(lambda s: s.daemon_set(
             "store", status={"numberReady": 1, "desiredNumberScheduled": 1, "observedGeneration": 1})),
         settings={"preflight": {"watched": ["DaemonSet shop/store"]}}),
    Case(check="cleanup-removals", told="names DaemonSet kube-system/cilium, which is Cilium's and must stay",
         settings={"cleanup": {"remove": ["DaemonSet kube-system/cilium", "DaemonSet shop/cilium-of-ours"]}},
         near_settings={"cleanup": {"remove": ["DaemonSet shop/cilium-of-ours"]}}),
    Case(check="cleanup-removals", told="together with Flannel go DaemonSet shop/store: there is no way back",
         make=also(lambda s: s.daemon_set("store")), near=also(lambda s: s.daemon_set("store")),
         settings={"phase": "cleanup", "cleanup": {"remove": ["DaemonSet shop/store"]}},
         near_settings={"phase": "finalize", "cleanup": {"remove": ["DaemonSet shop/store"]}},
         severity=Severity.WARNING),
    Case(check="required-workloads", told="Deployment shop/none does not exist",
         settings={"preflight": {"required": ["Deployment shop/none"]}}, near_settings={}),
    Case(check="cilium-version", told="1.15.3", settings={"cilium": {"version": "1.15.3"}}, near_settings={},
         severity=Severity.WARNING),
    Case(check="kubernetes-tested", told="Cilium 1.16 is tested with 1.27 to 1.30", severity=Severity.WARNING,
         settings={"cilium": {"version": "1.16.19"}}, near_settings={"cilium": {"version": "1.20.2"}}),
    Case(check="kernel-version", told="1 node (worker-3) with kernel 5.4.0-200-generic, Cilium 1.19 needs 5.10",
         make=also(lambda s: s.node("worker-3", kernel="5.4.0-200-generic")),
         near=also(lambda s: s.node("worker-3", kernel="5.10.0-8-amd64"),
                   lambda s: s.node("worker-4", kernel="4.18.0-553.el8_10.x86_64"))),
    Case(check="kernel-version", told="1 node (worker-3) with kernel 4.18.0-372.el8_6.x86_64, Cilium 1.17 needs 5.4",
         make=also(lambda s: s.node("worker-3", kernel="4.18.0-372.el8_6.x86_64")),
         near=also(lambda s: s.node("worker-3", kernel="5.4.0-200-generic")),
         settings={"cilium": {"version": "1.17.6"}}),
    Case(check="kernel-features", told="the kernel of 1 node (worker-2) was built without CONFIG_NET_CLS_BPF",
         make=also(lambda s: s.facts(worker_1={}), lambda s: s.facts(1, worker_2={"kernel_lacks": ["NET_CLS_BPF"]})),
         near=also(lambda s: s.facts(worker_1={}, worker_2={"kernel_lacks": ["GENEVE"]})),
         settings={"phase": "secondary"}),
    Case(check="kernel-features", told="without CONFIG_NET_CLS_BPF", settings=WAVE,
         make=also(lambda s: s.cilium(), lambda s: s.facts(worker_2={"kernel_lacks": ["NET_CLS_BPF"]})),
         near=also(lambda s: s.cilium(), lambda s: s.facts(worker_2={}))),
    Case(check="kernel-features", told="without CONFIG_GENEVE",
         settings={"phase": "secondary", "cilium": {"tunnelProtocol": "geneve"}},
         make=also(lambda s: s.facts(worker_2={"kernel_lacks": ["GENEVE"]})), near_settings={"phase": "secondary"},
         near=also(lambda s: s.facts(worker_2={"kernel_lacks": ["GENEVE"]}))),
    Case(check="cilium-leftovers", told="node worker-1 has /etc/cni/net.d/05-cilium.conflist, device cilium_host",
         make=also(lambda s: s.facts(worker_1={
             "cni_conf": ["05-cilium.conflist"], "interfaces": {"cilium_host": 1500}})),
         near=also(lambda s: s.cilium(), lambda s: s.facts(worker_1={"cni_conf": ["05-cilium.conflist"]})),
         settings={"phase": "secondary"}),
    Case(check="cilium-leftovers", told="node worker-1 has /etc/cni/net.d/10-x.conf.cilium_bak",
         make=also(lambda s: s.facts(worker_1={"cni_conf": ["10-flannel.conflist", "10-x.conf.cilium_bak"]})),
         near=also(lambda s: s.facts(worker_1={})), severity=Severity.WARNING),
    Case(check="distribution", told="the cluster is OpenShift (node worker-1 has label node.openshift.io/os_id)",
         make=labelled({"node.openshift.io/os_id": "rhel"}), near=labelled({"openshift.io/os_id": "rhel"})),
    Case(check="cni-folders", told="(worker-2) read CNI confs in /var/lib/other/net.d, and Cilium's are to be in",
         make=also(lambda s: s.facts(worker_1={"cni_folders": ["/etc/cni/net.d"]},
                                     worker_2={"cni_folders": ["/var/lib/other/net.d"]})),
         near=also(lambda s: s.facts(worker_1={"cni_folders": ["/var/lib/other/net.d"]},
                                     worker_2={"cni_folders": ["/etc/cni/net.d", "/var/lib/other/net.d"]}))),
    Case(check="cni-folders", told="the container run time of 1 node (worker-2) is none that is known",
         make=also(lambda s: s.facts(worker_2={"cni_folders": []})), near=also(lambda s: s.facts(worker_2={})),
         severity=Severity.WARNING),
    Case(check="nodes-placed", told="kubelet of 1 node (worker-2) is of a build (+acme.3) that no known distribution",
         make=kubelet_of("worker-2", "v1.33.1+acme.3"), near=kubelet_of("worker-2", "v1.33.1-rc.1"),
         severity=Severity.WARNING),
    Case(check="nodes-placed", told="no pod of Flannel runs on 1 node (worker-2): which network pods have there is not",
         make=also(flannel_on("worker-1")), near=also(flannel_on("worker-1", "worker-2")), severity=Severity.WARNING),
    Case(check="cni-confs-placed", told="20-acme.conflist on 1 node (worker-1): it names acme-net, portmap; not",
         make=also(confs({"10-flannel.conflist": ["flannel"], "20-acme.conflist": ["acme-net", "portmap"]})),
         near=also(confs({"10-flannel.conflist": ["flannel"], "87-podman.conflist": ["bridge", "portmap"]})),
         severity=Severity.WARNING),
    Case(check="host-network-placed", told="DaemonSet shop/tunnels has the host's network and may change it (container",
         make=also(lambda s: s.daemon_set("tunnels", image="acme/tunnels", hostNetwork=True,
                                          containers=[{"name": "a", "image": "acme/tunnels", **NET_ADMIN}])),
         near=also(lambda s: s.daemon_set("tunnels", image="acme/tunnels", hostNetwork=True)),
         severity=Severity.WARNING),
    Case(check="routes-placed", told="1 network (10.9.0.0/16) reached through device wg7 on 1 node (worker-1)",
         make=also(lambda s: s.facts(worker_1={**BEHIND, "addresses": [["eth0", "10.0.0.1/24"]]})),
         near=also(lambda s: s.facts(worker_1={**BEHIND, "addresses": [["eth0", "10.0.0.1/24"],
                                                                       ["wg7", "10.9.0.1/16"]]})),
         severity=Severity.WARNING),
    Case(check="cni-folders-writable", told="/opt/cni/bin on 1 node (worker-2) belongs to user 997 (mode 755)",
         settings={"phase": "secondary"},
         make=also(lambda s: s.facts(worker_2={"cni_unwritable": {
             "/opt/cni/bin": "belongs to user 997 (mode 755)", "/usr/libexec/cni": "belongs to user 1 (mode 755)"}})),
         near_settings={"phase": "secondary", "cilium": {"values": {"securityContext": {"privileged": True}}}},
         near=also(lambda s: s.facts(worker_2={"cni_unwritable": {
             "/opt/cni/bin": "belongs to user 997 (mode 755)"}}))),
    Case(check="cni-folders-writable", told="/opt/cni/bin on 1 node (worker-1) is on a file system that is mounted",
         make=also(lambda s: s.facts(worker_1={"cni_unwritable": {
             "/opt/cni/bin": "is on a file system that is mounted in a way of its own"},
             "cni_read_only": ["/opt/cni/bin"]})),
         near=also(lambda s: s.facts(worker_1={"cni_unwritable": {
             "/usr/lib/cni": "is on a file system that is mounted read-only"}})), severity=Severity.WARNING),
    Case(check="mtu-equal", told="1500 on 1 node (worker-3); 9001 on 1 node (worker-4)", severity=Severity.WARNING,
         make=also(two_more,
                   lambda s: s.facts(worker_3={"routes": [["10.0.0.0/24", "eth0"]]},
                                     worker_4={"routes": [["10.0.0.0/24", "ens5"]], "interfaces": {"ens5": 9001}})),
         near=also(two_more,
                   lambda s: s.facts(worker_3={"routes": [["10.0.0.0/24", "eth0"]]},
                                     worker_4={"routes": [["10.0.0.0/24", "ens5"]], "interfaces": {"ens5": 1500}}))),
    Case(check="cni-confs", told="1 node (worker-1) with 2 CNI confs: 10-flannel.conflist, 99-bridge.conf",
         make=also(lambda s: s.facts(worker_1={"cni_conf": ["10-flannel.conflist", "99-bridge.conf"]})),
         near=also(lambda s: s.facts(worker_1={"cni_conf": ["10-flannel.conflist", "99-bridge.conf.old"]})),
         severity=Severity.WARNING),
    Case(check="rp-filter", told="rp_filter is 1 on 1 node (worker-2)", severity=Severity.WARNING,
         make=also(lambda s: s.facts(worker_1={"rp_filter": 2}, worker_2={"rp_filter": 1})),
         near=also(lambda s: s.facts(worker_1={"rp_filter": 2}, worker_2={"rp_filter": 0}))),
    Case(check="agents-ready", told="shop/cilium-x on node worker-1 is not Ready", make=also(agent(ready=False)),
         near=also(agent(ready=True)), settings={**WAVE, "cilium": {"namespace": "shop"}}),
    Case(check="agents-ready", told="Cilium's agent is not Ready on 1 node (worker-1)", make=also(agent(ready=False)),
         near=also(agent(ready=True)), settings={"phase": "secondary", "cilium": {"namespace": "shop"}},
         severity=Severity.WARNING),
    Case(check="agents-ready", told="no agent of Cilium runs on node worker-2",
         make=also(agent(ready=True), lambda s: s.agents()),
         near=also(agent(ready=True), lambda s: s.agents()), near_settings={**WAVE, "cilium": {"namespace": "shop"}},
         settings={"phase": "migrate", "waves": [["worker-2"]], "cilium": {"namespace": "shop"}}),
    Case(check="managed-control-plane", told="pods answer what the API server asks: v1.x.example.org",
         make=also(metrics(hostNetwork=False)), near=also(metrics(hostNetwork=True)), severity=Severity.WARNING),
    Case(check="managed-control-plane", told="webhook policy.example.org", make=also(webhook("worker-1", "worker-2")),
         near=also(webhook("worker-1"), lambda s: s.pod("konnectivity-agent-x")), severity=Severity.WARNING),
    Case(check="pod-cidr-free", told="overlaps 10.96.0.0/16, which is used by the cluster's Services",
         settings={"cilium": {"podCidr": "10.96.0.0/12"}}, near_settings={}),
    Case(check="pod-addresses-known", told="an address in 10.66.0.0/24, which is outside of 10.244.0.0/16: shop/web",
         make=also(lambda s: s.pod("web", address="10.66.0.5")), severity=Severity.WARNING,
         near=also(lambda s: s.pod("web", address="10.66.0.5", hostNetwork=True))),
    Case(check="pod-cidr-capacity", told="holds 2 blocks of /17, the cluster has 3 nodes",
         make=also(lambda s: s.node("worker-3")),
         settings={"cilium": {"podCidr": "10.245.0.0/16", "nodeMaskSize": 17}}),
    Case(check="tunnel-port-free", told="used by pod shop/game",
         make=also(lambda s: s.pod("game", ports=[{"containerPort": 1, "hostPort": 8473, "protocol": "UDP"}])),
         settings={"cilium": {"tunnelPort": 8473}},
         near=also(lambda s: s.pod("game", ports=[{"containerPort": 1, "hostPort": 8473}]))),
    Case(check="method-values", told="sets policyEnforcementMode",
         settings={"cilium": {"values": {"policyEnforcementMode": "always"}}}, near_settings={}),
    Case(check="encryption-ends", told="encrypts pods' traffic between nodes by WireGuard, Cilium would not",
         settings={"phase": "secondary", "source": WIREGUARD},
         near_settings={"phase": "secondary", "source": {**WIREGUARD, "encapsulation": "ipip"}}),
    Case(check="encryption-ends", told="each only what stays within its own network", severity=Severity.WARNING,
         settings={"source": WIREGUARD, "cilium": {"encryption": "wireguard"}}, near_settings={}),
    Case(check="encryption-fits", told="takes UDP 51871, which the old network has",
         settings={"source": {**WIREGUARD, "udpPort": 51871}, "cilium": {"encryption": "wireguard"}},
         near_settings={"source": {**WIREGUARD, "udpPort": 51820}, "cilium": {"encryption": "wireguard"}}),
    Case(check="encryption-fits", told="the kernel of 1 node (worker-3) is older than 5.6 and has no WireGuard",
         make=also(lambda s: s.node("worker-3", kernel="5.4.0-200-generic")),
         near=also(lambda s: s.node("worker-3", kernel="5.10.0-8-amd64")),
         settings={"cilium": {"encryption": "wireguard"}}, near_settings={"cilium": {"encryption": "wireguard"}}),
    Case(check="encryption-fits", told="Secret kube-system/cilium-ipsec-keys with its keys is not there",
         near=also(lambda s: s.namespaced("secrets", "cilium-ipsec-keys", namespace="kube-system")),
         settings={"cilium": {"encryption": "ipsec"}}),
    Case(check="encryption-fits", told="Secret kube-system/keys-of-ours with its keys is not there",
         make=also(lambda s: s.namespaced("secrets", "cilium-ipsec-keys", namespace="kube-system")),
         near=also(lambda s: s.namespaced("secrets", "keys-of-ours", namespace="kube-system")),
         settings={"cilium": {"encryption": "ipsec", "values": {"encryption": {"ipsec": {
             "secretName": "keys-of-ours"}}}}}),
    Case(check="nodes-ready", told="node worker-3 is NotReady", make=also(lambda s: s.node("worker-3", conditions=())),
         settings={"phase": "secondary"}),
    Case(check="node-conditions", told="node worker-3 has MemoryPressure, NetworkUnavailable",
         make=also(lambda s: s.node("worker-3", conditions=("Ready", "MemoryPressure", "NetworkUnavailable"))),
         severity=Severity.WARNING),
    Case(check="clocks", told="the clock of node worker-1 is", severity=Severity.WARNING,
         make=also(lambda s: s.lease("worker-1", namespace="kube-node-lease", renewed=at(-90))),
         near=also(lambda s: s.lease("worker-1", namespace="kube-node-lease", renewed=at()))),
    Case(check="dual-stack", told="1 Service with an IPv6 address (shop/six)", settings=WAVE,
         make=also(lambda s: s.service("six", ipFamilies=["IPv6"])), near=also(lambda s: s.service("four"))),
    Case(check="dual-stack", told="1 node with an IPv6 range for pods (worker-3)", severity=Severity.WARNING,
         make=also(lambda s: s.node("worker-3", pod_cidrs=("10.244.3.0/24", "fd00:3::/64"))),
         near=also(lambda s: s.node("worker-3", pod_cidrs=("10.244.3.0/24",)))),
    Case(check="host-ports", told="1 pod with a `hostPort` would not be reached", settings=WAVE,
         make=also(beside, lambda s: s.pod("edge", owner="DaemonSet", ports=PORTS)),
         near=also(beside, lambda s: s.pod("edge", owner="DaemonSet", ports=PORTS)),
         near_settings={**WAVE, "cilium": {"values": {"cni": {"chainingMode": "portmap"}}}}),
    Case(check="host-ports", told="shop/edge (8080)", settings=WAVE, severity=Severity.WARNING,
         make=also(beside, lambda s: s.pod("edge", ports=PORTS)),
         near=also(beside, lambda s: s.pod("edge", ports=ON_HOST, hostNetwork=True)), near_settings={}),
    Case(check="host-ports", told="shop/edge (8080)", severity=Severity.WARNING, near_settings={},
         settings={"cilium": {"values": {"cni": {"chainingMode": "none"}}}},
         make=also(lambda s: s.pod("edge", ports=PORTS)), near=also(lambda s: s.pod("edge", ports=PORTS))),
    Case(check="chained-plugins", told="Multus is chained into the nodes' CNI conf (DaemonSet shop/net)", settings=WAVE,
         make=also(lambda s: s.daemon_set("net", image="ghcr.io/k8snetworkplumbingwg/multus-cni:v4.2"))),
    Case(check="chained-plugins", told="DaemonSet shop/writer can write CNI conf", severity=Severity.WARNING,
         make=also(lambda s: s.daemon_set("writer", volumes=CONF, mounts=[{"name": "conf", "mountPath": "/c"}])),
         near=also(lambda s: s.daemon_set(
             "reader", volumes=CONF, mounts=[{"name": "conf", "mountPath": "/c", "readOnly": True}]))),
    Case(check="control-plane-last", told="wave 1 moves workers after control-plane node worker-3",
         make=also(lambda s: s.node("worker-3", labels={"node-role.kubernetes.io/control-plane": ""})),
         settings={"phase": "migrate", "waves": [["worker-3"], ["worker-1"]]},
         near=also(lambda s: s.node("worker-3")), near_settings={"phase": "migrate", "waves": [["worker-3"]]}),
    Case(check="spare-capacity", told="ask for 3.0 cores", settings=WAVE, severity=Severity.WARNING,
         make=also(lambda s: s.pod("large", cores="3"), lambda s: s.pod("there", node="worker-2", cores="1500m")),
         near=also(lambda s: s.pod("large", cores="3"), lambda s: s.pod("there", node="worker-2", cores="500m"))),
    Case(check="drainable", told="budget shop/web needs 1 available, has 1", settings=WAVE,
         make=also(lambda s: s.pod("web"), lambda s: s.budget("web", app="web", healthy=1, desired=1)),
         near=also(lambda s: s.budget("web", app="web", healthy=1, desired=1))),
    Case(check="replacements-placed", told="0 of 2 nodes: worker-1 cordoned for the wave, worker-2 without room (cpu)",
         make=also(owned, lambda s: s.pod("web", cores="5", tolerations=NEW_NODES)), severity=Severity.WARNING,
         settings=WAVE,
         near=also(owned, lambda s: s.pod("web", cores="3", tolerations=NEW_NODES))),
    Case(check="replacements-known", told="scheduler other decides, whose rules are not known", settings=WAVE,
         make=also(owned, lambda s: s.pod("web", schedulerName="other")), severity=Severity.WARNING,
         near=also(owned, lambda s: s.pod("web"))),
    Case(check="staying-pods-renewed", told="static pod shop/proxy keeps its old address", settings=WAVE,
         make=also(static()), near=also(static(hostNetwork=True))),
    Case(check="budgets", told="pod shop/web is under 2 budgets (one, two)", severity=Severity.WARNING,
         make=also(lambda s: s.pod("web"), lambda s: s.budget("one", app="web", healthy=2, desired=1, allowed=1),
                   lambda s: s.budget("two", app="web", healthy=2, desired=1, allowed=1)),
         near=also(lambda s: s.pod("web"), lambda s: s.budget("one", app="web", healthy=2, desired=1, allowed=1))),
    Case(check="budgets", told="budget shop/web needs 1 available, has 1", severity=Severity.WARNING,
         make=also(lambda s: s.pod("web"), lambda s: s.budget("web", app="web", healthy=1, desired=1)),
         near=also(lambda s: s.pod("web", owner="DaemonSet"),
                   lambda s: s.budget("web", app="web", healthy=1, desired=1))),
    Case(check="admission-webhooks", told="is answered on node worker-1 alone", make=also(webhook("worker-1")),
         near=also(lambda s: s.webhook("lenient", policy="Ignore"), lambda s: s.webhook("maps", resource="configmaps")),
         severity=Severity.WARNING),
    Case(check="admission-webhooks", told="1 webhook must answer", make=also(webhook("worker-1", "worker-2")),
         severity=Severity.NOTE),
    Case(check="dns-restart-loop", told="unmanaged-pod-watcher-interval is '15s', must be '0'",
         make=also(lambda s: s.cilium(unmanaged_pod_watcher_interval="15s")), near=also(lambda s: s.cilium()),
         settings={"phase": "secondary"}, severity=Severity.WARNING),
    Case(check="network-policies", told="nothing in sight enforces 1 policy today", severity=Severity.NOTE,
         make=also(lambda s: s.policy("deny")),
         near=also(lambda s: s.namespaced(
             "networkpolicies", "probe", namespace=NAMESPACE, group="/apis/networking.k8s.io/v1",
             spec={"podSelector": {}}))),
    Case(check="network-policies", told="DaemonSet shop/router enforces 1 policy, and nobody will", settings=WAVE,
         make=also(enforced, lambda s: s.policy("deny")), near=also(enforced)),
    Case(check="policies-translated", told="NetworkPolicy shop/open: 1 translation", settings={"phase": "finalize"},
         make=also(enforced, lambda s: s.policy("open", ingress=ANYWHERE)),
         near_settings={"phase": "finalize", "policies": {"acceptTranslated": True}},
         near=also(enforced, lambda s: s.policy("open", ingress=ANYWHERE))),
    Case(check="policies-lost", told="NetworkPolicy shop/one cannot be expressed under Cilium: podSelector: label pod-",
         settings={"phase": "finalize"}, make=also(enforced, lambda s: s.policy("one", podSelector=ONE_RELEASE)),
         near=also(enforced, lambda s: s.policy("one", podSelector=ONE_RELEASE)),
         near_settings={"phase": "finalize", "policies": {"acceptLost": ["NetworkPolicy shop/one"]}}),
    Case(check="policies-lost", told="policies.acceptLost names NetworkPolicy shop/gone", severity=Severity.WARNING,
         settings={"policies": {"acceptLost": ["NetworkPolicy shop/gone"]}}, near_settings={}),
    Case(check="identity-labels", told="'k8s:a(' is no regular expression that", near_settings={},
         settings={"cilium": {"values": {"labels": "k8s:app k8s:a("}}}),
    Case(check="identity-labels", told="'k8s:!stage' leaves them out", severity=Severity.WARNING,
         settings={"cilium": {"values": {"labels": "!k8s:stage"}}},
         near_settings={"cilium": {"values": {"labels": "k8s:!stage"}}}),
    Case(check="policy-kinds", told="ClusterNetworkPolicy.net.example.org has 1 object (tenants)",
         make=also(lambda s: s.kind("ClusterNetworkPolicy", "tenants", group="net.example.org")),
         settings={"phase": "finalize"}, near=also(lambda s: s.kind("EgressFirewall", group="net.example.org"))),
    Case(check="kube-proxy-replacement", told="as soon as Cilium is installed", severity=Severity.WARNING,
         settings={"cilium": {"values": {"kubeProxyReplacement": True}}}, near_settings={}),
    Case(check="kube-proxy-replacement", told="once Cilium is alone", severity=Severity.NOTE,
         settings={"cilium": {"finalValues": {"kubeProxyReplacement": "true"}}}, near=alone),
    Case(check="kube-proxy-mode", told="mode ipvs", severity=Severity.NOTE,
         make=also(lambda s: s.namespaced(
             "configmaps", "kube-proxy", namespace="kube-system", data={"config.conf": 'a: 1\nmode: "ipvs"\n'})),
         near=also(lambda s: s.namespaced(
             "configmaps", "kube-proxy", namespace="kube-system", data={"config.conf": 'a: 1\nmode: ""\nb: ipvs\n'}))),
    Case(check="api-server-address", told="no k8sServiceHost", severity=Severity.WARNING,
         settings={"cilium": {"finalValues": {"kubeProxyReplacement": True}}},
         near_settings={"cilium": {"finalValues": {"kubeProxyReplacement": True, "k8sServiceHost": "10.0.0.1"}}}),
    Case(check="load-balancers", told="1 Service of type LoadBalancer: shop/web; with externalTrafficPolicy Local",
         make=also(lambda s: s.service("web", type="LoadBalancer", externalTrafficPolicy="Local")),
         near=also(lambda s: s.service("web")), severity=Severity.NOTE),
    Case(check="pods-known-outside", told="1 pod with cni.projectcalico.org/ipAddrs", severity=Severity.WARNING,
         make=also(lambda s: s.namespaced("pods", "gate", metadata=FIXED, spec=PLAIN_POD)),
         near=also(lambda s: s.namespaced("pods", "gate", metadata=FIXED, spec={**PLAIN_POD, "hostNetwork": True}))),
    Case(check="addresses-known", told="1 server of unknown address, named by host name alone: nfs.example.org",
         make=also(stores("nfs.example.org")), near=also(stores("172.30.9.9")), severity=Severity.NOTE),
    Case(check="endpoints-by-hand", told="1 endpoint made by hand in the old pod network: Service shop/db",
         make=also(by_hand("10.244.0.9")), near=also(by_hand("172.30.9.9")), severity=Severity.WARNING),
    Case(check="marks-kept", told="node worker-1 is migrated, but its label", severity=Severity.WARNING, settings=WAVE,
         make=lambda s: s.nodes(first="migrated"), near=lambda s: s.node("worker-1", step="migrated", labels=LABELLED)),
    Case(check="turns-left-open", told="node worker-1 is in the middle of a turn", severity=Severity.WARNING,
         make=lambda s: s.nodes(first="draining"), near=moved, settings={"phase": "migrate"}),
    Case(check="new-nodes", told="1 of 2 nodes are in no wave", settings=WAVE, severity=Severity.NOTE,
         near_settings={"phase": "migrate", **BOTH}),
    Case(check="room-apart", told="wave 0 leaves 1 node for the 2 pods", settings=WAVE, make=apart(2), near=apart(3),
         severity=Severity.WARNING),
)  # fmt: skip
