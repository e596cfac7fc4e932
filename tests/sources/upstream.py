"""The manifests that CNIs are really installed by, out of their own modules: nothing of them is kept here."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from scripts.lab.toolchain.build import download_module
from scripts.lab.toolchain.parts import FLANNEL_VERSION

Object = dict[str, Any]
CALICO_MODULE = ("github.com/projectcalico/calico", "v1.11.0-cni-plugin.0.20250813170300-a0db560f0520")
_GROUPS = {
    "DaemonSet": "/apis/apps/v1", "Deployment": "/apis/apps/v1", "PodDisruptionBudget": "/apis/policy/v1",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1", "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1",
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1", "Installation": "/apis/operator.tigera.io/v1",
    "APIServer": "/apis/operator.tigera.io/v1",
}  # fmt: skip
_CALICO_GROUP = "/apis/crd.projectcalico.org/v1"
_CALICO_KINDS = {
    "IPPool", "FelixConfiguration", "BGPConfiguration", "BGPPeer", "GlobalNetworkPolicy", "NetworkPolicy",
    "GlobalNetworkSet", "NetworkSet", "HostEndpoint",
}  # fmt: skip


@lru_cache(maxsize=1)
def _calico() -> Path:
    return download_module(*CALICO_MODULE) / "manifests"


@lru_cache(maxsize=1)
def _flannel() -> Path:
    return download_module("github.com/flannel-io/flannel", f"v{FLANNEL_VERSION}") / "Documentation"


@lru_cache(maxsize=16)
def _read(file: Path) -> tuple[Object, ...]:
    return tuple(each for each in yaml.safe_load_all(file.read_text()) if each)


def calico(name: str) -> list[Object]:
    """The objects of one of Calico's manifests, its kinds left out."""
    return [each for each in deepcopy(list(_read(_calico() / f"{name}.yaml"))) if each["kind"] != _KIND]


def flannel() -> list[Object]:
    """The objects of Flannel's manifest."""
    return deepcopy(list(_read(_flannel() / "kube-flannel.yml")))


_KIND = "CustomResourceDefinition"


def kinds(name: str) -> list[Object]:
    """The kinds that one of Calico's manifests defines."""
    return [each for each in deepcopy(list(_read(_calico() / f"{name}.yaml"))) if each["kind"] == _KIND]


def folder_of(item: Mapping[str, Any]) -> str:
    """Where in the API an object of that kind is created."""
    kind = item["kind"]
    group = _CALICO_GROUP if "projectcalico" in item["apiVersion"] else _GROUPS.get(kind, "/api/v1")
    plural = f"{kind.lower()[:-1]}ies" if kind.endswith("Policy") else f"{kind.lower()}s"
    namespace = item["metadata"].get("namespace")
    return f"{group}/namespaces/{namespace}/{plural}" if namespace else f"{group}/{plural}"


def changed(objects: Iterable[Object], kind: str, change: Callable[[Object], object]) -> list[Object]:
    """The objects, those of one kind changed in place."""
    found = list(objects)
    for each in found:
        if each["kind"] == kind:
            change(each)
    return found


def environment(**values: str | Object) -> Callable[[Object], None]:
    """Sets variables of a DaemonSet's container calico-node, to a text or to what a reference leads to."""

    def change(item: Object) -> None:
        for container in item["spec"]["template"]["spec"]["containers"]:
            if container["name"] == "calico-node":
                kept = [each for each in container["env"] if each["name"] not in values]
                container["env"] = [*kept, *(_variable(name, value) for name, value in values.items())]

    return change


def _variable(name: str, value: str | Object) -> Object:
    return {"name": name, "value" if isinstance(value, str) else "valueFrom": value}


def calico_object(kind: str, name: str, **spec: Any) -> Object:
    """One of Calico's own objects."""
    assert kind in _CALICO_KINDS
    return {"apiVersion": "crd.projectcalico.org/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def pool(cidr: str = "10.244.0.0/16", name: str = "default-ipv4-ippool", **spec: Any) -> Object:
    """An IPPool as calico-node makes it."""
    defaults = {"blockSize": 122 if ":" in cidr else 26, "ipipMode": "Never", "vxlanMode": "Never", "natOutgoing": True}
    return calico_object("IPPool", name, **{"cidr": cidr, "nodeSelector": "all()", **defaults, **spec})


def operator(*pools: Object, **network: Any) -> list[Object]:
    """Objects of a cluster after Calico's operator has run: its manifests, the Installation, and its DaemonSet."""
    found = [*calico("tigera-operator"), *calico("custom-resources")]
    found.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "calico-system"}})
    for each in found:
        if each["kind"] == "Installation":
            each["spec"]["calicoNetwork"] |= network
    agents = next(each for each in calico("calico-vxlan") if each["kind"] == "DaemonSet")
    owner = {"apiVersion": "operator.tigera.io/v1", "kind": "Installation", "name": "default", "uid": "1"}
    agents["metadata"] |= {"namespace": "calico-system", "ownerReferences": [{**owner, "controller": True}]}
    return [*found, agents, *pools]
