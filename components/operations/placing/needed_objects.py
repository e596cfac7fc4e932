"""Objects other than nodes that replacements need: claims, volumes, quotas, owners; a list is None if not read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.operations.demands.resource_totals import Amounts, read_amounts
from components.operations.demands.terms import NotKnownError
from components.operations.placing.owners import Owner
from components.operations.placing.quotas import LimitRange, Quota
from components.operations.selectors import Object

_ZONES = (
    "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
)  # fmt: skip
# In-tree volume types, with the CSI driver that serves them now.
_DRIVERS = {
    "awsElasticBlockStore": "ebs.csi.aws.com",
    "azureDisk": "disk.csi.azure.com",
    "cinder": "cinder.csi.openstack.org",
    "gcePersistentDisk": "pd.csi.storage.gke.io",
    "vsphereVolume": "csi.vsphere.vmware.com",
}
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
OF_VOLUMES = ("persistentvolumeclaims", "persistentvolumes", "storageclasses", "csinodes")
NO_PROVISIONER = "kubernetes.io/no-provisioner"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One PersistentVolumeClaim; `volume` is empty until it is bound."""

    namespace: str
    name: str
    volume: str = ""
    storage_class: str | None = None
    modes: frozenset[str] = frozenset()
    asks: Amounts = field(default_factory=dict)

    @classmethod
    def read(cls, item: Object) -> "Claim":
        """From the API's JSON."""
        spec = item.get("spec") or {}
        return cls(
            namespace=item["metadata"]["namespace"],
            name=item["metadata"]["name"],
            volume=spec.get("volumeName") or "",
            storage_class=spec.get("storageClassName"),
            modes=frozenset(spec.get("accessModes") or ()),
            asks=read_amounts((spec.get("resources") or {}).get("requests")),
        )


@dataclass(frozen=True, kw_only=True)
class Volume:
    """One PersistentVolume; `terms` is None if every node reaches it, `claim` None if it is unclaimed."""

    name: str
    terms: tuple[Object, ...] | None = None
    zones: Mapping[str, frozenset[str]] = field(default_factory=dict)
    driver: str = ""
    claim: tuple[str, str] | None = None
    storage_class: str = ""
    modes: frozenset[str] = frozenset()
    holds: Amounts = field(default_factory=dict)

    @classmethod
    def read(cls, item: Object) -> "Volume":
        """From the API's JSON."""
        metadata, spec = item["metadata"], item.get("spec") or {}
        required, claim = (spec.get("nodeAffinity") or {}).get("required"), spec.get("claimRef")
        labels = metadata.get("labels") or {}
        built_in = next((driver for kind, driver in _DRIVERS.items() if kind in spec), "")
        return cls(
            name=metadata["name"],
            terms=None if required is None else tuple(required.get("nodeSelectorTerms") or []),
            zones={key: frozenset(labels[key].split("__")) for key in _ZONES if key in labels},
            driver=(spec.get("csi") or {}).get("driver") or built_in,
            claim=(claim.get("namespace", ""), claim.get("name", "")) if claim else None,
            storage_class=spec.get("storageClassName") or "",
            modes=frozenset(spec.get("accessModes") or ()),
            holds=read_amounts(spec.get("capacity")),
        )


@dataclass(frozen=True, kw_only=True)
class StorageClass:
    """A StorageClass with its volume binding; `topologies` is None if every node is allowed."""

    name: str
    provisioner: str
    waits_for_pod: bool = False
    is_default: bool = False
    topologies: tuple[Object, ...] | None = None

    @classmethod
    def read(cls, item: Object) -> "StorageClass":
        """The class in the API's JSON; its allowed topologies become terms of a node selector."""
        allowed = item.get("allowedTopologies") or None
        terms = [
            {
                "matchExpressions": [
                    {"key": each["key"], "operator": "In", "values": each.get("values") or []}
                    for each in term.get("matchLabelExpressions") or []
                ]
            }
            for term in allowed or []
        ]
        annotations = item["metadata"].get("annotations") or {}
        return cls(
            name=item["metadata"]["name"],
            provisioner=item.get("provisioner") or "",
            waits_for_pod=item.get("volumeBindingMode") == "WaitForFirstConsumer",
            is_default=annotations.get(_DEFAULT_CLASS) == "true",
            topologies=tuple(terms) if allowed else None,
        )


def read_volume_limits(item: Object) -> tuple[str, dict[str, int]]:
    """A CSINode's name, and the number of volumes that each driver can attach there."""
    drivers = (item.get("spec") or {}).get("drivers") or []
    counts = {each["name"]: (each.get("allocatable") or {}).get("count") for each in drivers}
    return item["metadata"]["name"], {name: int(count) for name, count in counts.items() if count is not None}


@dataclass(frozen=True, kw_only=True)
class Supplies:
    """Everything that was read for the drained pods; `unread` has the reason for each missing list, by kind."""

    claims: Mapping[tuple[str, str], Claim] | None = None
    volumes: Mapping[str, Volume] | None = None
    classes: Mapping[str, StorageClass] | None = None
    volume_limits: Mapping[str, Mapping[str, int]] | None = None
    quotas: tuple[Quota, ...] | None = None
    limit_ranges: tuple[LimitRange, ...] | None = None
    owners: Mapping[str, Mapping[tuple[str, str], Owner]] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)

    def missing(self, kind: str) -> NotKnownError:
        """The error for a list that is needed and was not read."""
        return NotKnownError(f"{kind} could not be read ({self.unread.get(kind, 'nobody asked for them')})")

    def claim(self, namespace: str, name: str) -> Claim | None:
        """A claim, or None if there is none."""
        if self.claims is None:
            raise self.missing("persistentvolumeclaims")
        return self.claims.get((namespace, name))

    def volume(self, name: str) -> Volume | None:
        """A volume, or None if there is none."""
        if self.volumes is None:
            raise self.missing("persistentvolumes")
        return self.volumes.get(name)

    def storage_class(self, name: str | None) -> StorageClass | None:
        """A class, or None if there is none; no name means the cluster's default."""
        if self.classes is None:
            raise self.missing("storageclasses")
        if name is None:
            return next((each for each in self.classes.values() if each.is_default), None)
        return self.classes.get(name)
