"""Networks that policies name: external systems that pods talk to, as far as no other object names them."""

from collections.abc import Iterator

from components.operations.snapshot import Snapshot
from stacks.addresses import Entry, Kind, Network, Register, named_in

_CALICO = ("GlobalNetworkSet", "NetworkSet", "GlobalNetworkPolicy", "NetworkPolicy", "HostEndpoint")


def entries(snapshot: Snapshot, known: Register) -> Iterator[Entry]:
    """Each network in a policy, except those that contain addresses of the cluster itself."""
    for network, whose in _named(snapshot):
        if not any(each.network.prefixlen >= network.prefixlen for each in known.touching(network)):
            yield Entry(network=network, kind=Kind.POLICY, user=f"what {whose} is about", owner=whose, likely=True)


def _named(snapshot: Snapshot) -> Iterator[tuple[Network, str]]:
    listed = [("NetworkPolicy", snapshot.policy_objects), *((kind, snapshot.calico.get(kind, ())) for kind in _CALICO)]
    for kind, items in listed:
        for item in items:
            metadata = item["metadata"]
            space = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
            for network in dict.fromkeys(named_in(item.get("spec"))):
                yield network, f"{kind} {space}{metadata['name']}"
