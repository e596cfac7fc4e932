"""Servers named in the settings of kubeadm, the kubelets, kube-proxy and CoreDNS."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import yaml

from components.operations.addresses.servers import Server, entries, servers
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import Object
from stacks.addresses import Kind, networks_of

_PLACE = "/api/v1/namespaces/kube-system/configmaps"
_KUBEADM, _COREDNS = "kubeadm-config", ("coredns", "node-local-dns", "nodelocaldns")
_SERVER = re.compile(r"^\s*server:\s*[\"']?(\S+?)[\"']?\s*$", re.MULTILINE)
_FORWARD = re.compile(r"^\s*(?:forward|proxy)\s+\S+\s+([^{\n]+)", re.MULTILINE)


def settings(cluster: Cluster) -> list[Server]:
    """The servers that these ConfigMaps name; a cluster of another distribution has none of them."""
    found: list[Server] = []
    find = partial(_data, cluster)
    for key, text in find(_KUBEADM).items():
        if key == "ClusterConfiguration":
            found += _of_kubeadm(_parsed(text))
    for text in find("kubelet-config").values():
        found += _of_kubelets(_parsed(text))
    for name in _COREDNS:
        where = f"a name server that pods' questions are sent on to (ConfigMap kube-system/{name})"
        for text in find(name).values():
            said = [word for each in _FORWARD.findall(text) for word in each.split()]
            found += servers([each for each in said if not each.startswith(("/", "__"))], Kind.SERVER, where)
    return found


def of_kube_proxy(config_map: Object | None) -> list[Server]:
    """The API server in kube-proxy's settings: a load balancer's address, a virtual one, or a host name."""
    text = ((config_map or {}).get("data") or {}).get("kubeconfig.conf", "")
    return servers(_SERVER.findall(text), Kind.API_SERVER, "the API server (ConfigMap kube-system/kube-proxy)")


def _of_kubeadm(config: Mapping[str, Any]) -> Iterator[Server]:
    where = f"ConfigMap kube-system/{_KUBEADM}"
    yield from servers([config.get("controlPlaneEndpoint") or ""], Kind.API_SERVER, f"the API server ({where})")
    external = (config.get("etcd") or {}).get("external") or {}
    yield from servers(external.get("endpoints") or [], Kind.SERVER, f"etcd ({where})")
    services = str((config.get("networking") or {}).get("serviceSubnet") or "")
    for text in services.split(","):
        yield from entries(networks_of(text), Kind.SERVICE, f"the cluster's Services ({where})")


def _of_kubelets(config: Mapping[str, Any]) -> Iterator[Server]:
    """Name servers that the kubelets give to pods; a link-local address means one on each node."""
    where = "ConfigMap kube-system/kubelet-config"
    for text in config.get("clusterDNS") or []:
        for network in networks_of(str(text)):
            own = network.is_link_local
            kind = Kind.LOCAL_DNS if own else Kind.SERVER
            yield from entries([network], kind, f"{'NodeLocal DNS' if own else 'the name server of pods'} ({where})")


def _data(cluster: Cluster, name: str) -> Mapping[str, str]:
    return (cluster.find(f"{_PLACE}/{name}") or {}).get("data") or {}


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, Mapping) else {}
