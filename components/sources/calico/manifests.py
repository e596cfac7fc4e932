"""Calico installed by its manifests: a DaemonSet of calico/node with the settings in its environment."""

from components.operations.removal.source_objects import Belongings
from components.operations.removal.sweep import Sweep
from components.operations.snapshot import Snapshot
from components.sources.calico.agent import felix_of
from components.sources.calico.autodetection import as_before, methods_of
from components.sources.calico.encryption import encryption_of
from components.sources.calico.leftovers import LEFTOVERS, WRITTEN_BY_USERS
from components.sources.calico.moved_autodetection import InDaemonSet, noted
from components.sources.calico.objects import NATIVE, OLD
from components.sources.calico.outgoing import outgoing
from components.sources.calico.rights import OWN_OBJECTS, RIGHTS_OF_MANIFESTS
from components.sources.calico.settings import (
    Pools,
    bgp_peers_of,
    cni_mtu,
    dataplane_of,
    make_pools,
    mtu_of,
    no_settings,
    pools_of,
    tunnel_of,
)
from components.sources.description import SourceDescription, SourceError, Tunnel, owners_of
from components.sources.detection_setting import Way
from components.sources.facts.workload import (
    Object,
    conf_on_nodes,
    containers,
    environment,
    for_linux,
    image_version,
    link_mtu,
    place,
    smallest,
    title,
)
from components.sources.flannel import daemon_set as flannel
from components.sources.interface import Source
from stacks.settle import VXLAN_V6

KIND = "calico"
GROUPS = (OLD, NATIVE)
_ENTERPRISE = "cnx-node"  # which has version numbers of its own
_LINKS = {"vxlan": "vxlan.calico", VXLAN_V6: "vxlan-v6.calico", "ipip": "tunl0"}


def detect(snapshot: Snapshot) -> list[SourceDescription]:
    """DaemonSets of calico/node without an operator. Raises SourceError if one cannot be described."""
    return [
        describe_daemon_set(item, node, snapshot, kind=KIND, title_of_it="Calico")
        for item, node in agents(snapshot)
        if not made_by_operator(item)
    ]


def agents(snapshot: Snapshot) -> list[tuple[Object, Object]]:
    """Every DaemonSet of calico/node without Flannel, with its container."""
    return [
        (item, node)
        for item in snapshot.daemon_sets
        if (node := felix_of(item)) and not any(map(flannel.runs_flannel, containers(item)))
    ]


def is_prepared(snapshot: Snapshot) -> bool:
    """True if this program has changed the agents' address autodetection."""
    items = [item for item, _ in agents(for_linux(snapshot))]
    return any(noted(each) is not None for each in (*items, *snapshot.calico.get("Installation", ())))


def methods_now(snapshot: Snapshot) -> dict[int, str]:
    """The agents' present autodetection methods, by family (4, 6); empty if there are no agents."""
    for item, node in agents(for_linux(snapshot)):
        return dict(zip((4, 6), methods_of(node, environment(item, node, snapshot)), strict=True))
    return {}


def made_by_operator(item: Object) -> bool:
    """True if Calico's operator manages the DaemonSet."""
    owners = item["metadata"].get("ownerReferences") or []
    return place(item)[0] == "calico-system" or any(each["kind"] == "Installation" for each in owners)


