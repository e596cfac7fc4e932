"""Pods of ours in both namespaces: what an earlier version left, and a namespace that is missing or has just come."""

from typing import Any

import pytest

from components.names import NAMESPACE, NODES_NAMESPACE
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import OperationError
from components.operations.dry_run import Trial, assert_accepted, try_out
from components.operations.objects.model import Node
from components.operations.our_pods import refusals
from components.operations.our_pods.node_shell import remove_old_shells, shell_pod, start_on_node
from components.operations.our_pods.refusals import create_pod, pods_of
from components.operations.turn_steps.verification import fresh_pod
from components.pods import OurPods
from stacks.sections.pods import PodSettings
from tests.builders import make_node
from tests.turns.api import Client, Object, Objects

PODS = OurPods(image="example")
NODE: Node = make_node("worker-1")
NOT_THERE = 'namespaces "{}" not found'
NO_ACCOUNT = 'pods "x" is forbidden: error looking up service account {}/default: serviceaccount "default" not found'


class Lacking(Client):
    """A cluster that has these namespaces alone, and in whose new ones the ServiceAccount comes after some attempts."""

    def __init__(self, *there: str, attempts: int = 0) -> None:
        super().__init__(Objects())
        self._there, self._attempts = there, attempts
        self.made: list[str] = []

    def find(self, path: str, **_query: Any) -> Object | None:
        return {} if path.rpartition("/")[2] in self._there else None

    def list(self, path: str, **_query: Any) -> list[Object]:
        return []

    def create(self, path: str, body: Object) -> Object:
        namespace = body["metadata"]["namespace"]
        if namespace not in self._there:
            said = NOT_THERE.format(namespace)
            raise ClusterError(said, said=said, status=404)
        if self._attempts:
            self._attempts -= 1
            said = NO_ACCOUNT.format(namespace)
            raise ClusterError(said, said=said, status=403)
        self.made.append(path)
        return body

    def try_out(self, path: str, body: Object) -> Object:
        return self.create(path, body)


@pytest.mark.parametrize("namespace", [NAMESPACE, NODES_NAMESPACE])
def test_a_script_that_was_left_over_goes_wherever_a_version_had_it(namespace: str) -> None:
    objects = Objects()
    for node, name in (("worker-1", "reboot"), ("worker-2", "reboot"), ("worker-1", "inspect_network")):
        pod = shell_pod(node, name, pods=PODS)
        pod["metadata"] |= {"namespace": namespace, "name": f"{name}-{node}"}
        objects.add(pods_of(namespace), pod)
    objects.add(pods_of(namespace), {**fresh_pod("worker-1", pods=PODS)})
    remove_old_shells(Client(objects), "worker-1")
    left = [pod["metadata"]["name"] for pod in objects.select("/api/v1/pods")]
    assert sorted(left) == ["reboot-worker-2", "verify-worker-1"]


@pytest.mark.parametrize("pod", [shell_pod("worker-1", "reboot", pods=PODS), fresh_pod("worker-1", pods=PODS)])
def test_a_namespace_that_has_just_come_is_waited_for(monkeypatch: pytest.MonkeyPatch, pod: Object) -> None:
    monkeypatch.setattr(refusals, "_LOOK_AGAIN_SECONDS", 0.01)
    cluster = Lacking(NAMESPACE, NODES_NAMESPACE, attempts=3)
    create_pod(cluster, pod, of="it")
    assert cluster.made == [pods_of(pod["metadata"]["namespace"])]


def test_one_whose_account_never_comes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_YOUNG_SECONDS", 0.0)
    cluster = Lacking(NODES_NAMESPACE, attempts=9)
    with pytest.raises(OperationError, match=f"ServiceAccount {NODES_NAMESPACE}/default is missing, which the"):
        start_on_node(cluster, "worker-1", "reboot", pods=PODS)


@pytest.mark.parametrize("missing", [NAMESPACE, NODES_NAMESPACE])
def test_no_node_is_touched_where_a_namespace_is_missing(missing: str) -> None:
    there = {NAMESPACE, NODES_NAMESPACE} - {missing}
    with pytest.raises(OperationError) as caught:
        assert_accepted(Lacking(*there), PODS, node="worker-1")
    said = str(caught.value)
    assert said.startswith("node worker-1 was not touched, ")
    assert f"{NOT_THERE.format(missing)}: `pulumi up --refresh` brings namespace {missing}" in said
    assert not any(f'"{name}" not found' in said for name in there)


@pytest.mark.parametrize("there", [(), (NAMESPACE,), (NODES_NAMESPACE,), (NAMESPACE, NODES_NAMESPACE)])
def test_a_preview_tries_pods_where_a_namespace_is(there: tuple[str, ...]) -> None:
    """A stack of an earlier version has one of them, whoever brought a pull secret before the first run the other."""
    cluster = Lacking(*there)
    tried = try_out(cluster, Trial(pods=PODS), nodes=[NODE])
    assert tried.refused == ()
    assert set(cluster.made) == {pods_of(name) for name in there}
    assert tried.taken_of_node("pods") == (2 if there else 0)


def test_a_pull_secret_is_wanted_in_both() -> None:
    pods = OurPods(image="example", settings=PodSettings(pull_secrets=["team", "more"]))
    found = try_out(Lacking(NAMESPACE), Trial(pods=pods), nodes=[]).missing
    assert [(each.said, each.remedy.partition(",")[0]) for each in found] == [
        (f"there is no Secret {NAMESPACE}/team", "create it there"),
        (f"there is no Secret {NAMESPACE}/more", "create it there"),
        (f"there is no Secret {NODES_NAMESPACE}/team, as that namespace is not there yet",
         f"`kubectl create namespace {NODES_NAMESPACE}`"),
        (f"there is no Secret {NODES_NAMESPACE}/more, as that namespace is not there yet",
         f"`kubectl create namespace {NODES_NAMESPACE}`"),
    ]  # fmt: skip
