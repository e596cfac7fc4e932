"""Each check against a real API server: it fires on what it is for, and on the nearest other thing it does not."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.checks import CATALOGUE, Finding, Severity
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.rights.permission_table import Purpose
from components.operations.rights.permissions import needs
from components.sources.observing import observe
from scripts.check.settings import PROJECT, of_file
from scripts.lab.session import Session
from scripts.lab.simulated.control_plane import ControlPlane
from tests.checks.cases.makers import Case, alone
from tests.checks.cases.table import CASES
from tests.checks.printed_remedies import Way, ways
from tests.checks.site import Site
from tests.checks.users import as_user, rules_for
from tests.commands.elsewhere import untyped
from tests.faults.site import eventually
from tests.remedies import TYPED, type_in
from tests.strategies.test_toy import INSTALLED

pytestmark = pytest.mark.apiserver
# Seen in tests of their own: what is said of the old CNI itself (tests/sources), a user's rights, the server's version
# and pace, the stack's state.
APART = {
    "source-owner", "permissions", "kubernetes-version", "api-latency", "autodetection", "source-data-plane", "bgp",
    "release-known", "turn-known", "calico-groups",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _a_strategy_of_a_package() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(INSTALLED))
        yield


@contextmanager
def slow_way_to(plane: ControlPlane, *, seconds: float) -> Iterator[str]:
    """An address from which everything that is asked reaches the API server late."""
    host, port = yaml.safe_load(plane.kubeconfig.read_text())["clusters"][0]["cluster"]["server"][8:].split(":")

    def carry(source: socket.socket, target: socket.socket, late: float) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                time.sleep(late)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                asking, answering = listener.accept()[0], socket.create_connection((host, int(port)))
                for pair, late in (((asking, answering), seconds), ((answering, asking), 0.0)):
                    threading.Thread(target=carry, args=(*pair, late), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"


def test_every_check_is_in_the_table() -> None:
    assert {case.check for case in CASES} | APART == {check.id for check in CATALOGUE}


def test_no_finding_is_graver_than_its_check() -> None:
    order, worst = list(Severity), {check.id: check.severity for check in CATALOGUE}
    assert all(order.index(case.severity) >= order.index(worst[case.check]) for case in CASES)


fired: list[Case] = []


@pytest.fixture(scope="module")
def stack(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session.start(
        kubeconfig=plane.kubeconfig, stack="remedies", template="Pulumi.simulated.yaml",
        folder=tmp_path_factory.mktemp("remedies"), echo=False,
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check}-{case.severity}")
def test_it_fires(
    site: Site, plane: ControlPlane, case: Case, request: pytest.FixtureRequest, tmp_path: Path
) -> None:  # fmt: skip
    fired.append(case)
    case.make(site)
    found = site.found(case.check, **case.settings)
    assert found, "silent"
    assert {(each.check, each.severity) for each in found} >= {(case.check, case.severity)}
    assert case.told in "\n".join(each.line for each in found)
    for finding, way in [(each, way) for each in found for way in ways(each)]:
        with_config = any(each.startswith("pulumi") for each in way.commands)
        stack = request.getfixturevalue("stack") if with_config else None
        assert_helps(way, finding, case, site=site, plane=plane, stack=stack, folder=tmp_path)


def assert_helps(
    way: Way, finding: Finding, case: Case, *, site: Site, plane: ControlPlane, stack: Session | None, folder: Path
) -> None:
    """Type in what the finding prints, in the situation anew: it is gone then."""
    if way.helps:
        site.clear()
        site.flannel()
        case.make(site)
    settings = case.settings
    if stack:
        config = {f"{PROJECT}:{key}": value for key, value in settings.items()}
        stack.config.write_text(yaml.safe_dump({"config": config}))
    for command in way.commands:
        type_in(command, stack=stack, plane=plane, folder=folder)
    if way.helps:
        left = site.found(case.check, **(of_file(stack.config).own if stack else settings))
        still = [(each.evidence, each.severity) for each in left]
        assert (finding.evidence, finding.severity) not in still, f"{way.commands} did not help"


def test_every_command_of_a_check_was_typed() -> None:
    if len(fired) < len(CASES):
        pytest.skip("not all cases ran")
    assert untyped("components/checks/", typed=TYPED) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check}-{case.severity}")
def test_it_is_silent(site: Site, case: Case) -> None:
    case.near(site)
    settings = case.settings if case.near_settings is None else case.near_settings
    assert [each.line for each in site.found(case.check, **settings)] == []


@pytest.mark.parametrize(
    ("metadata", "told", "severity"),
    [
        ({"annotations": {"argocd.argoproj.io/tracking-id": "net:apps"}}, "Argo CD", Severity.WARNING),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "net"}}, "Flux", Severity.WARNING),
        ({"labels": {"addonmanager.kubernetes.io/mode": "Reconcile"}}, "the addon manager", Severity.WARNING),
        ({"annotations": {"meta.helm.sh/release-name": "flannel"}}, "Helm's release flannel", Severity.NOTE),
        ({"labels": {"app.kubernetes.io/instance": "flannel"}}, "", Severity.NOTE),
    ],
)
def test_owners_of_the_old_cni(bare: Site, metadata: dict[str, Any], told: str, severity: Severity) -> None:
    bare.flannel(**metadata)
    bare.nodes()
    found = bare.found("source-owner")
    assert [each.severity for each in found] == ([severity] if told else [])
    assert all(told in each.line for each in found)


def test_who_may_read_nothing_is_told_everything_at_once(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    user = as_user(plane, site, tmp_path, [])
    with pytest.raises(ClusterError) as caught:
        observe(user, cilium_namespace="kube-system")
    wanted = [need.title for need in needs(cilium_namespace="kube-system") if need.purpose is Purpose.WORK]
    assert [title for title in wanted if title not in str(caught.value)] == []


def test_rights_that_are_missing_are_one_blocker(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    site.nodes()
    reads = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}]
    user = Site(as_user(plane, site, tmp_path, reads))
    now, later = user.found("permissions")
    assert (now.severity, later.severity) == (Severity.BLOCKER, Severity.WARNING)
    assert "create configmaps in cni-live-migration; " in now.evidence
    assert "create pods/eviction; " in later.evidence
    assert " list" not in now.evidence + later.evidence
    (all_now,) = user.found("permissions", phase="migrate", waves=[])
    assert "create pods/eviction; " in all_now.evidence


def test_who_may_do_what_the_program_needs_hears_nothing(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    site.nodes()
    rules = rules_for(needs(cilium_namespace="kube-system"))
    assert Site(as_user(plane, site, tmp_path, rules)).found("permissions") == []
    assert site.found("permissions") == []


def test_the_removals_rights_are_asked_for_when_it_is_near(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    """A user with rights for every phase but the cleanup is stopped before it, with a list of the missing rights."""
    alone(site)
    rules = rules_for(needs(cilium_namespace="kube-system"))
    definitions = {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": ["get"]}
    user = Site(as_user(plane, site, tmp_path, [*rules, definitions]))
    removed = {"cleanup": {"consent": "flannel", "remove": ["CustomResourceDefinition pools.old.example.org"]}}
    wishes = {"waves": [["worker-1"], ["worker-2"]], **removed}
    assert user.found("permissions", phase="finalize", **wishes) == []
    (found,) = user.found("permissions", phase="cleanup", **wishes)
    assert found.severity is Severity.BLOCKER
    for right in (
        "list rolebindings.rbac",
        "delete customresourcedefinitions.apiextensions.k8s.io",
    ):  # fmt: skip
        assert right in found.evidence
    wishes.pop("cleanup")
    site.cluster.delete("/apis/apps/v1/namespaces/kube-flannel/daemonsets/kube-flannel-ds")
    assert user.found("permissions", phase="cleanup", **wishes) == []


def test_what_only_checks_look_at_may_be_closed(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    site.nodes()
    rules = rules_for(each for each in needs(cilium_namespace="kube-system") if each.purpose is not Purpose.LOOK)
    (found,) = Site(as_user(plane, site, tmp_path, rules)).found("permissions")
    assert found.severity is Severity.WARNING
    assert "list apiservices.apiregistration.k8s.io; " in found.evidence


WITHOUT_GRANTS = [each for each in needs(cilium_namespace="kube-system") if each.purpose is not Purpose.GRANT]


def test_who_may_not_give_rights_is_stopped_before_cilium_comes(
    plane: ControlPlane, site: Site, tmp_path: Path
) -> None:
    site.nodes()
    user = Site(as_user(plane, site, tmp_path, rules_for(WITHOUT_GRANTS)))
    (early,) = user.found("permissions")
    (late,) = user.found("permissions", phase="secondary")
    assert (early.severity, late.severity) == (Severity.WARNING, Severity.BLOCKER)
    rights = [
        f"{verb} {kind}.rbac.authorization.k8s.io{where}"
        for kind, where in (("clusterroles", ""), ("roles", " in kube-system"), ("roles", " in cilium-secrets"))
        for verb in ("escalate", "bind")
    ]
    assert late.evidence.endswith(f"may not: {'; '.join(rights)}")
    assert "docs/rbac has a role for each phase" in early.remedy


def test_where_cilium_is_alone_nobody_has_to_give_rights_any_more(
    plane: ControlPlane, site: Site, tmp_path: Path
) -> None:
    site.nodes(first="migrated", second="migrated")
    site.cilium(alone=True)
    user = Site(as_user(plane, site, tmp_path, rules_for(WITHOUT_GRANTS)))
    wishes = {"waves": [["worker-1"], ["worker-2"]], "cleanup": {"consent": "flannel"}}
    assert [each.severity for each in user.found("permissions", phase="finalize", **wishes)] == [Severity.BLOCKER]
    site.cluster.delete("/apis/apps/v1/namespaces/kube-flannel/daemonsets/kube-flannel-ds")
    assert user.found("permissions", phase="cleanup", **wishes) == []


def test_policies_of_administrators_are_read(site: Site) -> None:
    group = "policy.networking.k8s.io"
    site.kind("AdminNetworkPolicy", "tenants", group=group, version="v1alpha1")
    site.kind("ClusterNetworkPolicy", "apart", group=group, version="v1alpha2")
    site.nodes()
    wanted = {("AdminNetworkPolicy", "tenants"), ("ClusterNetworkPolicy", "apart")}

    def seen() -> bool:
        found = observe(site.cluster, cilium_namespace="kube-system").admin_policies
        return {(each["kind"], each["metadata"]["name"]) for each in found} == wanted

    eventually(seen)


def test_calicos_native_kinds_are_read_by_who_has_the_rights(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    site.nodes()
    site.kind("IPPool", "pods", group="projectcalico.org", version="v3")
    (pool,) = observe(site.cluster, cilium_namespace="kube-system").calico["IPPool"]
    assert (pool["apiVersion"], pool["metadata"]["name"]) == ("projectcalico.org/v3", "pods")
    user = as_user(plane, site, tmp_path, rules_for(needs(cilium_namespace="kube-system")))
    with pytest.raises(ClusterError, match=r"may not do: list ippools\.projectcalico\.org"):
        observe(user, cilium_namespace="kube-system")


def test_the_server_says_its_version(site: Site) -> None:
    site.nodes()
    seen = observe(site.cluster, cilium_namespace="kube-system")
    assert seen.version
    assert seen.version >= (1, 30)
    assert site.found("kubernetes-version") == []


def test_a_slow_api_server_is_told(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    site.nodes()
    assert site.found("api-latency") == []
    with slow_way_to(plane, seconds=0.6) as server:
        config = yaml.safe_load(plane.kubeconfig.read_text())
        config["clusters"][0]["cluster"]["server"] = server
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
        (found,) = Site(Cluster(kubeconfig=str(tmp_path / "kubeconfig"))).found("api-latency")
    assert found.severity is Severity.WARNING
    assert "s to say its version" in found.evidence


def test_an_ordinary_cluster_is_never_refused(bare: Site) -> None:
    """A common cluster: Helm's Flannel, an ingress with host ports, policies, webhooks, budgets, a load balancer."""
    bare.flannel(annotations={"meta.helm.sh/release-name": "flannel"}, labels={"app.kubernetes.io/managed-by": "Helm"})
    bare.nodes()
    bare.node("worker-3", labels={"node-role.kubernetes.io/control-plane": ""})
    bare.service("web", type="LoadBalancer")
    bare.webhook("policy")
    bare.pod("web", cores="500m")
    bare.budget("web", app="web", healthy=1, desired=1)
    bare.pod("ingress", owner="DaemonSet", ports=[{"containerPort": 80, "hostPort": 80}])
    bare.namespaced("networkpolicies", "deny", group="/apis/networking.k8s.io/v1", spec={"podSelector": {}})
    for phase in ("preflight", "secondary"):
        found = bare.all_found(phase=phase)
        assert {each.check for each in found} == {
            "source-owner", "load-balancers", "admission-webhooks", "budgets", "network-policies", "kubernetes-tested",
        }  # fmt: skip
        assert not [each.line for each in found if each.severity is Severity.BLOCKER]  # the host port is chained
