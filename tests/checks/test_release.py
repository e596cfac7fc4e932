"""Cilium's Helm release: what Helm left behind when it was cut off, and whether the stack knows the release."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.checks import CATALOGUE, Finding, Severity, StackState, run_checks
from components.operations.cluster_api.api import Cluster
from components.operations.objects.helm_release import ReleaseRecord, newest_revision
from scripts.lab.simulated.control_plane import ControlPlane
from tests.builders import DEPLOYED, make_context, secondary
from tests.checks.site import SHOP, Site
from tests.commands.printed import commands_in
from tests.remedies import type_in

KNOWN = frozenset({"kube-system/cilium"})


def found(
    record: ReleaseRecord | None, *, known: frozenset[str] | None = KNOWN, phase: str = "migrate"
) -> list[Finding]:
    state = None if known is None else StackState(releases=known)
    context = replace(make_context(secondary(release=record), phase=phase, waves=[]), state=state)
    wanted = ("helm-operation", "release-known")
    return [each for each in run_checks(CATALOGUE, context) if each.check in wanted]


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "pending-rollback", "pending"])
def test_what_was_cut_off_is_named_and_how_to_have_it_forgotten(status: str) -> None:
    changed = datetime.now(UTC) - timedelta(seconds=90)
    (blocker,) = found(replace(DEPLOYED, status=status, changed=changed), known=frozenset())
    assert blocker.severity is Severity.BLOCKER
    assert f"Secret kube-system/sh.helm.release.v1.cilium.v3 says '{status}', 90 s ago" in blocker.line
    assert "`kubectl -n kube-system delete secret sh.helm.release.v1.cilium.v3`" in blocker.remedy


@pytest.mark.parametrize(
    ("status", "severity", "told"),
    [
        ("failed", Severity.WARNING, "the next `pulumi up` repeats it"),
        ("uninstalling", Severity.BLOCKER, "`helm -n kube-system uninstall cilium`, then `pulumi refresh`"),
        ("uninstalled", Severity.BLOCKER, "`helm -n kube-system uninstall cilium`"),
        ("unknown", Severity.BLOCKER, "`helm -n kube-system history cilium`"),
        ("", Severity.BLOCKER, "no state of a release that this program knows"),
    ],
)
def test_an_end_that_is_no_good_one_is_said(status: str, severity: Severity, told: str) -> None:
    (finding,) = found(replace(DEPLOYED, status=status))
    assert finding.severity is severity
    assert told in finding.line


def test_a_release_whose_record_is_nowhere_is_not_called_whole() -> None:
    (finding,) = found(None)
    assert finding.severity is Severity.WARNING
    assert "whether Helm's last operation came to its end is not known" in finding.line


def test_a_release_that_is_whole_and_known_is_no_finding() -> None:
    assert found(DEPLOYED) == []
    assert found(replace(DEPLOYED, status="superseded")) == []
    assert found(DEPLOYED, known=None) == []
    # What goes need not be whole.
    assert found(replace(DEPLOYED, status="pending-upgrade"), phase="preflight") == []


@pytest.mark.parametrize("known", [frozenset(), frozenset({"other/cilium"}), frozenset({"kube-system/cilium-of-ours"})])
def test_a_release_that_the_state_lacks_is_imported_first(known: frozenset[str]) -> None:
    (finding,) = found(DEPLOYED, known=known)
    assert finding.severity is Severity.BLOCKER
    assert (
        "`pulumi import kubernetes:helm.sh/v3:Release cilium kube-system/cilium --generate-code=false --protect=false`"
        in finding.remedy
    )


class Storage(Cluster):
    """Helm's storage, of which only metadata may be asked."""

    def __init__(self, **objects: dict[str, dict[str, Any]]) -> None:
        self.objects = objects

    def _metadata(self, path: str, **query: Any) -> dict[str, Any]:
        assert query["labelSelector"] == "owner=helm,name=cilium"
        found = self.objects.get(path.rpartition("/")[2], {})
        created = "2026-11-20T10:00:00Z"
        return {"items": [{"metadata": {"name": name, "creationTimestamp": created, "labels": labels}}
                          for name, labels in found.items()]}  # fmt: skip


def revision(number: int, **labels: str) -> dict[str, dict[str, Any]]:
    return {f"sh.helm.release.v1.cilium.v{number}": {"owner": "helm", "name": "cilium", **labels}}


def test_the_newest_revision_is_the_one_with_the_highest_number() -> None:
    storage = Storage(
        secrets={
            **revision(10, status="pending-upgrade", version="10", modifiedAt="1764000000"),
            **revision(9, status="deployed", version="9"),
        }
    )
    newest = newest_revision(storage, name="cilium", namespace="kube-system")
    assert newest is not None
    assert (newest.revision, newest.pending) == (10, True)
    assert newest.changed == datetime.fromtimestamp(1764000000, UTC)


def test_helm_may_keep_it_in_config_maps() -> None:
    newest = newest_revision(Storage(configmaps=revision(2, status="deployed")), name="cilium", namespace="x")
    assert newest is not None
    assert (newest.kind, newest.revision) == ("ConfigMap", 2)
    assert newest_revision(Storage(), name="cilium", namespace="x") is None


@pytest.mark.parametrize("labels", [{}, {"status": "deployed", "version": "three", "modifiedAt": "soon"}])
def test_labels_that_somebody_edited_do_not_hide_a_revision(labels: dict[str, str]) -> None:
    storage = Storage(secrets={**revision(3, **labels), **revision(1, status="deployed", version="1")})
    newest = newest_revision(storage, name="cilium", namespace="kube-system")
    assert newest is not None
    assert newest.revision == 3
    assert newest.status == labels.get("status", "")
    assert newest.changed == datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.fixture
def installed(plane: ControlPlane, site: Site, tmp_path: Path) -> Iterator[Site]:
    """A release that Helm itself has installed, in the namespace of everything else."""
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: cilium\nversion: 1.19.7\n")
    (chart / "templates" / "it.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: it}\n")
    type_in(f"helm -n {SHOP} install cilium {chart}", plane=plane)
    yield site
    for kind in ("secrets/sh.helm.release.v1.cilium.v1", "configmaps/it"):
        site.cluster.delete(f"/api/v1/namespaces/{SHOP}/{kind}")


def now(site: Site, status: str) -> Finding:
    """Findings once the release's record has this status."""
    path = f"/api/v1/namespaces/{SHOP}/secrets/sh.helm.release.v1.cilium.v1"
    site.cluster.patch(path, {"metadata": {"labels": {"status": status}}})
    (found,) = site.found("helm-operation", phase="secondary", cilium={"namespace": SHOP})
    return found


@pytest.mark.apiserver
@pytest.mark.executes("helm -n {} uninstall {}")
@pytest.mark.parametrize("status", ["uninstalling", "uninstalled"])
def test_a_release_on_its_way_out_goes(installed: Site, plane: ControlPlane, status: str) -> None:
    command, refresh = commands_in(now(installed, status).remedy)
    assert refresh == "pulumi refresh"
    type_in(command, plane=plane)
    assert installed.found("helm-operation", phase="secondary", cilium={"namespace": SHOP}) == []
    assert installed.cluster.find(f"/api/v1/namespaces/{SHOP}/configmaps/it") is None


@pytest.mark.apiserver
@pytest.mark.executes("helm -n {} history {}")
def test_a_state_that_nobody_knows_is_looked_at(installed: Site, plane: ControlPlane) -> None:
    (command,) = commands_in(now(installed, "odd").remedy)
    assert "cilium-1.19.7" in type_in(command, plane=plane)
