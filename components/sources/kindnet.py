"""kindnet, the CNI of kind: plain routes between nodes, with the pod network in its DaemonSet's environment."""

from components.operations.removal.source_objects import Belongings
from components.operations.removal.sweep import Sweep
from components.operations.snapshot import Snapshot
from components.sources.description import SourceDescription, SourceError, owners_of
from components.sources.facts.workload import (
    Object,
    conf_on_nodes,
    container_with,
    environment,
    image_version,
    place,
    title,
)
from components.sources.interface import Source

KIND = "kindnet"
SWEEP = Sweep(chains=("KIND-MASQ-AGENT",), conf=("kindnet",), tables=("kindnet-", "kube-network-policies"))


def detect(snapshot: Snapshot) -> list[SourceDescription]:
    """DaemonSets of kindnetd. Raises SourceError if one cannot be described."""
    return [
        _describe(item, node, snapshot)
        for item in snapshot.daemon_sets
        if (node := container_with(item, "kindnetd", "kindnet-cni"))
    ]


def _describe(item: Object, node: Object, snapshot: Snapshot) -> SourceDescription:
    namespace, name = place(item)
    text = environment(item, node, snapshot).get("POD_SUBNET", "")
    networks = tuple(each.strip() for each in text.split(",") if each.strip())
    if not networks:
        raise SourceError(f"{title(item)} has no POD_SUBNET in its environment, so the pods' network is unknown")
    return SourceDescription(
        kind=KIND,
        title="kindnet",
        namespace=namespace,
        daemon_set=name,
        config_map="",
        pod_networks=networks,
        encapsulation="routes",
        udp_port=None,
        vni=None,
        interface="",
        version=image_version(node),
        # Since its image of 2024 it includes kube-network-policies, which no object shows.
        policy_engine="kindnet",
        owners=owners_of(item),
        conf=conf_on_nodes(snapshot, "kindnet"),
        evidence=(title(item), f"its environment: POD_SUBNET={text}"),
    )


def belongings(source: SourceDescription) -> tuple[Belongings, ...]:
    """Its DaemonSet and permissions."""
    return (Belongings(namespace=source.namespace, daemon_sets=(source.daemon_set,), accounts=(KIND,)),)


def sweep(source: SourceDescription) -> Sweep:
    """Its leftovers, with fixed names; its routes lead to the nodes' blocks of the pod network."""
    return SWEEP.with_(Sweep(networks=source.pod_networks))


SOURCE = Source(kind=KIND, detect=detect, belongings=belongings, sweep=sweep)
