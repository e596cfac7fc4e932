"""Prometheus's discovery of pods, which Debian's build of it lacks: the same targets and labels, as a file of them."""

import json
from pathlib import Path
from typing import Any

from components.operations.cluster_api.api import Cluster

Object = dict[str, Any]


def _targets(pod: Object) -> list[Object]:
    """One for each port of each container, once the pod has an address."""
    status, metadata = pod.get("status", {}), pod["metadata"]
    prefix = "__meta_kubernetes_pod_"
    labels = {
        "__meta_kubernetes_namespace": metadata["namespace"],
        f"{prefix}name": metadata["name"],
        f"{prefix}phase": status.get("phase", ""),
        f"{prefix}node_name": pod["spec"].get("nodeName", ""),
    }
    return [
        {
            "targets": [f"{status['podIP']}:{port['containerPort']}"],
            "labels": {
                **labels,
                f"{prefix}container_port_name": port.get("name", ""),
                f"{prefix}container_port_number": str(port["containerPort"]),
            },
        }
        for container in pod["spec"]["containers"]
        for port in container.get("ports", [])
        if status.get("podIP")
    ]


def _found(cluster: Cluster, discovery: Object) -> list[Object]:
    assert set(discovery) <= {"role", "namespaces", "selectors"}
    assert discovery["role"] == "pod"
    (selector,) = discovery.get("selectors") or [{"role": "pod", "label": ""}]
    assert set(selector) == {"role", "label"}
    assert selector["role"] == "pod"
    return [
        target
        for namespace in discovery["namespaces"]["names"]
        for pod in cluster.list(f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector["label"])
        for target in _targets(pod)
    ]


def as_files(config: Object, cluster: Cluster, folder: Path) -> Object:
    """The scrape config, with what each discovery finds now written into a file that is read instead."""
    jobs = []
    for job in config["scrape_configs"]:
        path = folder / f"{job['job_name']}.json"
        path.write_text(json.dumps([each for one in job["kubernetes_sd_configs"] for each in _found(cluster, one)]))
        rest = {key: value for key, value in job.items() if key != "kubernetes_sd_configs"}
        jobs.append({**rest, "file_sd_configs": [{"files": [str(path)]}]})
    return {**config, "scrape_configs": jobs}
