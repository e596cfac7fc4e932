"""Plain records of nodes, pods and budgets, with the few fields of each object that a migration needs."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from components.operations.addresses.fixed_address_annotations import wishes
from components.operations.addresses.further_networks import further_addresses
from components.operations.addresses.remote_storage import hosts_in, storage_in
from components.operations.addresses.virtual_addresses import virtual_addresses
from components.operations.demands.demand import Demand
from components.operations.demands.quantities import NOTHING, Room, asked_for
from components.operations.objects.eviction_annotations import wishes_to_stay
from components.operations.selectors import Object, matches
from stacks.addresses import Network
from stacks.virtual_nodes import is_virtual

CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane"
MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
HOSTNAME_LABEL = "kubernetes.io/hostname"


def _metadata(item: Object) -> Object:
    return dict(item.get("metadata") or {})


def condition_is_true(item: Object, kind: str) -> bool:
    """True if the object's status has the condition `kind` with status True."""
    conditions = (item.get("status") or {}).get("conditions") or []
    return any(each.get("type") == kind and each.get("status") == "True" for each in conditions)


_LINUX, _WINDOWS = "linux", "windows"


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node of the cluster."""

    name: str
    ready: bool
    unschedulable: bool
    internal_addresses: tuple[str, ...]
    pod_cidrs: tuple[str, ...]
    boot_id: str
    control_plane: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    uid: str = ""
    external_addresses: tuple[str, ...] = ()
    system: str = ""
    virtual: bool = False

    @property
    def runs_linux(self) -> bool:
        """True for a Linux machine, on which Cilium's agent can run; False for virtual nodes and other systems."""
        return not self.is_virtual and self.operating_system == _LINUX

    @property
    def is_virtual(self) -> bool:
        """True for a virtual node, which is no machine."""
        return self.virtual or is_virtual(self.labels)

    @property
    def operating_system(self) -> str:
        """The operating system in its label, or else in its kubelet's report; Linux if neither names one."""
        return (self.labels.get("kubernetes.io/os") or self.system or _LINUX).lower()

    @property
    def runs_windows(self) -> bool:
        """True for a Windows node."""
        return self.operating_system == _WINDOWS

    @classmethod
    def read(cls, item: Object) -> "Node":
        """From the API's JSON."""
        metadata, spec, status = _metadata(item), item.get("spec") or {}, item.get("status") or {}
        labels = metadata.get("labels") or {}
        return cls(
            name=metadata["name"],
            ready=condition_is_true(item, "Ready"),
            unschedulable=bool(spec.get("unschedulable")),
            internal_addresses=tuple(
                each["address"] for each in status.get("addresses") or [] if each.get("type") == "InternalIP"
            ),
            pod_cidrs=tuple(spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else [])),
            boot_id=(status.get("nodeInfo") or {}).get("bootID", ""),
            control_plane=CONTROL_PLANE_LABEL in labels,
            labels=labels,
            annotations=metadata.get("annotations") or {},
            uid=metadata.get("uid", ""),
            external_addresses=tuple(
                each["address"] for each in status.get("addresses") or [] if each.get("type") == "ExternalIP"
            ),
            system=(status.get("nodeInfo") or {}).get("operatingSystem", ""),
            virtual=is_virtual(labels, {each["key"] for each in spec.get("taints") or []}),
        )


@dataclass(frozen=True, kw_only=True)
class Controller:
    """The object that would re-create a pod."""

    kind: str
    name: str
    api_version: str = "apps/v1"

    @property
    def is_daemon_set(self) -> bool:
        """True if it is Kubernetes' own DaemonSet; a drain evicts pods of other projects' kinds of that name."""
        return self.kind == "DaemonSet" and self.api_version == "apps/v1"


def _excludes_itself(spec: Object, labels: Mapping[str, str]) -> bool:
    affinity = (spec.get("affinity") or {}).get("podAntiAffinity") or {}
    terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or []
    return any(
        term.get("topologyKey") == HOSTNAME_LABEL and matches(term.get("labelSelector"), labels) for term in terms
    )


