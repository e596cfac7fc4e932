"""A network that the user describes: AWS VPC CNI and other routed ones, whatever has no file of its own here."""

from components.operations.snapshot import Snapshot
from components.operations.source_objects import Belongings
from components.operations.sweep import Sweep
from components.sources.description import SourceDescription, SourceError, owners_of
from components.sources.interface import Source
from components.sources.workload import conf_on_nodes, place
from stacks.source import SourceSettings

KIND = "generic"


def describe(settings: SourceSettings, snapshot: Snapshot) -> SourceDescription:
    """What the config says, with what the cluster adds. Raises SourceError if the DaemonSet it names is not there."""
    namespace, _, name = settings.daemon_set.partition("/")
    item = next((each for each in snapshot.daemon_sets if place(each) == (namespace, name)), None)
    if settings.daemon_set and item is None and snapshot.record is None:
        there = sorted("/".join(place(each)) for each in snapshot.daemon_sets)
        raise SourceError(
            f"source.daemonSet {settings.daemon_set} is not in the cluster; its DaemonSets are "
            f"{', '.join(there) or 'none'}"
        )
    return SourceDescription(
        kind=KIND,
        title=settings.title,
        namespace=namespace,
        daemon_set=name,
        config_map="",
        pod_networks=tuple(settings.pod_networks),
        encapsulation=settings.encapsulation,
        udp_port=settings.udp_port,
        vni=None,
        interface=settings.links[0] if settings.links else "",
        mtu=settings.mtu,
        policy_engine=settings.policy_engine,
        owners=owners_of(item) if item else (),
        links=tuple(settings.links),
        conf=tuple(settings.conf) or conf_on_nodes(snapshot, settings.title.lower()),
        evidence=("the config's `source`", *([f"DaemonSet {settings.daemon_set}"] if item else [])),
    )


def belongings(source: SourceDescription) -> tuple[Belongings, ...]:
    """Its DaemonSet; what else is to go the user names in `cleanup.remove`."""
    return (Belongings(namespace=source.namespace, daemon_sets=(source.daemon_set,)),) if source.daemon_set else ()


def sweep(source: SourceDescription) -> Sweep:
    """What the user named, and nothing that he did not."""
    return Sweep(links=source.links, conf=source.conf)


SOURCE = Source(kind=KIND, detect=lambda _snapshot: [], belongings=belongings, sweep=sweep)
