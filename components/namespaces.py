"""This program's two namespaces, each with the lowest level of the Pod Security Standards that its pods need."""

from collections.abc import Mapping
from typing import Any

from components.names import NAMESPACE, NODES_NAMESPACE

ENFORCE = "pod-security.kubernetes.io/enforce"
LEVELS: Mapping[str, str] = {NAMESPACE: "restricted", NODES_NAMESPACE: "privileged"}


def namespace(name: str) -> dict[str, Any]:
    """The manifest of one of the namespaces."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {ENFORCE: LEVELS[name]}}}