@dataclass(frozen=True, kw_only=True)
class Pod:
    """One pod."""

    namespace: str
    name: str
    uid: str
    node: str
    address: str
    phase: str
    ready: bool
    host_network: bool
    terminating_since: str
    mirror: bool
    controller: Controller | None
    empty_dirs: tuple[str, ...]
    udp_host_ports: tuple[int, ...]
    host_ports: tuple[int, ...]
    images: tuple[str, ...]
    labels: Mapping[str, str]
    claims: tuple[str, ...] = ()
    finalizers: tuple[str, ...] = ()
    excludes_itself: bool = False
    stays: tuple[str, ...] = ()
    asks: Room = NOTHING
    demand: Demand = field(default_factory=Demand)
    address_wishes: Mapping[str, str] = field(default_factory=dict)
    more_addresses: tuple[str, ...] = ()
    virtual_addresses: tuple[Network, ...] = ()
    storage: tuple[Network, ...] = ()
    storage_hosts: tuple[str, ...] = ()
    further_addresses: tuple[Network, ...] = ()
    name_servers: tuple[str, ...] = ()
    host_aliases: tuple[str, ...] = ()

    @classmethod
    def read(cls, item: Object) -> "Pod":
        """From the API's JSON."""
        metadata, spec, status = _metadata(item), item.get("spec") or {}, item.get("status") or {}
        host_network = bool(spec.get("hostNetwork"))
        owners = [each for each in metadata.get("ownerReferences") or [] if each.get("controller")]
        ports = [port for each in spec.get("containers") or [] for port in each.get("ports") or []]
        on_host = [
            (port.get("protocol") or "TCP", int(port.get("hostPort") or (port["containerPort"] if host_network else 0)))
            for port in ports
        ]
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            node=spec.get("nodeName") or "",
            address=status.get("podIP") or "",
            phase=status.get("phase") or "",
            ready=condition_is_true(item, "Ready"),
            host_network=host_network,
            terminating_since=metadata.get("deletionTimestamp") or "",
            mirror=MIRROR_ANNOTATION in (metadata.get("annotations") or {}),
            controller=Controller(
                kind=owners[0]["kind"], name=owners[0]["name"], api_version=owners[0].get("apiVersion") or ""
            )
            if owners
            else None,
            empty_dirs=tuple(each["name"] for each in spec.get("volumes") or [] if "emptyDir" in each),
            udp_host_ports=tuple(port for protocol, port in on_host if protocol == "UDP" and port),
            host_ports=tuple(port for _, port in on_host if port and not host_network),
            images=tuple(each.get("image", "") for each in spec.get("containers") or []),
            labels=metadata.get("labels") or {},
            claims=tuple(
                each["persistentVolumeClaim"]["claimName"]
                if "persistentVolumeClaim" in each
                else f"{metadata['name']}-{each['name']}"
                for each in spec.get("volumes") or []
                if "persistentVolumeClaim" in each or "ephemeral" in each
            ),
            finalizers=tuple(metadata.get("finalizers") or ()),
            excludes_itself=_excludes_itself(spec, metadata.get("labels") or {}),
            stays=wishes_to_stay(metadata.get("annotations") or {}),
            asks=asked_for(spec),
            demand=Demand.read(item),
            address_wishes=wishes(metadata.get("annotations") or {}),
            more_addresses=tuple(each["ip"] for each in (status.get("podIPs") or [])[1:]),
            virtual_addresses=virtual_addresses(spec),
            storage=storage_in(spec.get("volumes")),
            storage_hosts=hosts_in(spec.get("volumes")),
            name_servers=tuple((spec.get("dnsConfig") or {}).get("nameservers") or ()),
            host_aliases=tuple(each.get("ip") or "" for each in spec.get("hostAliases") or ()),
            further_addresses=further_addresses(metadata.get("annotations") or {}),
        )

    @property
    def path(self) -> str:
        """The pod's path in the API."""
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"

    @property
    def title(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"

    @property
    def finished(self) -> bool:
        """True if it ran to completion, or failed."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def past_budgets(self) -> bool:
        """True if the API evicts it regardless of budgets: it is finished, terminating, or still Pending."""
        return self.finished or self.phase == "Pending" or bool(self.terminating_since)

    @property
    def on_pod_network(self) -> bool:
        """True if it has, or will get, its address from the CNI."""
        return not self.host_network and not self.finished

    @property
    def workload(self) -> str:
        """A short name of its workload: `Deployment web` rather than a ReplicaSet's name with a hash."""
        if self.controller is None:
            return f"Pod {self.name}"
        template_hash = self.labels.get("pod-template-hash")
        if self.controller.kind == "ReplicaSet" and template_hash:
            return f"Deployment {self.controller.name.removesuffix(f'-{template_hash}')}"
        return f"{self.controller.kind} {self.controller.name}"

    def address_in(self, network: str) -> bool:
        """True if its address is in the network, given in CIDR notation."""
        return bool(self.address) and ipaddress.ip_address(self.address) in ipaddress.ip_network(network)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """One PodDisruptionBudget with its current numbers.

    `rule` is its spec's demand as written there; `counted` is False while the numbers are those of an older spec;
    `failure` is the reason why its controller cannot count at all.
    """

    namespace: str
    name: str
    selector: Object | None
    disruptions_allowed: int
    current_healthy: int
    desired_healthy: int
    expected_pods: int
    rule: str = ""
    evicts_unready: bool = False
    counted: bool = True
    failure: str = ""

    @classmethod
    def read(cls, item: Object) -> "Budget":
        """From the API's JSON."""
        metadata, spec, status = _metadata(item), item.get("spec") or {}, item.get("status") or {}
        rules = [f"{key} {spec[key]}" for key in ("minAvailable", "maxUnavailable") if spec.get(key) is not None]
        failed = [each for each in status.get("conditions") or [] if each.get("reason") == "SyncFailed"]
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            selector=spec.get("selector"),
            disruptions_allowed=int(status.get("disruptionsAllowed") or 0),
            current_healthy=int(status.get("currentHealthy") or 0),
            desired_healthy=int(status.get("desiredHealthy") or 0),
            expected_pods=int(status.get("expectedPods") or 0),
            rule=rules[0] if rules else "",
            evicts_unready=spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow",
            counted=int(status.get("observedGeneration") or 0) >= int(metadata.get("generation") or 0),
            failure=failed[0].get("message", "") if failed else "",
        )

    def covers(self, pod: Pod) -> bool:
        """True if the budget selects this pod."""
        return self.namespace == pod.namespace and matches(self.selector, pod.labels)

    def guards(self, pod: Pod) -> bool:
        """True if it can refuse this pod's eviction; a pod that is not Ready mostly goes regardless."""
        if not self.covers(pod) or pod.past_budgets:
            return False
        enough_without_it = self.counted and self.current_healthy >= self.desired_healthy > 0
        return pod.ready or not (self.evicts_unready or enough_without_it)

    @property
    def forbids_any(self) -> bool:
        """True if it allows no eviction, whatever the number of replicas."""
        return self.rule in ("maxUnavailable 0", "maxUnavailable 0%", "minAvailable 100%")

    @property
    def numbers(self) -> str:
        """Its state in a message: `needs 3 available, has 3`."""
        return f"budget {self.namespace}/{self.name} needs {self.desired_healthy} available, has {self.current_healthy}"
