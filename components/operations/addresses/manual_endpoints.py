"""Endpoints of Services without selector: external servers, or pods entered by hand."""

from components.operations.addresses.servers import Server, servers
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import Object
from stacks.addresses import Kind

_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_SERVICE = "kubernetes.io/service-name"
# The controller that follows selectors; slices of Endpoints are mirrored by another one.
_BY_SELECTOR = "endpointslice-controller.k8s.io"
_SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
_API_SERVER = ("default", "kubernetes")


def endpoints(cluster: Cluster) -> list[Server]:
    """Servers of all Services without selector, but for the API server's own."""
    read = cluster.read_all(_SLICES, _of_slice, labelSelector=f"{_MANAGED_BY}!={_BY_SELECTOR}")
    return [each for found in read for each in found]


def _of_slice(item: Object) -> list[Server]:
    """Servers in one EndpointSlice, without pods whose controller keeps the slice up to date."""
    metadata = item["metadata"]
    service = (metadata["namespace"], (metadata.get("labels") or {}).get(_SERVICE) or metadata["name"])
    if service == _API_SERVER:
        return []
    texts = [
        address
        for each in item.get("endpoints") or []
        if (each.get("targetRef") or {}).get("kind") != "Pod"
        for address in each.get("addresses") or []
    ]
    return servers(texts, Kind.ENDPOINT, f"Service {'/'.join(service)} (its endpoints)")
