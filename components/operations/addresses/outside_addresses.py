"""Addresses that objects of other projects name: load balancers' pools, routers, webhooks, storage, the API server."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from components.operations.addresses.remote_storage import hosts_in, storage_in
from components.operations.addresses.servers import Server, entries, resolved, servers
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError, Object
from stacks.addresses import ByName, Entry, Kind, is_single, named_in, named_in_text, networks_of

# By API group, the resources whose fields name addresses; only these are listed, and only if served.
GROUPS: dict[str, dict[str, Kind]] = {
    "metallb.io": {"ipaddresspools": Kind.BALANCER, "addresspools": Kind.BALANCER, "bgppeers": Kind.ROUTER},
    "cilium.io": {
        "ciliumloadbalancerippools": Kind.BALANCER,
        "ciliumbgppeeringpolicies": Kind.ROUTER,
        "ciliumbgpclusterconfigs": Kind.ROUTER,
    },
    "purelb.io": {"servicegroups": Kind.BALANCER},
    "network.kubesphere.io": {"eips": Kind.BALANCER, "bgppeers": Kind.ROUTER},
}
# ConfigMaps that say the pools of kube-vip's cloud provider and of MetalLB before 0.13.
_SETTINGS = (("kube-system", "kubevip"), ("metallb-system", "config"), ("metallb", "config"), ("metallb", "metallb"))
_API_SERVERS = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
_DENIED = 403


def balancers(cluster: Cluster) -> list[Entry]:
    """Load balancers' pools and BGP routers; denied lists are left out, as the check of permissions reports them."""
    found: list[Entry] = []
    for group, resources in GROUPS.items():
        for plural, path in served(cluster, group, resources):
            try:
                read = cluster.read_all(path, partial(_of_object, plural=f"{plural}.{group}", kind=resources[plural]))
            except ClusterError as error:
                if error.status != _DENIED:
                    raise
                continue
            found += [each for of_one in read for each in of_one]
    for namespace, name in _SETTINGS:
        data = (cluster.find(f"/api/v1/namespaces/{namespace}/configmaps/{name}") or {}).get("data") or {}
        networks = [each for text in data.values() for each in named_in_text(text)]
        found += entries(networks, Kind.BALANCER, f"load balancers (ConfigMap {namespace}/{name})")
    return found


def served(cluster: Cluster, group: str, resources: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(resource, path) of the resources that the API serves, in the first version that has each."""
    left = set(resources)
    for each in (cluster.find(f"/apis/{group}") or {}).get("versions") or []:
        path = f"/apis/{each['groupVersion']}"
        there = {item["name"] for item in (cluster.find(path) or {}).get("resources") or []}
        for plural in sorted(left & there):
            yield plural, f"{path}/{plural}"
        left -= there


def _of_object(item: Object, *, plural: str, kind: Kind) -> list[Entry]:
    metadata = item["metadata"]
    name = f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else metadata["name"]
    networks = named_in(item.get("spec"))
    return entries(filter(is_single, networks) if kind is Kind.ROUTER else networks, kind, f"{kind} ({plural} {name})")


def api_servers(cluster: Cluster) -> list[Server]:
    """The addresses of the API server: those behind its Service, with an owner, and the one that the kubeconfig has.

    Cilium's `kube-apiserver` is the former alone. A name in the kubeconfig is where this machine just found it.
    """
    item = cluster.find(_API_SERVERS) or {}
    behind = [
        network
        for each in item.get("endpoints") or []
        for address in each["addresses"]
        for network in networks_of(address)
    ]
    of_kubeconfig = "the API server (the kubeconfig's address)"
    asked = servers([cluster.server], Kind.API_SERVER, of_kubeconfig)
    found = [network for each in asked if isinstance(each, ByName) for network in resolved(each.host)]
    return [
        *entries(behind, Kind.API_SERVER, "the API server (EndpointSlice default/kubernetes)", owner="kubernetes"),
        *(entries(found, Kind.API_SERVER, of_kubeconfig) if found else asked),
    ]


def of_webhooks(configuration: Object) -> list[Server]:
    """The servers of admission webhooks that are called by URL."""
    return [
        server
        for each in configuration.get("webhooks") or []
        for server in _of_client(each.get("clientConfig"), f"webhook {each['name']}")
    ]


@dataclass(frozen=True, kw_only=True)
class Converter:
    """A conversion webhook; `service` is (kind of the objects, namespace, name) of a Service in the cluster."""

    servers: tuple[Server, ...] = ()
    service: tuple[str, str, str] | None = None


def converters(item: Object) -> Converter:
    """The conversion webhook of a CustomResourceDefinition; most have none."""
    webhook = ((item.get("spec") or {}).get("conversion") or {}).get("webhook") or {}
    config, name = webhook.get("clientConfig") or {}, item["metadata"]["name"]
    service = config.get("service")
    return Converter(
        servers=tuple(_of_client(config, f"the conversion webhook of {name}")),
        service=(name, service["namespace"], service["name"]) if service else None,
    )


def _of_client(config: Object | None, user: str) -> list[Server]:
    return servers([(config or {}).get("url") or ""], Kind.WEBHOOK, user)


def of_volume(item: Object) -> list[Server]:
    """The storage servers of a PersistentVolume."""
    volume, user = [item.get("spec") or {}], f"the storage of PersistentVolume {item['metadata']['name']}"
    return list(
        dict.fromkeys(
            [*entries(storage_in(volume), Kind.STORAGE, user), *servers(hosts_in(volume), Kind.STORAGE, user)]
        )
    )


def of_ingress(item: Object) -> list[Entry]:
    """The load balancer addresses of an Ingress."""
    metadata, status = item["metadata"], (item.get("status") or {}).get("loadBalancer") or {}
    networks = [network for each in status.get("ingress") or [] for network in networks_of(each.get("ip") or "")]
    return entries(networks, Kind.BALANCER, f"Ingress {metadata['namespace']}/{metadata['name']} (its load balancer)")
