"""A user with exactly the rights of `docs/rbac`, and what of them a run used, by the API server's own audit log."""

import json
from dataclasses import dataclass
from pathlib import Path

import yaml

from components.names import NAMESPACES
from components.operations.addresses.outside_addresses import GROUPS
from components.operations.rights.permissions import Aims, Need, needs
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.rbac.roles import Recipient, roles
from stacks.strategies import DEFAULT

_USER = {"kind": "ServiceAccount", "namespace": "default", "name": "migrator"}
_NAME = "system:serviceaccount:default:migrator"
Right = tuple[str, str, str, str]
_RBAC, _SPACES = "rbac.authorization.k8s.io", ("kube-system", "cilium-secrets")
_POLICIES = ("ciliumnetworkpolicies.cilium.io", "ciliumclusterwidenetworkpolicies.cilium.io")
# Rights of the table that a migration from Flannel without policies, on one version of Cilium, makes no use of.
USED_ELSEWHERE = {
    # An API server asks for these beside the creation of a role or a binding: they are no requests.
    *(f"{verb} clusterroles.{_RBAC}" for verb in ("escalate", "bind")),
    *(f"{verb} roles.{_RBAC} in {space}" for verb in ("escalate", "bind") for space in _SPACES),
    # Helm patches what another version or other values of the chart change.
    f"patch clusterrolebindings.{_RBAC}",
    *(f"patch {kind}.{_RBAC} in {space}" for kind in ("roles", "rolebindings") for space in _SPACES),
    *(f"patch {kind} in kube-system" for kind in ("secrets", "services", "serviceaccounts")),
    # Policies that the migration translates.
    *(f"{verb} {kind}" for verb in ("get", "watch", "create", "patch", "delete") for kind in _POLICIES),
    # A drained pod's owner or volume of that kind; a pod of ours that does not start.
    "get replicationcontrollers", "get statefulsets.apps", "list replicationcontrollers", "list statefulsets.apps",
    "list jobs.batch", "list csinodes.storage.k8s.io", "list storageclasses.storage.k8s.io",
    "list persistentvolumeclaims", "list persistentvolumes", "list limitranges",
    *(f"list events in {space}" for space in NAMESPACES),
    # A refresh looks whether the probe's key is there, and a check for the pull secrets that the stack names.
    *(f"get secrets in {space}" for space in NAMESPACES),
    # A node that somebody says has no network.
    "patch nodes/status",
    # Kinds that few clusters serve, and parts that Flannel does not have.
    *(f"list {plural}.{group}" for group, plurals in GROUPS.items() for plural in plurals),
    "list targetgroupbindings.elbv2.k8s.aws", "list ingressclassparams.elbv2.k8s.aws",
    "list network-attachment-definitions.k8s.cni.cncf.io", "list gateways.gateway.networking.k8s.io",
    "list adminnetworkpolicies.policy.networking.k8s.io", "list baselineadminnetworkpolicies.policy.networking.k8s.io",
    "list clusternetworkpolicies.policy.networking.k8s.io", "get apiservices.apiregistration.k8s.io",
    "get deployments.apps in kube-flannel", "delete deployments.apps in kube-flannel",
    "delete poddisruptionbudgets.policy in kube-flannel", "delete services in kube-flannel",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class User:
    """The user on a cluster whose API server writes down each request of theirs."""

    folder: Path

    @property
    def flags(self) -> dict[str, str]:
        """The API server's, before it starts."""
        policy = {
            "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
            "rules": [{"level": "Metadata", "users": [_NAME], "omitStages": ["RequestReceived"]}, {"level": "None"}],
        }  # fmt: skip
        self._policy.write_text(yaml.safe_dump(policy))
        return {"audit-policy-file": str(self._policy), "audit-log-path": str(self._log)}

    @property
    def _policy(self) -> Path:
        return self.folder / "audit-policy.yaml"

    @property
    def _log(self) -> Path:
        return self.folder / "audit.log"

    def grant(self, plane: ControlPlane) -> None:
        """Do as an administrator before a migration, and again after all of it was taken back."""
        for phase in DEFAULT.phases:
            text = yaml.safe_dump_all(roles(phase, Recipient(subject=_USER)))
            if text:
                plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)

    def grant_also(self, plane: ControlPlane, *, verb: str, resource: str) -> None:
        """One right more, in namespace `default`."""
        plane.kubectl("create", "role", "more", f"--verb={verb}", f"--resource={resource}")
        plane.kubectl("create", "rolebinding", "more", "--role=more", "--serviceaccount=default:migrator")

    def kubeconfig(self, plane: ControlPlane) -> Path:
        """The user's own."""
        plane.kubectl("create", "serviceaccount", "migrator")
        config = yaml.safe_load(plane.kubeconfig.read_text())
        token = plane.kubectl("create", "token", "migrator", "--duration=8h").strip()
        config["users"] = [{"name": "admin", "user": {"token": token}}]
        file = self.folder / "kubeconfig-of-migrator.yaml"
        file.write_text(yaml.safe_dump(config))
        return file

    def unused(self) -> set[str]:
        """The rights that no request needed; `create` of what was applied, and of exec, is in `patch` and `get`."""
        used = {_right(json.loads(line)) for line in self._log.read_text().splitlines()}
        used |= {(space, group, kind, "create") for space, group, kind, verb in used if verb == "patch"}
        used |= {(space, group, kind, "create") for space, group, kind, verb in used if kind == "pods/exec"}
        everywhere = {("", *right[1:]) for right in used}
        return {each.title for each in _granted() if _key(each) not in used | everywhere}


def _granted() -> list[Need]:
    aims = Aims(removes=True, home="kube-flannel")
    return list(needs(cilium_namespace="kube-system", aims=aims))


def _key(need: Need) -> Right:
    return need.namespace, need.group, need.resource, need.verb


def _right(event: dict[str, object]) -> Right:
    about = event.get("objectRef") or {}
    assert isinstance(about, dict)
    kind = "/".join(part for part in (about.get("resource", ""), about.get("subresource", "")) if part)
    space = "" if kind == "namespaces" else about.get("namespace", "")
    return space, about.get("apiGroup", ""), kind, str(event["verb"])
