"""The whole program on the real engine, with Cilium's real chart, against simulated nodes that behave."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.names import NAMESPACE, NAMESPACES, NODES_NAMESPACE
from components.namespaces import ENFORCE, LEVELS
from scripts.lab.session import Session
from scripts.lab.simulated.control_plane import ControlPlane
from tests.engine.conftest import NODES, populate
from tests.engine.rights import USED_ELSEWHERE, User
from tests.operations.conftest import eventually
from tests.remedies import type_in

FLANNEL, CILIUM = "10.244", "10.192"
PROBES = "app.kubernetes.io/name=probe"
pytestmark = [pytest.mark.engine, pytest.mark.apiserver, pytest.mark.timeout(600)]


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(folder=tmp_path)


@pytest.fixture
def plane(user: User) -> Iterator[ControlPlane]:
    with ControlPlane(simulated_nodes=True, api_server_flags=user.flags) as running:
        populate(running)
        user.grant(running)
        yield running


@pytest.fixture
def stack(plane: ControlPlane, user: User, tmp_path: Path) -> Session:
    return Session.start(
        kubeconfig=user.kubeconfig(plane),
        stack="simulated",
        template="Pulumi.simulated.yaml",
        folder=tmp_path,
        echo=False,
    )


def _objects(plane: ControlPlane, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(plane.kubectl("get", *words, "-o", "json"))["items"]
    return found


def _boots(plane: ControlPlane) -> dict[str, str]:
    return {node["metadata"]["name"]: node["status"]["nodeInfo"]["bootID"] for node in _objects(plane, "nodes")}


def _networks(plane: ControlPlane) -> dict[str, str]:
    """The network of each node's probe, by the first two numbers of its address."""
    pods = _objects(plane, "pods", "-n", NAMESPACE, "-l", PROBES)
    return {pod["spec"]["nodeName"]: pod["status"]["podIP"].rsplit(".", 2)[0] for pod in pods}


def _move(stack: Session, *nodes: str) -> None:
    """Exactly these nodes shall be on Cilium, one after the other."""
    stack.pulumi("config", "rm", "waves", check=False)
    for number, node in enumerate(nodes):
        stack.set_path(f"waves[{number}][0]", node)
    stack.up()


def _pinned(plane: ControlPlane, node: str) -> None:
    """Two pods that can run on that node alone."""
    pod = {
        "metadata": {"labels": {"app": "pinned"}},
        "spec": {
            "containers": [{"name": "main", "image": "example"}],
            "nodeSelector": {"kubernetes.io/hostname": node},
            "terminationGracePeriodSeconds": 1,
        },
    }
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "pinned"}}, "template": pod}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "pinned"}, "spec": spec}
    plane.kubectl("apply", "-f", "-", stdin=json.dumps(body))
    plane.kubectl("rollout", "status", "deployment/pinned", "--timeout=60s")


def _network_of_pinned(plane: ControlPlane) -> list[str]:
    return [pod["status"]["podIP"].rsplit(".", 2)[0] for pod in _objects(plane, "pods", "-l", "app=pinned")]


def _lose_and_refresh_the_config(plane: ControlPlane, stack: Session) -> None:
    """A checkout without the stack's file takes nothing back, and the command that the refusal prints mends it."""
    written, networks = stack.config.read_text(), _networks(plane)
    told = "would take 3 nodes back to Flannel and remove Cilium"
    stack.config.unlink()
    run = stack.preview(check=False)
    assert (run.exit_code != 0, told in run.output, "`pulumi config refresh`" in run.output) == (True, True, True)
    type_in("pulumi config refresh", stack=stack)
    assert "phase: secondary" in stack.config.read_text()
    assert "to delete" not in stack.preview().output

    stack.config.unlink()
    run = stack.pulumi("up", "--yes", "--skip-preview", check=False)
    assert (run.exit_code != 0, told in run.output, "`pulumi stack history --json`" in run.output) == (True, True, True)
    assert _networks(plane) == networks
    updates = json.loads(type_in("pulumi stack history --json", stack=stack))
    assert "secondary" in [each["config"].get("cilium-live-migration:phase", {}).get("value") for each in updates]
    stack.config.write_text(written)


def _as_an_earlier_version_left_it(plane: ControlPlane, stack: Session, user: User) -> None:
    """One namespace for all that is ours, a privileged one, on the cluster as in the state."""
    plane.kubectl("delete", "namespace", NODES_NAMESPACE, "--wait")
    user.grant(plane)  # as an administrator does with the newer version's roles
    plane.kubectl("label", "namespace", NAMESPACE, f"{ENFORCE}=privileged", "--overwrite")
    state = json.loads(stack.pulumi("stack", "export").output)
    resources = {each["urn"]: each for each in state["deployment"]["resources"]}
    newer = next(urn for urn in resources if urn.endswith("::nodes-namespace"))
    resources.pop(newer)
    for urn, each in resources.items():
        each["dependencies"] = [other for other in each.get("dependencies") or [] if other != newer]
        if urn.endswith("::namespace"):
            resources[urn] = json.loads(json.dumps(each).replace('"restricted"', '"privileged"'))
    state["deployment"]["resources"] = list(resources.values())
    (stack.folder / "earlier.json").write_text(json.dumps(state))
    stack.pulumi("stack", "import", "--file", str(stack.folder / "earlier.json"))


