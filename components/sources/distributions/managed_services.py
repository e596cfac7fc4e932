"""Managed Kubernetes services."""

from components.operations.snapshot import Snapshot
from components.sources.distributions.distribution import Distribution
from components.sources.distributions.marks import Marks
from components.sources.facts.workload import container_with

_MANAGED_BY_AKS = "kubernetes.azure.com/managedby"
_GOOGLES = "gce://"


def _keeps_its_own(snapshot: Snapshot) -> bool:
    """True if AKS manages the CNI (its own, or Calico); a cluster may have been created without one."""
    return any(
        container_with(item, "azure-cns")
        or (container_with(item, "calico") and _MANAGED_BY_AKS in (item["metadata"].get("labels") or {}))
        for item in snapshot.daemon_sets
    )


def _runs_flannel(snapshot: Snapshot) -> bool:
    """True if Flannel is there; OKE's other network option is that of its machines."""
    return any(container_with(item, "flannel") for item in snapshot.daemon_sets)


def _unsure(name: str, marks: Marks, *, provider: str, instead_of: tuple[str, ...] = ()) -> Distribution:
    """A service of which it is unknown whether it restores its CNI."""
    return Distribution(
        name=name,
        marks=marks,
        switch_off=f"ask {provider} before Cilium is installed: its control plane may bring its own CNI back, and "
        "nobody says how that is switched off",
        instead_of=instead_of,
        unsure=True,
    )


SERVICES = (
    Distribution(
        name="EKS",
        # AWS' distribution has such versions wherever it is installed, as by EKS Anywhere.
        marks=Marks(versions=("-eks-",), on=("aws://", "eks-hybrid://"), labels=("eks.amazonaws.com/",)),
        switch_off="before the old CNI is removed, take the add-on vpc-cni from EKS, which else brings it back: `aws "
        "eks delete-addon --addon-name vpc-cni --preserve` leaves its objects to this program",
    ),
    Distribution(
        name="EKS Auto Mode",
        marks=Marks(labelled=(("eks.amazonaws.com/compute-type", "auto"),)),
        refused="its nodes have AWS' network in their own system, where nobody can take it out or put another",
        instead_of=("EKS",),
    ),
    Distribution(
        name="GKE",
        marks=Marks(versions=("-gke.",), on=(_GOOGLES,)),
        refused="Google's addon manager brings its network back, and it cannot be switched off in a cluster that there "
        "is",
    ),
    Distribution(
        name="Google Distributed Cloud",
        marks=Marks(versions=("-gke.",), not_on=(_GOOGLES,), labels=("baremetal.cluster.gke.io/", "onprem.gke.io/")),
        refused="its controllers keep the network that the cluster was made with, and take no other in its place",
        instead_of=("GKE",),
    ),
    Distribution(
        name="AKS",
        marks=Marks(labels=("kubernetes.azure.com/cluster",)),
        refused="AKS brings its own CNI back, and takes it out of no cluster; its own way to Cilium is `az aks update "
        "--network-dataplane cilium`",
        brings=_keeps_its_own,
    ),
    Distribution(
        name="OKE",
        marks=Marks(labels=("node.info.ds_proxymux_client",)),
        brings=_runs_flannel,
        switch_off="before the old CNI is removed, take the add-on Flannel from OKE, which else brings it back: `oci "
        "ce cluster disable-addon --addon-name Flannel --cluster-id ID --is-remove-existing-add-on false` leaves its "
        "objects to this program; a basic cluster has to be made an enhanced one for that",
    ),
    Distribution(
        name="IBM Cloud Kubernetes Service",
        marks=Marks(versions=("+IKS",)),
        refused="IBM installs Calico on all nodes, keeps it there, and updates it with the master",
    ),
    Distribution(
        name="Alibaba Cloud ACK",
        marks=Marks(versions=("-aliyun.",), labels=("ack.aliyun.com",)),
        refused="its network plugin (Flannel or Terway) is chosen when the cluster is made, and cannot be changed "
        "afterwards",
    ),
    Distribution(
        name="DigitalOcean (DOKS)",
        marks=Marks(labels=("doks.digitalocean.com/",)),
        refused="DigitalOcean runs a Cilium of its own there, and takes back what others change about it",
    ),
    Distribution(
        name="Scaleway Kapsule",
        marks=Marks(labels=("k8s.scaleway.com/",)),
        refused="its CNI is chosen when the cluster is made, and Scaleway keeps it",
    ),
    Distribution(
        name="Gardener",
        marks=Marks(labels=("worker.gardener.cloud/",)),
        refused="spec.networking.type of a Shoot cannot be changed, and its resource manager brings that network back",
    ),
    Distribution(
        name="OVHcloud Managed Kubernetes",
        marks=Marks(labels=("node.k8s.ovh/",)),
        refused="OVHcloud deploys the CNI on every node, as a component that has to be there, and updates it itself",
    ),
    _unsure("Linode (LKE)", Marks(labels=("lke.linode.com/",)), provider="Akamai"),
    _unsure("Vultr (VKE)", Marks(labels=("vke.vultr.com/",)), provider="Vultr"),
    _unsure("Civo", Marks(labels=("kubernetes.civo.com/",)), provider="Civo", instead_of=("k3s",)),
    _unsure("Yandex Managed Kubernetes", Marks(labels=("yandex.cloud/node-group-id",)), provider="Yandex"),
    _unsure("Tencent (TKE)", Marks(versions=("-tke.",)), provider="Tencent"),
)
