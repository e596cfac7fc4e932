"""Calico installed by its manifests: a DaemonSet of calico/node whose environment holds its settings."""

from components.operations.autodetection import InDaemonSet, Way, noted
from components.operations.snapshot import Snapshot
from components.operations.source_objects import Belongings
from components.operations.sweep import CALICO, Sweep
from components.sources import flannel
from components.sources.calico_settings import (
    Pools,
    bgp_peers_of,
    dataplane_of,
    make_pools,
    mtu_of,
    pools_of,
    tunnel_of,
)
from components.sources.description import SourceDescription, SourceError, owners_of
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

KIND = "calico"
GROUP = "crd.projectcalico.org"
_LINKS = {"vxlan": ("vxlan.calico",), "ipip": ("tunl0",)}


def detect(snapshot: Snapshot) -> list[SourceDescription]:
    """DaemonSets of calico/node that no operator made. Raises SourceError if one cannot be described."""
    return [
        describe_daemon_set(item, node, snapshot, kind=KIND, title_of_it="Calico")
        for item, node in agents(snapshot)
        if not made_by_operator(item)
    ]


def agents(snapshot: Snapshot) -> list[tuple[Object, Object]]:
    """Every DaemonSet of calico/node, with its container, that brings no Flannel."""
    return [
        (item, node)
        for item in snapshot.daemon_sets
        if (node := container_with(item, "calico/node", "calico-node"))
        and not any(map(flannel.runs_flannel, containers(item)))
    ]


def made_by_operator(item: Object) -> bool:
    """Whether Calico's operator keeps the DaemonSet."""
    owners = item["metadata"].get("ownerReferences") or []
    return place(item)[0] == "calico-system" or any(each["kind"] == "Installation" for each in owners)


def describe_daemon_set(
    item: Object, node: Object, snapshot: Snapshot, *, kind: str, title_of_it: str, pools: Pools | None = None
) -> SourceDescription:
    """Calico as its DaemonSet and its own objects say; `pools` where somebody else says them."""
    namespace, name = place(item)
    settings = environment(item, node, snapshot)
    for name_of_it, before in (noted(item) or {}).items():
        settings[name_of_it] = (before or {}).get("value") or ""  # how it was before it was prepared
    backend = settings.get("CALICO_NETWORKING_BACKEND", "bird")
    if backend == "none":
        raise SourceError(
            f"{title(item)} is Calico for policies alone (CALICO_NETWORKING_BACKEND is none); the network is "
            "another's: describe that in the config's `source`, with kind 'generic' and policyEngine 'Calico'"
        )
    found = pools_of(snapshot) or pools or _from_environment(settings)
    if found is None:
        where = "etcd, which is not read" if settings.get("DATASTORE_TYPE") != "kubernetes" else "the cluster"
        raise SourceError(
            f"{title(item)}: no IPPool was found in {where}, so Calico's network is unknown; does calico-node run? "
            "`kubectl get ippools.crd.projectcalico.org`; or describe it in the config's `source`, with kind 'generic'"
        )
    kind_of_tunnel = found.encapsulation.partition("-")[0]
    port, vni = tunnel_of(settings, snapshot) if kind_of_tunnel == "vxlan" else (None, None)
    links = _LINKS.get(kind_of_tunnel, ())
    return SourceDescription(
        kind=kind,
        title=title_of_it,
        namespace=namespace,
        daemon_set=name,
        config_map="calico-config",
        pod_networks=found.networks,
        encapsulation=found.encapsulation,
        udp_port=port,
        vni=vni,
        interface=links[0] if links else "",
        version=image_version(node),
        mtu=mtu_of(settings, snapshot, encapsulation=kind_of_tunnel) or link_mtu(snapshot, *links),
        autodetection=_method(settings, "IP", "IP_AUTODETECTION_METHOD"),
        autodetection_v6=_method(settings, "IP6", "IP6_AUTODETECTION_METHOD"),
        policy_engine="Calico",
        dataplane=dataplane_of(settings, snapshot),
        bgp_peers=bgp_peers_of(snapshot),
        owners=owners_of(item),
        links=links,
        conf=conf_on_nodes(snapshot, "calico"),
        evidence=(f"{title(item)}: {node.get('image', '')}, backend {backend}", *found.told),
    )


def _from_environment(settings: dict[str, str]) -> Pools | None:
    """The pools that calico-node makes when it starts for the first time, as far as its environment names them."""
    found = []
    for family, version in (("IPV4", 4), ("IPV6", 6)):
        cidr = settings.get(f"CALICO_{family}POOL_CIDR")
        if cidr:
            mode = next(
                (
                    tunnel.lower() + ("-cross-subnet" if text == "CrossSubnet" else "")
                    for tunnel in ("VXLAN", "IPIP")
                    if (text := settings.get(f"CALICO_{family}POOL_{tunnel}", "Never")) not in ("Never", "Off", "")
                ),
                "routes",
            )
            found.append((cidr, mode, f"CALICO_IPV{version}POOL_CIDR"))
    return make_pools(found) if found else None


def _method(settings: dict[str, str], address: str, method: str) -> str:
    """How the address is found; empty where it is not looked for."""
    if settings.get(address, "") != "autodetect":
        return "" if not settings.get(method) else settings[method]
    return settings.get(method) or "first-found"


def belongings_in(
    namespace: str, *, source: SourceDescription, accounts: tuple[str, ...] = ("calico-node",)
) -> Belongings:
    """What Calico's manifests bring into a namespace, and its kinds."""
    return Belongings(
        namespace=namespace,
        daemon_sets=(source.daemon_set, *source.more_daemon_sets),
        deployments=("calico-kube-controllers", "calico-typha"),
        config_maps=(source.config_map,),
        services=("calico-typha",),
        budgets=("calico-kube-controllers", "calico-typha"),
        accounts=("calico-kube-controllers", "calico-cni-plugin", *accounts),
        groups=(GROUP,),
    )


def belongings(source: SourceDescription) -> tuple[Belongings, ...]:
    """All of its manifests."""
    return (belongings_in(source.namespace, source=source),)


def sweep(_source: SourceDescription) -> Sweep:
    """The names of what it leaves never change."""
    return CALICO


def way(source: SourceDescription) -> Way:
    """Its address detection is a variable of its DaemonSet."""
    return InDaemonSet(daemon_set=(source.namespace, source.daemon_set))


SOURCE = Source(kind=KIND, detect=detect, belongings=belongings, sweep=sweep, way=way)
