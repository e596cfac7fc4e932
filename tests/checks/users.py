"""Users who may do this and not that, on a real API server."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from components.operations.cluster_api.api import Cluster
from components.operations.rights.permissions import Need
from scripts.lab.simulated.control_plane import ControlPlane
from tests.checks.site import SHOP, Site

RBAC = "/apis/rbac.authorization.k8s.io/v1"


def rules_for(needs: Iterable[Need]) -> list[dict[str, Any]]:
    """A ClusterRole's rules that allow all of these, and nothing else."""
    return [{"apiGroups": [each.group], "resources": [each.resource], "verbs": [each.verb]} for each in needs]


def as_user(plane: ControlPlane, site: Site, folder: Path, rules: list[dict[str, Any]]) -> Cluster:
    """The cluster as a user sees it who may do what the rules say."""
    site.add(f"/api/v1/namespaces/{SHOP}/serviceaccounts", {"metadata": {"name": "user"}})
    site.add(f"{RBAC}/clusterroles", {"metadata": {"name": "user"}, "rules": rules})
    subject = {"kind": "ServiceAccount", "namespace": SHOP, "name": "user"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "user"}
    site.add(f"{RBAC}/clusterrolebindings", {"metadata": {"name": "user"}, "subjects": [subject], "roleRef": role})
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = site.cluster.create(f"/api/v1/namespaces/{SHOP}/serviceaccounts/user/token", request)["status"]["token"]
    config = yaml.safe_load(plane.kubeconfig.read_text())
    config["users"] = [{"name": "admin", "user": {"token": token}}]
    (folder / "kubeconfig").write_text(yaml.safe_dump(config))
    return Cluster(kubeconfig=str(folder / "kubeconfig"))
