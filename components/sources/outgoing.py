"""Settings of the old network by which pods are seen outside with other addresses than their nodes'."""

from collections.abc import Iterator

from components.operations.snapshot import Snapshot
from components.sources import generic, source_of
from components.sources.description import SourceDescription
from components.sources.facts.workload import (
    Object,
    container_with,
    containers,
    environment,
    place,
    title,
)
from components.sources.flannel.embedded import embedded, has_option

_YES = ("true", "1", "t")
_TELLS_CLUSTERS = ("submariner-gateway", "submariner-routeagent")
_IPV6_MASQUERADED = "--flannel-ipv6-masq"


def seen_outside(snapshot: Snapshot, source: SourceDescription) -> Iterator[str]:
    """One line for each setting by which pods are known outside, in an operator's words."""
    yield from source_of(source).outgoing(snapshot, source)
    own = [each for each in snapshot.daemon_sets if place(each) in source.daemon_sets]
    for item in own:
        yield from _translated(item, snapshot)
    for item in snapshot.daemon_sets:
        yield from _of_clouds(item, snapshot)
        if container_with(item, "ip-masq-agent"):
            yield f"{title(item)} leaves pods their own addresses towards the networks of its configuration"
        if container_with(item, *_TELLS_CLUSTERS):
            yield f"{title(item)} tells other clusters the old network, which pods are reached by from there"
    if source.dual_stack and embedded(snapshot) and not has_option(snapshot, _IPV6_MASQUERADED):
        yield f"pods keep their IPv6 addresses on the way out: no server of k3s has {_IPV6_MASQUERADED}"
    if source.kind == generic.KIND and source.encapsulation == "routes":
        yield f"{source.title} gives pods addresses that are routed outside of the cluster, too"


def _translated(item: Object, snapshot: Snapshot) -> Iterator[str]:
    """Lines for Felix' natOutgoingAddress, with which all pods share one address."""
    variables = [environment(item, each, snapshot).get("FELIX_NATOUTGOINGADDRESS", "") for each in containers(item)]
    objects = [each.get("spec") or {} for each in snapshot.calico.get("FelixConfiguration", ())]  # of single nodes, too
    found = [address for address in (*variables, *(each.get("natOutgoingAddress") for each in objects)) if address]
    if found:
        yield f"Felix' natOutgoingAddress has pods seen outside as {' and '.join(dict.fromkeys(found))}"


def _of_clouds(item: Object, snapshot: Snapshot) -> Iterator[str]:
    for each in containers(item):
        said = environment(item, each, snapshot)
        if said.get("AWS_VPC_K8S_CNI_EXTERNALSNAT", "").lower() in _YES:
            yield f"{title(item)} has AWS_VPC_K8S_CNI_EXTERNALSNAT on, which leaves pods their own addresses"
        if without := said.get("AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS"):
            yield f"{title(item)} leaves pods their own addresses towards {without}"
