"""The Secret with the key that all probes of the installation share."""

import base64
import secrets

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.probe import KEY_ENTRY, KEY_SECRET, LABELS, NAMESPACE

_BYTES = 32
_PATH = f"/api/v1/namespaces/{NAMESPACE}/secrets"


def ensure_key(cluster: Cluster) -> None:
    """Create it with a random key; an existing one is left as it is. Raises ClusterError."""
    metadata = {"name": KEY_SECRET, "namespace": NAMESPACE, "labels": LABELS}
    key = base64.b64encode(secrets.token_hex(_BYTES).encode()).decode()
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": {KEY_ENTRY: key}}
    try:
        cluster.create(_PATH, body)
    except ClusterError as error:
        if error.status != 409 or error.reason != "AlreadyExists":
            raise


def has_key(cluster: Cluster) -> bool:
    """True if it exists."""
    return cluster.find(f"{_PATH}/{KEY_SECRET}") is not None


def remove_key(cluster: Cluster) -> None:
    """Delete it if it exists."""
    cluster.delete(f"{_PATH}/{KEY_SECRET}")