def describe_daemon_set(
    item: Object, node: Object, snapshot: Snapshot, *, kind: str, title_of_it: str, pools: Pools | None = None
) -> SourceDescription:
    """The description of Calico from its DaemonSet and its own objects; `pools` override those of its IPPools."""
    namespace, name = place(item)
    node = as_before(node, noted(item) or {})  # the variables before this program's change
    settings = environment(item, node, snapshot)
    backend = settings.get("CALICO_NETWORKING_BACKEND", "bird")
    if backend == "none":
        raise SourceError(
            f"{title(item)} is Calico for policies alone (CALICO_NETWORKING_BACKEND is none); the network is "
            "another's: describe that in the config's `source`, with kind 'generic' and policyEngine 'Calico'"
        )
    if unread := no_settings(item, snapshot):
        raise SourceError(f"{title(item)} {unread}")
    found = pools_of(snapshot) or pools or _from_environment(settings)
    if found is None:
        where = "etcd, which is not read" if settings.get("DATASTORE_TYPE") != "kubernetes" else "the cluster"
        raise SourceError(
            f"{title(item)}: no IPPool was found in {where}, so Calico's network is unknown; does calico-node run? "
            "`kubectl get ippools.crd.projectcalico.org`; or describe it in the config's `source`, with kind 'generic'"
        )
    wraps = {"vxlan", VXLAN_V6} & set(found.tunnels)
    port, vni = tunnel_of(settings, snapshot) if wraps else (None, None)
    main = next((each for each in found.tunnels if each != VXLAN_V6), "")
    links = tuple(_LINKS[each] for each in found.tunnels if each in _LINKS)
    v4, v6 = methods_of(node, settings, dual_stack=any(":" in each for each in found.networks))
    encryption = encryption_of(settings, snapshot)
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
        version="" if _ENTERPRISE in node.get("image", "") else image_version(node),
        mtu=smallest(mtu_of(settings, snapshot, encapsulation=main), cni_mtu(item, snapshot))
        or link_mtu(snapshot, *(_LINKS[each] for each in (main,) if each)),
        autodetection=v4,
        autodetection_v6=v6,
        tells_addresses=settings.get("DATASTORE_TYPE") == "kubernetes",
        policy_engine="Calico",
        dataplane=dataplane_of(settings, snapshot),
        bgp_peers=bgp_peers_of(snapshot),
        owners=owners_of(item),
        links=(*links, *encryption.links),
        encryption=encryption.kind,
        encryption_links=encryption.links,
        encrypted_mtu=encryption.mtu,
        encrypts_nodes=encryption.of_nodes,
        tunnels=tuple(
            Tunnel(link=_LINKS[each], kind=each, mtu=mtu_of(settings, snapshot, encapsulation=each))
            for each in found.tunnels
            if each != main
        ),
        conf=conf_on_nodes(snapshot, "calico"),
        evidence=(f"{title(item)}: {node.get('image', '')}, backend {backend}", *found.told),
    )


def _from_environment(settings: dict[str, str]) -> Pools | None:
    """The pools that calico-node creates at its first start, as far as its environment names them."""
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


def belongings_in(
    namespace: str, *, source: SourceDescription, accounts: tuple[str, ...] = ("calico-node",)
) -> Belongings:
    """The objects of Calico's manifests in a namespace, and Calico's API groups."""
    return Belongings(
        namespace=namespace,
        daemon_sets=(source.daemon_set, *source.more_daemon_sets),
        deployments=("calico-kube-controllers", "calico-typha"),
        config_maps=(source.config_map,),
        services=("calico-typha",),
        budgets=("calico-kube-controllers", "calico-typha"),
        accounts=("calico-kube-controllers", "calico-cni-plugin", *accounts),
        groups=GROUPS,
        written_by_users=WRITTEN_BY_USERS,
    )


def belongings(source: SourceDescription) -> tuple[Belongings, ...]:
    """All objects of its manifests."""
    return (belongings_in(source.namespace, source=source),)


def sweep(source: SourceDescription) -> Sweep:
    """The names of what it leaves never change, but for its encryption's links."""
    named = tuple(each for each in source.encryption_links if each not in LEFTOVERS.links)
    return LEFTOVERS.with_(Sweep(links=named, networks=source.pod_networks))


def way(source: SourceDescription) -> Way:
    """Access to its autodetection setting, a variable of its DaemonSet."""
    return InDaemonSet(daemon_set=(source.namespace, source.daemon_set))


SOURCE = Source(
    kind=KIND, detect=detect, belongings=belongings, sweep=sweep, outgoing=outgoing, way=way, own=OWN_OBJECTS,
    rights=RIGHTS_OF_MANIFESTS,
)  # fmt: skip
