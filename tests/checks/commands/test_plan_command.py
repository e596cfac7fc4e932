"""`python -m scripts.plan` against a real API server."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts.lab.paths import CHECKOUT
from scripts.lab.simulated.control_plane import ControlPlane
from tests.checks.site import Site


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.plan", *words]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)


@pytest.mark.apiserver
def test_the_plan_follows_the_cluster(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    site.nodes()
    site.pod("edge", ports=[{"containerPort": 80, "hostPort": 8080}])
    site.pod("game", ports=[{"containerPort": 1, "hostPort": 8473, "protocol": "UDP"}])
    cluster = ("--kubeconfig", str(plane.kubeconfig))
    done = run(*cluster, "--output", "json")
    assert done.returncode == 0, done.stderr
    values = {each["path"]: each for each in json.loads(done.stdout)["values"]}
    assert values["tunnelPort"]["migration"] == 8474
    assert "8473 is in use by pod shop/game" in values["tunnelPort"]["reason"]
    assert values["cni.chainingMode"]["migration"] == "portmap"
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(
        "config:\n  cilium-live-migration:cilium: {podCidr: 10.244.0.0/16, values: {debug: {enabled: true}}}\n"
    )
    helm = run(*cluster, "--config-file", str(file), "--values", "final")
    assert helm.returncode == 0, helm.stderr
    read = yaml.safe_load(helm.stdout)
    assert read["debug"] == {"enabled": True}
    assert read["policyEnforcementMode"] == "default"
    assert "1 check would refuse this" in helm.stderr
    table = run(*cluster)
    assert "the old network: Flannel" in table.stdout


def test_no_cluster_is_one_clear_line() -> None:
    failed = run("--kubeconfig", "/nonexistent")
    assert failed.returncode == 2
    assert "no usable kubeconfig" in failed.stderr
    assert "Traceback" not in failed.stderr
