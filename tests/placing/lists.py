"""Manifests of all that replacements rely on besides nodes, by the last word of their list in the API."""

from collections.abc import Mapping
from typing import Any

from tests.placing.manifests import HOST, ZONE, Object


def volume(name: str, *rules: Object, claim: str = "data", zone: str = "", **spec: Any) -> Object:
    required = {"required": {"nodeSelectorTerms": [{"matchExpressions": list(rules)}]}}
    return {
        "metadata": {"name": name, "labels": {ZONE: zone} if zone else {}},
        "spec": {
            **({"nodeAffinity": required} if rules else {}),
            **({"claimRef": {"namespace": "shop", "name": claim}} if claim else {}),
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "10Gi"},
            **spec,
        },
    }


def claim(name: str = "data", *, bound: str = "", mode: str = "ReadWriteOnce", **spec: Any) -> Object:
    return {
        "metadata": {"namespace": "shop", "name": name},
        "spec": {
            "accessModes": [mode],
            "resources": {"requests": {"storage": "5Gi"}},
            **({"volumeName": bound} if bound else {}),
            **spec,
        },
    }


def mounts(*names: str) -> dict[str, Any]:
    return {"volumes": [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in names]}


def storage(name: str, provisioner: str, *zones: str, waits: bool = True) -> Object:
    allowed = [{"matchLabelExpressions": [{"key": ZONE, "values": list(zones)}]}] if zones else []
    return {
        "metadata": {"name": name},
        "provisioner": provisioner,
        "volumeBindingMode": "WaitForFirstConsumer" if waits else "Immediate",
        "allowedTopologies": allowed,
    }


def attaches(count: int) -> list[Object]:
    drivers = [{"name": "disk.example.org", "allocatable": {"count": count}}]
    return [{"metadata": {"name": f"worker-{number}"}, "spec": {"drivers": drivers}} for number in (1, 2, 3)]


def bound(hosts: str = "", zone: str = "", mode: str = "ReadWriteOnce", **spec: Any) -> dict[str, list[Object]]:
    rules = [{"key": HOST, "operator": "In", "values": hosts.split()}] if hosts else []
    return {
        "persistentvolumeclaims": [claim(bound="disk-1", mode=mode)],
        "persistentvolumes": [volume("disk-1", *rules, zone=zone, **spec)],
        "storageclasses": [],
        "csinodes": [],
    }


def quota(hard: Mapping[str, str], used: Mapping[str, str], **spec: Any) -> dict[str, list[Object]]:
    status = {"hard": dict(hard), "used": dict(used)}
    return {"resourcequotas": [{"metadata": {"namespace": "shop", "name": "small"}, "spec": spec, "status": status}]}


def limits(**limit: Any) -> list[Object]:
    return [{"metadata": {"namespace": "shop", "name": "sizes"}, "spec": {"limits": [limit]}}]


def job(*, failed: int = 0, template: Mapping[str, Any] | None = None, **spec: Any) -> dict[str, list[Object]]:
    spec = {"template": {"spec": dict(template or {})}, "parallelism": 1, **spec}
    return {"jobs": [{"metadata": {"namespace": "shop", "name": "backup"}, "spec": spec, "status": {"failed": failed}}]}


def owned(kind: str, name: str = "web", **template: Any) -> dict[str, list[Object]]:
    meta = {"namespace": "shop", "name": name}
    return {kind: [{"metadata": meta, "spec": {"replicas": 1, "template": {"spec": template}}}]}
