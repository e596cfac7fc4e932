"""Our pods before a real API server's admission: whoever refuses them is named in preview, with what helps."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from components.checks import Finding, Severity
from components.names import NAMESPACE, NAMESPACES, NODES_NAMESPACE
from components.namespaces import ENFORCE, LEVELS
from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.dry_run import assert_accepted, missing, refusals
from components.operations.our_pods.node_shell import start_on_node
from components.operations.turn_steps.verification import fresh_pod
from components.pods import OurPods
from scripts.lab.simulated.control_plane import ControlPlane
from stacks.sections.pods import PodSettings
from tests.checks.site import Object, Site

pytestmark = pytest.mark.apiserver
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
ON_PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
BOUNDED = {"resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"cpu": "1", "memory": "64Mi"}}}
IN_OURS = {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(NAMESPACES)}]}
PODS = OurPods(image="example")


def quota(
    site: Site, name: str, hard: Object, *, used: Object | None = None, namespaces: tuple[str, ...] = NAMESPACES
) -> None:
    """Counted by the test, as nobody else counts here."""
    status = {"hard": hard, "used": dict.fromkeys(hard, "0") if used is None else used}
    for namespace in namespaces:
        site.namespaced("resourcequotas", name, namespace=namespace, spec={"hard": hard}, status=status)


def pods_there(site: Site) -> list[Object]:
    return [pod for namespace in NAMESPACES for pod in site.cluster.list(f"/api/v1/namespaces/{namespace}/pods")]


def policy(site: Site, expression: str, message: str) -> None:
    validations = [{"expression": expression, "message": message}]
    rules = {"resourceRules": [ON_PODS], "namespaceSelector": IN_OURS}
    spec = {"failurePolicy": "Fail", "matchConstraints": rules, "validations": validations}
    site.add(f"{ADMISSION}/validatingadmissionpolicies", {"metadata": {"name": "no-host"}, "spec": spec})
    binding = {"policyName": "no-host", "validationActions": ["Deny"]}
    site.add(f"{ADMISSION}/validatingadmissionpolicybindings", {"metadata": {"name": "no-host"}, "spec": binding})


def webhook(site: Site, *, fails: str = "Fail") -> None:
    hook = {
        "name": "pods.example.org", "failurePolicy": fails, "rules": [ON_PODS], "sideEffects": "None",
        "admissionReviewVersions": ["v1"], "clientConfig": {"url": "https://127.0.0.1:1/"}, "timeoutSeconds": 1,
        "namespaceSelector": IN_OURS,
    }  # fmt: skip
    folder = f"{ADMISSION}/validatingwebhookconfigurations"
    site.add(folder, {"metadata": {"name": "of-pods"}, "webhooks": [hook]})


def found_soon(site: Site, **settings: Any) -> list[Finding]:
    """A policy or a webhook is not in force in the moment of its creation."""
    end = time.monotonic() + 10
    while not (found := site.found("pods-accepted", **settings)) and time.monotonic() < end:
        time.sleep(0.2)
    return found


@pytest.fixture(autouse=True)
def forgotten(plane: ControlPlane) -> Iterator[None]:
    """A policy or a webhook outlives its deletion for a moment: the next test waits for its end."""
    yield
    end, cluster = time.monotonic() + 10, Cluster(kubeconfig=str(plane.kubeconfig))
    while refusals(cluster, PODS, node="worker-1") and time.monotonic() < end:
        time.sleep(0.1)


@pytest.fixture
def level(site: Site) -> Iterator[None]:
    """The namespace of scripts as somebody restricted it."""
    path = f"/api/v1/namespaces/{NODES_NAMESPACE}"
    site.cluster.patch(path, {"metadata": {"labels": {ENFORCE: "restricted"}}})
    yield
    site.cluster.patch(path, {"metadata": {"labels": {ENFORCE: LEVELS[NODES_NAMESPACE]}}})


def test_a_quota_on_limits_is_told_with_what_to_set(site: Site) -> None:
    site.nodes()
    quota(site, "q", {"limits.cpu": "4", "limits.memory": "4Gi"})
    found = found_soon(site)
    assert len(found) == 3
    assert {each.severity for each in found} == {Severity.BLOCKER}
    (script,) = [each.line for each in found if "runs scripts" in each.line]
    assert "failed quota: q: must specify limits.cpu for: script; limits.memory for: script" in script
    assert "ResourceQuota cni-live-migration-nodes/q demands them of each pod: set pods.resources" in script
    assert site.found("pods-accepted", pods=BOUNDED) == []


@pytest.mark.parametrize(("namespace", "pods"), [(NAMESPACE, 2), (NODES_NAMESPACE, 1)])
def test_a_quota_that_is_used_up_is_told(site: Site, namespace: str, pods: int) -> None:
    site.nodes()
    quota(site, "few", {"pods": "5"}, used={"pods": "5"}, namespaces=(namespace,))
    assert len(found_soon(site)) == pods
    first, *_ = found_soon(site)
    assert "exceeded quota: few, requested: pods=1, used: pods=5, limited: pods=5" in first.line
    assert first.remedy.startswith(f"raise ResourceQuota {namespace}/few, ")


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_wave_that_a_quota_has_no_room_for_is_told_wherever_that_is(site: Site, namespace: str) -> None:
    site.nodes()
    wave = {"phase": "migrate", "waves": [["worker-1", "worker-2"]]}
    quota(site, "one", {"count/pods": "1"}, namespaces=(namespace,))
    (found,) = site.found("pods-quota", **wave)
    told = f"2 nodes side by side need of ResourceQuota {namespace}/one: count/pods 2, of which 1 are left"
    assert found.evidence == told


def test_a_quota_that_nobody_counts_is_told(site: Site) -> None:
    site.nodes()
    quota(site, "new", {"pods": "5"}, used={})
    assert "nobody counts it" in found_soon(site)[0].remedy


def test_a_policy_is_named_and_only_for_the_pods_that_it_forbids(site: Site) -> None:
    site.nodes()
    policy(site, "!has(object.spec.hostNetwork) || !object.spec.hostNetwork", "host network is not allowed here")
    (found,) = found_soon(site)
    assert "the pod that runs scripts on a node" in found.evidence
    assert "host network is not allowed here" in found.evidence
    assert found.remedy.startswith(
        f"policy no-host forbids it: have whoever runs it let namespace {NODES_NAMESPACE} pass"
    )


def test_a_policy_that_demands_labels_is_met_by_them(site: Site) -> None:
    site.nodes()
    policy(site, "has(object.metadata.labels.team)", "who owns it?")
    assert len(found_soon(site)) == 3
    assert site.found("pods-accepted", pods={"labels": {"team": "net"}}) == []


def test_a_webhook_that_is_away_is_named(site: Site) -> None:
    site.nodes()
    webhook(site)
    first, *_ = found_soon(site)
    assert first.severity is Severity.BLOCKER
    assert first.remedy == f"webhook pods.example.org does not answer: mend it, or exempt namespace {NODES_NAMESPACE}"


def test_a_webhook_that_may_fail_is_no_matter(site: Site) -> None:
    site.nodes()
    webhook(site, fails="Ignore")
    assert site.found("pods-accepted") == []


def test_pod_security_is_mended_by_the_command_that_is_printed(plane: ControlPlane, site: Site, level: None) -> None:
    site.nodes()
    site.record()
    (first, *_) = found = site.found("pods-accepted")
    assert {each.severity for each in found} == {Severity.BLOCKER}
    assert 'violates PodSecurity "restricted:latest"' in first.evidence
    command = first.remedy.split("`")[1]
    plane.kubectl(*command.split()[1:])
    assert site.found("pods-accepted") == []


def test_before_the_first_run_the_namespaces_level_is_not_ours_yet(site: Site, level: None) -> None:
    site.nodes()
    found = site.found("pods-accepted")
    assert {each.severity for each in found} == {Severity.WARNING}
    assert {each.remedy for each in found} == {"this run labels the namespace, before it needs it"}


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_no_service_account_is_told(site: Site, namespace: str) -> None:
    site.nodes()
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    site.cluster.delete(f"{accounts}/default")
    try:
        (first, *_) = site.found("pods-accepted")
        assert f"ServiceAccount {namespace}/default is missing" in first.remedy
    finally:
        site.cluster.create(accounts, {"metadata": {"name": "default"}})


def test_a_priority_class_that_is_missing_is_told_by_both(site: Site) -> None:
    site.nodes()
    settings = {"pods": {"priorityClass": "high"}}
    assert (
        site.found("pods-accepted", **settings)[0].remedy == "create PriorityClass high, or change pods.priorityClass"
    )
    assert site.found("pods-references", **settings)[0].remedy == "create it, or take it out of pods.priorityClass"


def test_a_device_without_a_limit_is_told_to_be_mended(site: Site) -> None:
    site.nodes()
    found = site.found("pods-accepted", pods={"resources": {"requests": {"example.org/device": 1}}})
    assert "Limit must be set for non overcommitable resources" in found[0].evidence
    assert found[0].remedy == "mend what the stack's `pods` says of it"


def test_a_run_that_starts_no_pod_is_not_stopped(site: Site) -> None:
    site.nodes()
    site.facts(worker_1={}, worker_2={})
    quota(site, "few", {"pods": "0"})
    assert {each.severity for each in found_soon(site, phase="secondary")} == {Severity.WARNING}


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("", "there is no Secret {}/team"),
        ("Opaque", "is of type Opaque, which no image is pulled with"),
        ("kubernetes.io/dockerconfigjson", ""),
    ],
)
def test_pull_secrets_are_looked_for(site: Site, kind: str, told: str) -> None:
    site.nodes()
    for namespace in NAMESPACES if kind else ():
        data = {".dockerconfigjson": "e30="}
        site.namespaced("secrets", "team", namespace=namespace, type=kind, data=data)
    found = site.found("pods-references", pods={"pullSecrets": ["team"]})
    wanted = [told.format(namespace) for namespace in NAMESPACES if told]
    assert [text in each.evidence for text, each in zip(wanted, found, strict=True)] == [True for _ in wanted]


@pytest.mark.parametrize(("there", "lacks"), [NAMESPACES, NAMESPACES[::-1]])
def test_a_pull_secret_in_one_namespace_is_not_enough(site: Site, there: str, lacks: str) -> None:
    site.nodes()
    data = {".dockerconfigjson": "e30="}
    site.namespaced("secrets", "team", namespace=there, type="kubernetes.io/dockerconfigjson", data=data)
    (found,) = site.found("pods-references", pods={"pullSecrets": ["team"]})
    assert found.evidence == f"pods.pullSecrets: there is no Secret {lacks}/team"


def test_labels_that_the_selector_wants_are_set_by_the_command_that_is_printed(plane: ControlPlane, site: Site) -> None:
    site.nodes()
    settings = {"pods": {"nodeSelector": {"example.org/disk": "ssd"}}}
    (found,) = site.found("pods-node-selector", **settings)
    plane.kubectl(*found.remedy.split("`")[1].split()[1:])
    assert site.found("pods-node-selector", **settings) == []


def test_before_our_namespace_is_there_its_secrets_cannot_be(plane: ControlPlane) -> None:
    pods = OurPods(image="example", settings=PodSettings(pull_secrets=["team"]))
    found = list(missing(Cluster(kubeconfig=str(plane.kubeconfig)), pods, there=()))
    assert all("as that namespace is not there yet" in each.said for each in found)
    told = [f"`kubectl create namespace {name}`, and create it there" for name in NAMESPACES]
    assert [each.remedy.startswith(text) for each, text in zip(found, told, strict=True)] == [True, True]


def test_a_turn_does_not_begin_where_its_pods_would_be_refused(site: Site) -> None:
    site.nodes()
    quota(site, "few", {"pods": "0"})
    found_soon(site)
    with pytest.raises(OperationError) as caught:
        assert_accepted(site.cluster, PODS, node="worker-1")
    said = str(caught.value)
    assert said.startswith("node worker-1 was not touched, as the API server would refuse pods of its turn:\n  the pod")
    assert said.endswith("then `pulumi up` again")
    assert pods_there(site) == []


def test_a_pod_that_is_refused_after_all_says_so_at_once(site: Site) -> None:
    site.nodes()
    quota(site, "few", {"pods": "0"})
    found_soon(site)
    with pytest.raises(OperationError, match=r"worker-1: script reboot: the API server refuses its pod: .*few.*raise"):
        start_on_node(site.cluster, "worker-1", "reboot", pods=PODS)


def test_a_trial_creates_nothing(site: Site) -> None:
    site.nodes()
    assert site.found("pods-accepted") == []
    assert_accepted(site.cluster, PODS, node="worker-1")
    assert pods_there(site) == []


def test_a_verification_that_was_left_over_is_no_refusal(site: Site) -> None:
    site.add(f"/api/v1/namespaces/{NAMESPACE}/pods", fresh_pod("worker-1", pods=PODS))
    assert_accepted(site.cluster, PODS, node="worker-1")
