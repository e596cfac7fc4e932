"""Everything that a pod requires of its node."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from components.operations.demands.resource_totals import Amounts, container_amounts, pod_amounts
from components.operations.demands.terms import PodTerm, Spread, node_fits
from components.operations.selectors import Object

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_SCHEDULER = "default-scheduler"
# Disks named in a pod itself, for which the scheduler has rules of their own.
_DISKS = ("gcePersistentDisk", "awsElasticBlockStore", "azureDisk", "rbd", "iscsi")
_ANY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 (read, not listened on)


@dataclass(frozen=True, kw_only=True)
class HostPort:
    """A port of the node that a container takes."""

    protocol: str
    port: int
    address: str = ""

    def clashes(self, other: "HostPort") -> bool:
        """True if both cannot be on one node."""
        if (self.protocol, self.port) != (other.protocol, other.port):
            return False
        return self.address == other.address or self.address in _ANY_ADDRESS or other.address in _ANY_ADDRESS


@dataclass(frozen=True, kw_only=True)
class Demand:
    """A pod's requirements, from its spec; `fresh_claims` are the storage classes of claims created with the pod.

    `containers` are the requests and limits of each container, `grace_seconds` the time that it may take to end.
    """

    amounts: Amounts = field(default_factory=dict)
    limits: Amounts = field(default_factory=dict)
    containers: tuple[tuple[Amounts, Amounts], ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    node_terms: tuple[Object, ...] | None = None
    tolerations: tuple[Object, ...] = ()
    affinity: tuple[PodTerm, ...] = ()
    anti_affinity: tuple[PodTerm, ...] = ()
    spreads: tuple[Spread, ...] = ()
    ports: tuple[HostPort, ...] = ()
    claims: tuple[str, ...] = ()
    fresh_claims: tuple[str | None, ...] = ()
    priority: int = 0
    preempts: bool = True
    priority_class: str = ""
    ends_by_itself: bool = False
    grace_seconds: int = 30
    strange: tuple[str, ...] = ()

    @classmethod
    def read(cls, item: Object) -> "Demand":
        """The requirements of a pod in the API's JSON."""
        metadata, spec = item.get("metadata") or {}, item.get("spec") or {}
        namespace, labels = metadata.get("namespace") or "", metadata.get("labels") or {}
        affinity, volumes = spec.get("affinity") or {}, spec.get("volumes") or []
        required = (affinity.get("nodeAffinity") or {}).get(_REQUIRED)

        def terms(kind: str) -> tuple[PodTerm, ...]:
            found = (affinity.get(kind) or {}).get(_REQUIRED) or []
            return tuple(PodTerm.read(term, namespace=namespace, labels=labels) for term in found)

        grace = spec.get("terminationGracePeriodSeconds")
        each_of = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
        return cls(
            amounts=pod_amounts(spec),
            limits=pod_amounts(spec, "limits"),
            containers=tuple((container_amounts(each), container_amounts(each, "limits")) for each in each_of),
            node_selector=spec.get("nodeSelector") or {},
            node_terms=None if required is None else tuple(required.get("nodeSelectorTerms") or []),
            tolerations=tuple(spec.get("tolerations") or ()),
            affinity=terms("podAffinity"),
            anti_affinity=terms("podAntiAffinity"),
            spreads=tuple(
                Spread.read(each, labels)
                for each in spec.get("topologySpreadConstraints") or []
                if each.get("whenUnsatisfiable") != "ScheduleAnyway"
            ),
            ports=_ports(spec),
            claims=tuple(
                each["persistentVolumeClaim"].get("claimName") or ""
                for each in volumes
                if "persistentVolumeClaim" in each
            ),
            fresh_claims=tuple(_class_of(each["ephemeral"]) for each in volumes if "ephemeral" in each),
            priority=int(spec.get("priority") or 0),
            preempts=spec.get("preemptionPolicy") != "Never",
            priority_class=spec.get("priorityClassName") or "",
            ends_by_itself=spec.get("activeDeadlineSeconds") is not None,
            grace_seconds=30 if grace is None else int(grace),
            strange=tuple(_strange(spec)),
        )

    @cached_property
    def best_effort(self) -> bool:
        """True if it requests neither CPU nor memory, so that quotas of scope BestEffort count it."""
        return not any({*asked, *limits} & {"cpu", "memory"} for asked, limits in self.containers)

    def chooses(self, name: str, labels: Mapping[str, str]) -> bool:
        """True if the pod's node selector and affinity allow this node."""
        if any(labels.get(key) != value for key, value in self.node_selector.items()):
            return False
        return self.node_terms is None or node_fits(self.node_terms, name=name, labels=labels)


def _ports(spec: Object) -> tuple[HostPort, ...]:
    sidecars = [each for each in spec.get("initContainers") or [] if each.get("restartPolicy") == "Always"]
    ports = [port for each in [*sidecars, *(spec.get("containers") or [])] for port in each.get("ports") or []]
    on_host = bool(spec.get("hostNetwork"))
    return tuple(
        HostPort(protocol=port.get("protocol") or "TCP", port=int(number), address=port.get("hostIP") or "")
        for port in ports
        if (number := port.get("hostPort") or (port.get("containerPort") if on_host else 0))
    )


def _class_of(ephemeral: Object) -> str | None:
    """The storage class of a claim that is created with its pod; None for the cluster's default."""
    name = ((ephemeral.get("volumeClaimTemplate") or {}).get("spec") or {}).get("storageClassName")
    return None if name is None else str(name)


def _strange(spec: Object) -> list[str]:
    """The parts of a pod that this program cannot judge: other schedulers, gates, devices, inline disks."""
    found = []
    scheduler = spec.get("schedulerName") or _SCHEDULER
    if scheduler != _SCHEDULER:
        found.append(f"scheduler {scheduler} decides, whose rules are not known")
    gates = [each.get("name", "") for each in spec.get("schedulingGates") or []]
    if gates:
        found.append(f"scheduling gate {', '.join(gates)} holds it until somebody takes it off")
    if spec.get("resourceClaims"):
        names = ", ".join(each.get("name", "") for each in spec["resourceClaims"])
        found.append(f"it asks for devices by resource claim ({names}), which are not looked at")
    disks = sorted({kind for each in spec.get("volumes") or [] for kind in _DISKS if kind in each})
    if disks:
        found.append(f"it names a disk itself ({', '.join(disks)}), whose rules are not followed here")
    return found
