"""Canal: Flannel's network with Calico's policies, both in one DaemonSet (kubeadm's old manifest, RKE2, Rancher)."""

from components.operations.snapshot import Snapshot
from components.operations.source_objects import Belongings
from components.operations.sweep import CALICO, Sweep
from components.sources import calico, flannel
from components.sources.calico_settings import dataplane_of
from components.sources.description import SourceDescription, owners_of
from components.sources.interface import Source
from components.sources.workload import (
    Object,
    conf_on_nodes,
    container_with,
    containers,
    environment,
    image_version,
    link_mtu,
    place,
    title,
)

KIND = "canal"
_ACCOUNTS = ("canal", "flannel")


def detect(snapshot: Snapshot) -> list[SourceDescription]:
    """DaemonSets with both programs. Raises SourceError if one cannot be described."""
    return [
        _describe(item, calico, snapshot)
        for item in snapshot.daemon_sets
        if (calico := container_with(item, "calico")) and any(map(flannel.runs_flannel, containers(item)))
    ]


def _describe(item: Object, calico: Object, snapshot: Snapshot) -> SourceDescription:
    namespace, name = place(item)
    network = flannel.read_network(item, snapshot, who="Canal")
    settings = environment(item, calico, snapshot)
    return SourceDescription(
        kind=KIND,
        title="Canal",
        namespace=namespace,
        daemon_set=name,
        config_map=network.config_map,
        pod_networks=network.pod_networks,
        encapsulation=network.backend,
        udp_port=network.udp_port,
        vni=network.vni,
        interface=network.links[0] if network.links else "",
        version=image_version(calico),
        mtu=network.mtu or link_mtu(snapshot, *network.links),
        policy_engine="Calico",
        dataplane=dataplane_of(settings, snapshot),
        owners=owners_of(item),
        links=network.links,
        conf=conf_on_nodes(snapshot, "canal", "calico"),
        evidence=(
            f"{title(item)}: containers {', '.join(each['name'] for each in containers(item))}",
            f"ConfigMap {namespace}/{network.config_map} {network.told}",
        ),
    )


def belongings(source: SourceDescription) -> tuple[Belongings, ...]:
    """Calico's part and Flannel's."""
    return (calico.belongings_in(source.namespace, source=source, accounts=_ACCOUNTS),)


def sweep(source: SourceDescription) -> Sweep:
    """Calico's leftovers and Flannel's."""
    return CALICO.with_(flannel.sweep(source)).with_(Sweep(conf=(KIND,)))


SOURCE = Source(kind=KIND, detect=detect, belongings=belongings, sweep=sweep)
