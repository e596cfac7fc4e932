"""Our pods before a real API server's Pod Security admission, in our namespaces as the program makes them."""

from collections.abc import Mapping
from copy import deepcopy

import pytest

from components.names import NAMESPACE, NODES_NAMESPACE
from components.namespaces import ENFORCE, LEVELS
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.our_pods.refusals import POD_SECURITY, pods_of, remedy_of
from components.pods import OurPods
from scripts.lab.simulated.control_plane import ControlPlane
from stacks.config import parse_config
from tests.checks.site import Object, Site
from tests.probe.our_pods import SCRIPTS, SETTINGS, on_nodes, unprivileged

pytestmark = pytest.mark.apiserver
PODS = OurPods(image="example")
_SETTINGS: Object = {**SETTINGS, "priorityClass": "system-node-critical"}


@pytest.fixture
def cluster(plane: ControlPlane) -> Cluster:
    return Cluster(kubeconfig=str(plane.kubeconfig))


def refused(cluster: Cluster, pod: Object, *, namespace: str = "") -> str:
    """The server's words on the pod, in its own namespace or another one; empty if it would take it."""
    pod = deepcopy(pod)
    pod["metadata"]["namespace"] = namespace or pod["metadata"]["namespace"]
    try:
        cluster.try_out(pods_of(pod["metadata"]["namespace"]), pod)
    except ClusterError as error:
        return error.said
    return ""


@pytest.mark.parametrize("settings", [{}, _SETTINGS], ids=["plain", "with all of `pods`"])
@pytest.mark.parametrize("which", list(unprivileged(PODS)))
def test_the_restricted_namespace_takes_pods_without_privileges(cluster: Cluster, which: str, settings: Object) -> None:
    pod = unprivileged(OurPods.of(parse_config({"pods": settings})))[which]
    assert pod["metadata"]["namespace"] == NAMESPACE
    assert refused(cluster, pod) == ""


@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_pods_that_work_on_nodes_have_a_namespace_of_their_own(cluster: Cluster, script: str) -> None:
    pod = on_nodes(PODS)[script]
    assert refused(cluster, pod) == ""
    assert POD_SECURITY in refused(cluster, pod, namespace=NAMESPACE)


@pytest.mark.parametrize(
    "added",
    [
        {"initContainers": [{"name": "init", "image": "mesh", "securityContext": {"privileged": True}}]},
        {"initContainers": [{"name": "init", "image": "mesh"}]},
        {"volumes": [{"name": "programs", "configMap": {"name": "probe"}},
                     {"name": "key", "secret": {"secretName": "x"}},
                     {"name": "agent", "hostPath": {"path": "/run/agent"}}]},
        {"hostNetwork": True},
        {"containers": [unprivileged(PODS)["staying"]["spec"]["containers"][0], {"name": "side", "image": "x"}]},
    ],
    ids=["mesh", "init", "host path", "host network", "sidecar"],
)  # fmt: skip
def test_what_others_add_to_a_probe_is_refused_and_told_as_theirs(cluster: Cluster, added: Object) -> None:
    pod = deepcopy(unprivileged(PODS)["staying"])
    pod["spec"] |= added
    said = refused(cluster, pod)
    assert POD_SECURITY in said
    assert remedy_of(said, namespace=NAMESPACE) == (
        "our pods there keep to that level: have whoever adds what it forbids leave namespace cni-live-migration out"
    )


def test_the_level_of_an_earlier_version_stands_in_nobodys_way(cluster: Cluster, site: Site) -> None:
    """Its one namespace was privileged, and the other one may be made by hand for a pull secret, without a level."""
    site.nodes()
    site.record()
    _enforce(cluster, {NAMESPACE: "privileged", NODES_NAMESPACE: None})
    try:
        assert site.found("pods-accepted") == []
    finally:
        _enforce(cluster, LEVELS)


def _enforce(cluster: Cluster, levels: Mapping[str, str | None]) -> None:
    for namespace, level in levels.items():
        cluster.patch(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": {ENFORCE: level}}})
