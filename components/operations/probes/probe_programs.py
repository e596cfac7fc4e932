"""The ConfigMap with the programs of the probe's pods."""

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.probe import NAMESPACE, PROGRAMS, version_of
from components.probe.manifests import programs

_COLLECTION = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
_PATH = f"{_COLLECTION}/{PROGRAMS}"


def put_programs(cluster: Cluster) -> None:
    """Create it, or replace its contents by this version's programs. Raises ClusterError."""
    body = programs()
    try:
        cluster.create(_COLLECTION, body)
    except ClusterError as error:
        if error.status != 409 or error.reason != "AlreadyExists":
            raise
        there = dict.fromkeys(cluster.get(_PATH).get("data") or {})
        cluster.patch(_PATH, {**body, "data": {**there, **body["data"]}})


def version_there(cluster: Cluster) -> str | None:
    """The version of the programs in it; None if it does not exist."""
    found = cluster.find(_PATH)
    return None if found is None else version_of(found.get("data") or {})


def remove_programs(cluster: Cluster) -> None:
    """Delete it if it exists."""
    cluster.delete(_PATH)
