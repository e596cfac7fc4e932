"""The inventory of a cluster on a real API server: read, printed, written, and taken by Cilium's own kinds."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.lab.paths import CHECKOUT
from scripts.lab.simulated.control_plane import ControlPlane
from tests.checks.site import Site
from tests.policies.conftest import CILIUM
from tests.policies.oracle import matrix
from tests.sources import upstream

pytestmark = pytest.mark.apiserver


def run(plane: ControlPlane, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.policies", "--kubeconfig", str(plane.kubeconfig), *words]
    wide = {**os.environ, "COLUMNS": "250"}
    return subprocess.run(command, cwd=CHECKOUT, env=wide, capture_output=True, text=True, check=False)


def folder_of(item: dict[str, Any]) -> str:
    if not item["apiVersion"].startswith("cilium.io/"):
        place = item["metadata"].get("namespace")
        if item["apiVersion"] == "networking.k8s.io/v1":
            return f"/apis/networking.k8s.io/v1/namespaces/{place}/networkpolicies"
        return upstream.folder_of(item)
    place = item["metadata"].get("namespace")
    return (
        f"{CILIUM}/namespaces/{place}/ciliumnetworkpolicies" if place else f"{CILIUM}/ciliumclusterwidenetworkpolicies"
    )  # fmt: skip


def test_what_is_written_is_what_ciliums_own_kinds_take(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    done = run(plane, "--output", "json", "--write", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "enforced by Calico today: 2 works as is, 6 translated, 0 cannot be expressed" in done.stderr
    found = {each["title"]: each for each in json.loads(done.stdout)["policies"]}
    assert found["GlobalNetworkPolicy no-guests"]["verdict"] == "translated"
    assert found[f"NetworkPolicy {matrix.SHOP}/visitors"]["verdict"] == "works as is"
    files = sorted(tmp_path.rglob("*.yaml"))
    assert len(files) == 13
    for file in files:
        item = yaml.safe_load(file.read_text())
        made = site.cluster.create(f"{folder_of(item)}?fieldValidation=Strict&dryRun=All", item)
        assert made["spec"] == item["spec"], "something was dropped"


def test_a_policy_that_is_lost_is_in_the_table_and_ends_with_1(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    lost = upstream.calico_object("GlobalNetworkPolicy", "default.log", ingress=[{"action": "Log"}])
    site.add(upstream.folder_of(lost), lost)
    done = run(plane)
    assert done.returncode == 1
    assert "GlobalNetworkPolicy log" in done.stdout
    assert "ingress rule 1: action Log" in done.stdout
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text("config:\n  cilium-live-migration:policies: {acceptLost: [GlobalNetworkPolicy log]}\n")
    assert run(plane, "--config-file", str(file)).returncode == 0


def test_consent_is_asked_before_nodes_move_and_before_policies_are_enforced(site: Site) -> None:
    wave: dict[str, Any] = {"phase": "migrate", "waves": [["worker-1"]]}

    def blockers(**settings: Any) -> set[str]:
        return {each.check for each in site.all_found(**settings) if each.severity == "blocker"}

    asked = {"network-policies", "policies-translated", "policies-lost"}
    assert blockers(**wave) & asked == {"network-policies"}
    assert blockers(**wave, policies={"acceptUnenforcedPolicies": True}) & asked == set()
    assert blockers(**wave, policies={"bridge": True}) & asked == {"policies-translated"}
    assert blockers(**wave, policies={"bridge": True, "acceptTranslated": True}) & asked == set()
    assert blockers(phase="finalize") & asked == {"policies-translated"}
    assert blockers(phase="finalize", policies={"acceptTranslated": True}) & asked == set()