def _levels(plane: ControlPlane) -> dict[str, str]:
    spaces = {each["metadata"]["name"]: each["metadata"]["labels"] for each in _objects(plane, "namespaces")}
    return {name: spaces[name][ENFORCE] for name in NAMESPACES}


def _generations(plane: ControlPlane) -> list[int]:
    """The generation of each of the probe's workloads, whose change renews its pods."""
    return [each["metadata"]["generation"] for each in _objects(plane, "daemonsets,deployments", "-n", NAMESPACE)]


def _demand_limits(plane: ControlPlane, stack: Session) -> None:
    """A quota that takes no pod without limits refuses the run, until our pods have some."""
    plane.kubectl("create", "quota", "bounded", "-n", "cni-live-migration", "--hard=limits.cpu=50")
    told = "ResourceQuota cni-live-migration/bounded demands them of each pod: set pods.resources.requests and .limits"
    eventually(lambda: told in stack.preview(check=False).output)
    stack.set_path("pods.resources.limits.cpu", "1")
    stack.set_path("pods.labels.team", "net")


@pytest.mark.executes("pulumi config refresh", "pulumi stack history --json")
def test_every_phase_and_a_way_back(plane: ControlPlane, stack: Session, user: User) -> None:
    stack.set_path("phase", "secondary")
    stack.up()
    stack.pulumi("destroy", "--yes", "--skip-preview", "--non-interactive")
    assert "kube-flannel-ds" in plane.kubectl("get", "daemonsets", "-A", "-o", "name")
    assert not _objects(plane, "secrets", "-A", "-l", "owner=helm")
    user.grant(plane)  # the roles in the namespace went with it

    stack.set_path("phase", "preflight")
    stack.up()
    assert _networks(plane) == dict.fromkeys(NODES, FLANNEL)
    _demand_limits(plane, stack)
    stack.set_path("phase", "secondary")
    stack.up()
    assert _networks(plane) == dict.fromkeys(NODES, FLANNEL)
    assert len(_objects(plane, "ciliumnodeconfigs", "-A")) == 1
    assert len(_objects(plane, "pods", "-n", "cni-live-migration", "-l", "team=net")) == len(NODES) + 2

    _pinned(plane, NODES[1])
    stack.set_path("waves[0][0]", NODES[1])
    told = stack.preview().output
    assert "(Deployment pinned) has no place: 0 of 3 nodes: 2 outside its node selector or affinity, worker-2 " in told
    assert "set drain.inPlace" in told
    stack.set_path("drain.inPlace", "true")
    assert "has no place" not in stack.preview().output
    _as_an_earlier_version_left_it(plane, stack, user)
    before = (_generations(plane), _objects(plane, "secrets,configmaps,leases", "-n", NAMESPACE, "-l", PROBES))
    _move(stack, *NODES)
    assert _levels(plane) == LEVELS
    assert (_generations(plane), _objects(plane, "secrets,configmaps,leases", "-n", NAMESPACE, "-l", PROBES)) == before
    assert _networks(plane) == dict.fromkeys(NODES, CILIUM)
    assert _network_of_pinned(plane) == [CILIUM, CILIUM]
    _lose_and_refresh_the_config(plane, stack)
    _move(stack, NODES[0])
    assert _networks(plane) == {NODES[0]: CILIUM, NODES[1]: FLANNEL, NODES[2]: FLANNEL}
    assert _network_of_pinned(plane) == [FLANNEL, FLANNEL]
    plane.kubectl("delete", "deployment", "pinned", "--wait")
    stack.pulumi("config", "rm", "drain")
    boots = _boots(plane)
    stack.set_path("restart.method", "reboot")
    _move(stack, *NODES)
    assert _networks(plane) == dict.fromkeys(NODES, CILIUM)
    assert [node for node, boot in _boots(plane).items() if boot != boots[node]] == list(NODES[1:])

    stack.set_path("phase", "finalize")
    stack.up()
    assert _objects(plane, "ciliumnodeconfigs", "-A") == []
    stack.set_path("phase", "cleanup")
    stack.set_path("cleanup.consent", "flannel")
    plane.kubectl("create", "configmap", "old-agent")
    stack.set_path("cleanup.remove[0]", "ConfigMap default/old-agent")
    missing = "[permissions] the user of the kubeconfig may not: delete configmaps in default: "
    assert missing in stack.preview(check=False).output
    user.grant_also(plane, verb="delete", resource="configmaps")
    assert "together with Flannel go ConfigMap default/old-agent" in stack.preview().output
    stack.up()
    assert "old-agent" not in plane.kubectl("get", "configmaps", "-o", "name")
    assert not [item for item in _objects(plane, "daemonsets", "-A") if "flannel" in item["metadata"]["name"]]
    assert "to create" not in stack.preview().output
    assert sorted(user.unused() - USED_ELSEWHERE) == []
