"""Distributions that people install and run themselves."""

from functools import partial

from components.sources.distributions.distribution import Distribution
from components.sources.distributions.marks import Marks, anything_in, network_marked

INSTALLERS = (
    Distribution(
        name="k3s",
        marks=Marks(versions=("+k3s",)),
        switch_off="before the old CNI is removed, take its manifest out of /var/lib/rancher/k3s/server/manifests, "
        "if it is there: k3s applies it again at each start",
        instead_of=("RKE",),  # Rancher may write its addresses on these nodes as well
    ),
    Distribution(
        name="RKE2",
        marks=Marks(versions=("+rke2",)),
        switch_off="once all nodes moved, and before the old CNI is removed: `cni: none` in "
        "/etc/rancher/rke2/config.yaml of every server, and rke2-server started anew on one after the other: its "
        "Helm controller then uninstalls it",
        instead_of=("RKE",),
    ),
    Distribution(
        name="RKE",
        marks=Marks(annotations=("rke.cattle.io/internal-ip", "rke.cattle.io/external-ip")),
        switch_off="before the old CNI is removed, set `network: {plugin: none}` in cluster.yml, or in the cluster's "
        "YAML in Rancher: each `rke up` applies its network's manifest again",
    ),
    Distribution(
        name="MicroK8s",
        marks=Marks(labels=("microk8s.io/",)),
        switch_off="before the old CNI is removed, take cni.yaml out of /var/snap/microk8s/current/args/cni-network "
        "on every node: MicroK8s applies it again at each start",
    ),
    Distribution(
        name="Talos",
        marks=Marks(systems=("Talos",)),
        switch_off="before the old CNI is removed, set `cluster.network.cni.name: none` in the machine configs of the "
        "control plane: `talosctl upgrade-k8s` applies Flannel's manifest again",
        read_only=True,
    ),
    Distribution(
        name="kOps",
        marks=Marks(labels=("kops.k8s.io/",)),
        switch_off="before the old CNI is removed, set `networking: {cni: {}}` with `kops edit cluster`, then `kops "
        "update cluster --yes`: kOps applies its add-ons again and again",
    ),
    Distribution(
        name="kubespray",
        marks=Marks(settings=(("cluster_type", "kubespray"),)),
        switch_off="before the old CNI is removed, set `kube_network_plugin: cni` and `kube_owner: root` in its "
        "inventory: each run of cluster.yml, scale.yml or upgrade-cluster.yml applies Calico again, and gives the "
        "folder of CNI plugins to a user under whom Cilium's containers cannot write there",
    ),
    Distribution(
        name="KubeOne",
        marks=Marks(objects=("kubeone.io/addon",)),
        brings=partial(network_marked, prefix="kubeone.io/addon"),
        switch_off="before the old CNI is removed, set `clusterNetwork: {cni: {external: {}}}` in its manifest: each "
        "`kubeone apply` applies its add-ons again",
    ),
    Distribution(
        name="Kubermatic (KKP)",
        marks=Marks(labels=("x-kubernetes.io/distribution",), objects=("kubermatic-addon",)),
        brings=partial(network_marked, prefix="kubermatic-addon"),
        switch_off='before the old CNI is removed, in the seed, label the Cluster `unsafe-cni-migration: "true"` and '
        "set its `spec.cniPlugin.type: none`: else KKP applies the add-on again",
    ),
    Distribution(
        name="minikube",
        marks=Marks(labels=("minikube.k8s.io/",)),
        switch_off="once the old CNI is removed, start it with `minikube start --cni=false`: else each start applies "
        "its CNI's manifest again",
    ),
    Distribution(
        name="AKS Engine",
        marks=Marks(labelled=(("kubernetes.azure.com/role", "master"),)),
        switch_off="before the old CNI is removed, take its manifest out of /etc/kubernetes/addons on every master: "
        "its addon manager applies it again and again",
        instead_of=("AKS",),
    ),
    Distribution(name="kind", marks=Marks(machines=("kind://",))),
    Distribution(
        name="k0s",
        marks=Marks(versions=("+k0s",)),
        brings=partial(network_marked, prefix="k0s.k0sproject.io/"),
        refused="k0s applies its network's manifests all the time, and lets nobody change spec.network.provider of a "
        "cluster that there is",
    ),
    Distribution(
        name="OpenShift",
        marks=Marks(labels=("node.openshift.io/",)),
        refused="its Cluster Network Operator keeps the network that it made, and takes no other in its place",
    ),
    Distribution(
        name="Deckhouse",
        marks=Marks(labels=("node.deckhouse.io/",)),
        brings=partial(anything_in, namespace="d8-cni-"),
        refused="its modules bring their own CNI back; its own way to Cilium is `d8 network cni-migration switch "
        "--to-cni cilium`",
    ),
    Distribution(
        name="Tanzu (TKG, VKS)",
        marks=Marks(labels=("run.tanzu.vmware.com/",)),
        brings=partial(network_marked, prefix="kapp.k14s.io/"),
        refused="its kapp-controller applies the CNI that the cluster was made with again and again, and no other can "
        "be set in a cluster that there is",
    ),
    Distribution(
        name="vcluster",
        marks=Marks(labels=("vcluster.loft.sh/",)),
        refused="a virtual cluster has no network of its own: its pods are on that of its host cluster, which is the "
        "one to migrate",
        instead_of=("k3s", "k0s"),
    ),
)
