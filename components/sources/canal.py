"""Canal: Flannel's network with Calico's policies, both in one DaemonSet (kubeadm's old manifest, RKE2, Rancher)."""

from collections.abc import Iterator

from components.operations.removal.source_objects import Belongings
from components.operations.removal.sweep import Sweep
from components.operations.snapshot import Snapshot
from components.sources.calico import manifests as calico
from components.sources.calico.encryption import encryption_of
from components.sources.calico.leftovers import LEFTOVERS
from components.sources.calico.rights import OWN_OBJECTS, RIGHTS
from components.sources.calico.settings import cni_mtu, dataplane_of, no_settings, runs
from components.sources.description import SourceDescription, SourceError, owners_of
from components.sources.facts.workload import (
    Object,
    conf_on_nodes,
    container_with,
    containers,
    environment,
    image_version,
    link_mtu,
    place,
    smallest,
    title,
)
from components.sources.flannel import daemon_set as flannel
from components.sources.interface import Source

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
    if runs(item, snapshot) and (unread := no_settings(item, snapshot)):
        raise SourceError(f"{title(item)} {unread}")
    settings = environment(item, calico, snapshot)
    encryption = encryption_of(settings, snapshot)
    tunnels = flannel.tunnels_of(network, snapshot)
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
        mtu=smallest(network.mtu, cni_mtu(item, snapshot))
        or link_mtu(snapshot, *(each for each in network.links if each not in {tunnel.link for tunnel in tunnels})),
        policy_engine="Calico",
        dataplane=dataplane_of(settings, snapshot),
        owners=owners_of(item),
        links=(*network.links, *encryption.links),
        encryption=encryption.kind or network.encryption,
        encryption_links=encryption.links,
        encrypted_mtu=encryption.mtu,
        encrypts_nodes=encryption.of_nodes,
        tunnels=tunnels,
        conf=conf_on_nodes(snapshot, "canal", "calico"),
        evidence=(
            f"{title(item)}: containers {', '.join(each['name'] for each in containers(item))}",
            f"ConfigMap {namespace}/{network.config_map} {network.told}",
        ),
    )


def belongings(source: SourceDescription) -> tuple[Belongings, ...]:
    """The objects of Calico's part and of Flannel's."""
    return (calico.belongings_in(source.namespace, source=source, accounts=_ACCOUNTS),)


def sweep(source: SourceDescription) -> Sweep:
    """Calico's leftovers and Flannel's."""
    return LEFTOVERS.with_(flannel.sweep(source)).with_(Sweep(conf=(KIND,)))


def outgoing(snapshot: Snapshot, source: SourceDescription) -> Iterator[str]:
    """Settings of Flannel's part by which pods keep their own addresses towards others."""
    for item in snapshot.daemon_sets:
        if place(item) in source.daemon_sets:
            yield from flannel.unmasqueraded(item, snapshot, nobody_else=True)


SOURCE = Source(
    kind=KIND, detect=detect, belongings=belongings, sweep=sweep, outgoing=outgoing, own=OWN_OBJECTS, rights=RIGHTS
)
