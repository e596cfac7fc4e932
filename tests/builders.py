"""Short ways to make the objects that tests are about."""

from typing import Any

from components.checks.framework.context import Context
from components.operations.objects.helm_release import ReleaseRecord
from components.operations.objects.model import Budget, Controller, Node, Pod
from components.operations.snapshot import NodeFacts, Snapshot
from components.operations.turn_annotations import STEP
from components.sources.description import SourceDescription
from stacks.addresses import Entry, Kind, Register, networks_of
from stacks.config import StackConfig, parse_config
from stacks.settle import Cilium, ClusterNetwork, OldNetwork, settle
from stacks.values import final_values, live_settings, migration_values

FLANNEL = SourceDescription(
    kind="flannel",
    title="Flannel",
    namespace="kube-flannel",
    daemon_set="kube-flannel-ds",
    config_map="kube-flannel-cfg",
    pod_networks=("10.244.0.0/16",),
    encapsulation="vxlan",
    udp_port=8472,
    vni=1,
    interface="flannel.1",
    version="0.28.4",
    links=("flannel.1", "cni0"),
    evidence=("DaemonSet kube-flannel/kube-flannel-ds",),
)
FLANNEL_DAEMON_SET = {
    "metadata": {"namespace": "kube-flannel", "name": "kube-flannel-ds"},
    "spec": {
        "template": {
            "spec": {
                "hostNetwork": True,
                "containers": [{"image": "flannel/flannel:v0.28.4", "command": ["/opt/bin/flanneld"]}],
                "volumes": [{"name": "cfg", "configMap": {"name": "kube-flannel-cfg"}}],
            }
        }
    },
}
FLANNEL_CONFIG_MAP = {
    "metadata": {"namespace": "kube-flannel", "name": "kube-flannel-cfg"},
    "data": {"net-conf.json": '{"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan"}}'},
}


DEPLOYED = ReleaseRecord(
    name="cilium", namespace="kube-system", revision=3, status="deployed", kind="Secret",
    object_name="sh.helm.release.v1.cilium.v3",
)  # fmt: skip


def in_use(*networks: str, kind: Kind = Kind.ROUTE, likely: bool = False) -> list[Entry]:
    """Entries of a register, for networks as people write them."""
    return [
        Entry(network=network, kind=kind, user="somebody", likely=likely)
        for text in networks
        for network in networks_of(text)
    ]


def make_cilium(**settings: Any) -> Cilium:
    """Cilium's settings beside that Flannel, on three nodes that nobody has looked at; keys as a user writes them."""
    old = OldNetwork(
        title="Flannel", encapsulation="vxlan", udp_port=8472, links=("flannel.1",), pod_networks=FLANNEL.pod_networks
    )
    cluster = ClusterNetwork(old=old, nodes=3, addresses=Register(in_use("10.244.0.0/16", "10.96.0.0/16")))
    return settle(parse_config({"cilium": settings}).cilium, cluster)


def make_node(name: str, *, step: str = "", ready: bool = True, **fields: Any) -> Node:
    """A node; `step` is where its turn is."""
    number = int(name.rpartition("-")[2])
    defaults: dict[str, Any] = {
        "unschedulable": False,
        "internal_addresses": (f"172.30.0.{10 + number}",),
        "pod_cidrs": (f"10.244.{number}.0/24",),
        "boot_id": f"boot-{number}",
        "control_plane": False,
        "annotations": {STEP: step} if step else {},
    }
    labels = {"kubernetes.io/hostname": name, **fields.pop("labels", {})}
    return Node(name=name, ready=ready, labels=labels, **{**defaults, **fields})


def make_pod(name: str, *, controller: str = "ReplicaSet", **fields: Any) -> Pod:
    """A running pod of a ReplicaSet unless said otherwise; an empty `controller` makes a bare pod."""
    defaults: dict[str, Any] = {
        "namespace": "default",
        "uid": f"uid-{name}",
        "node": "worker-1",
        "address": "10.244.1.5",
        "phase": "Running",
        "ready": True,
        "host_network": False,
        "terminating_since": "",
        "mirror": False,
        "controller": Controller(kind=controller, name=f"{name}-owner") if controller else None,
        "empty_dirs": (),
        "udp_host_ports": (),
        "host_ports": (),
        "images": (),
        "labels": {"app": name},
    }
    return Pod(name=name, **{**defaults, **fields})


def make_budget(name: str, *, app: str, healthy: int, desired: int, expected: int = 0) -> Budget:
    """A budget over the pods labelled `app`."""
    return Budget(
        namespace="default",
        name=name,
        selector={"matchLabels": {"app": app}},
        disruptions_allowed=max(0, healthy - desired),
        current_healthy=healthy,
        desired_healthy=desired,
        expected_pods=expected or healthy,
    )


def make_snapshot(**fields: Any) -> Snapshot:
    """A cluster of three nodes with Flannel, nothing begun."""
    defaults: dict[str, Any] = {
        "nodes": tuple(make_node(f"worker-{number}") for number in (1, 2, 3)),
        "daemon_sets": (FLANNEL_DAEMON_SET,),
        "config_maps": (FLANNEL_CONFIG_MAP,),
        "service_networks": ("10.96.0.0/16",),
    }
    return Snapshot(**{**defaults, **fields})


def secondary(**fields: Any) -> Snapshot:
    """The same with Cilium beside Flannel."""
    live = live_settings(migration_values(make_cilium()))
    record = FLANNEL.model_dump()
    return make_snapshot(**{"cilium_config": live, "release": DEPLOYED, "node_configs": 1, "record": record, **fields})


def alone(**fields: Any) -> Snapshot:
    """The same with every node migrated and Cilium's final settings."""
    nodes = tuple(make_node(f"worker-{number}", step="migrated") for number in (1, 2, 3))
    live = live_settings(final_values(make_cilium()))
    return secondary(**{"nodes": nodes, "cilium_config": live, "node_configs": 0, **fields})


def make_facts(**fields: Any) -> NodeFacts:
    """A node's inspection."""
    defaults: dict[str, Any] = {"cni_conf": (), "interfaces": {}, "routes": (), "udp_ports": ()}
    return NodeFacts(**{**defaults, **fields})


def make_context(snapshot: Snapshot | None = None, **settings: Any) -> Context:
    """The context of a check, with config keys as a user writes them."""
    config: StackConfig = parse_config(settings)
    return Context(config=config, snapshot=snapshot or make_snapshot(), source=FLANNEL)
