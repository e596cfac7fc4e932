"""A network that the user describes: AWS VPC CNI and other CNIs without a module of their own here."""

from components.operations.removal.source_objects import Belongings
from components.operations.removal.sweep import Sweep
from components.operations.snapshot import Snapshot
from components.sources.description import SourceDescription, SourceError, owners_of
from components.sources.facts.encryption_settings import asked_for
from components.sources.facts.workload import Object, conf_on_nodes, place
from components.sources.flannel import daemon_set as flannel
from components.sources.flannel import embedded
from components.sources.interface import Source
from stacks.sections.source import GENERIC, SourceSettings

KIND = GENERIC


def describe(settings: SourceSettings, snapshot: Snapshot) -> SourceDescription:
    """The description from the config and the cluster. Raises SourceError if the named DaemonSet does not exist."""
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
        encryption=_encryption(settings, snapshot, item),
        conf=tuple(settings.conf) or conf_on_nodes(snapshot, settings.title.lower()),
        evidence=("the config's `source`", *([f"DaemonSet {settings.daemon_set}"] if item else [])),
    )


def _encryption(settings: SourceSettings, snapshot: Snapshot, item: Object | None) -> str:
    """The encryption by its encapsulation, its DaemonSet, or a Flannel embedded in k3s."""
    if settings.encapsulation in embedded.ENCRYPTING:
        return settings.encapsulation
    return (asked_for(item, snapshot) if item else "") or embedded.encryption_of(snapshot)


def belongings(source: SourceDescription) -> tuple[Belongings, ...]:
    """Its DaemonSet; the user names further objects in `cleanup.remove`."""
    return (Belongings(namespace=source.namespace, daemon_sets=(source.daemon_set,)),) if source.daemon_set else ()


def sweep(source: SourceDescription) -> Sweep:
    """Links and confs that the user named, and no others; with Flannel's links also Flannel's other leftovers.

    These are of a Flannel embedded in k3s, which cleans up nothing when it is restarted without Flannel.
    """
    named = Sweep(links=source.links, conf=source.conf)
    return named.with_(flannel.sweep(source)) if any(each.startswith(flannel.KIND) for each in source.links) else named


SOURCE = Source(kind=KIND, detect=lambda _snapshot: [], belongings=belongings, sweep=sweep)
