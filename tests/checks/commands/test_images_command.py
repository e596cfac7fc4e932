"""`python -m scripts.images`: the images of our pods and of Cilium's chart, by a stand-in for helm and by what runs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.images.needed import images_in
from scripts.lab.paths import CHECKOUT
from scripts.lab.simulated.control_plane import ControlPlane
from stacks.notation.images import DEFAULT
from tests.checks.site import SHOP, Site

RENDERED = """\
kind: DaemonSet
spec:
  template:
    spec:
      initContainers: [{name: config, image: "quay.example.org/cilium/cilium:v1"}]
      containers: [{name: agent, image: "quay.example.org/cilium/cilium:v1"}]
---
kind: CronJob
spec: {jobTemplate: {spec: {template: {spec: {containers: [{image: "quay.example.org/cilium/certgen:v2"}]}}}}}
---
kind: ConfigMap
data: {image: ""}
"""


def run(plane: ControlPlane, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.images", "--kubeconfig", str(plane.kubeconfig), *words]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)


def stack_of(folder: Path, **settings: Any) -> str:
    file = folder / "Pulumi.prod.yaml"
    file.write_text(
        yaml.safe_dump({"config": {f"cilium-live-migration:{key}": each for key, each in settings.items()}})
    )
    return str(file)


def helm_that(folder: Path, *, prints: str, says: str = "", code: int = 0) -> str:
    program = folder / "helm"
    (folder / "rendered").write_text(prints)
    program.write_text(
        f'#!/bin/sh\necho "$@" > {folder}/asked\ncat > {folder}/values\ncat {folder}/rendered\n'
        f"echo '{says}' >&2\nexit {code}\n"
    )
    program.chmod(0o755)
    return str(program)


def test_images_are_found_wherever_a_manifest_names_them() -> None:
    assert sorted(set(images_in(list(yaml.safe_load_all(RENDERED))))) == [
        "quay.example.org/cilium/certgen:v2", "quay.example.org/cilium/cilium:v1",
    ]  # fmt: skip


@pytest.mark.apiserver
def test_all_images_with_the_stacks_values_and_registry(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    site.nodes()
    values = {"values": {"image": {"tag": "mine"}}, "version": "1.18.6"}
    file = stack_of(
        tmp_path, cilium=values, pods={"registry": "mirror.example.org/all", "pullSecrets": ["team", "all"]}
    )
    helm = helm_that(tmp_path, prints=RENDERED)
    done = run(plane, "--config-file", file, "--helm", helm)
    assert done.returncode == 0, done.stderr
    ours, *ciliums = done.stdout.splitlines()
    digest = DEFAULT.partition("@")[2]
    assert ours.startswith(f"mirror.example.org/all/library/python:3.13-slim@{digest}\t")
    assert ours.endswith(f"to be copied from docker.io/library/{DEFAULT}")
    assert ciliums == ["quay.example.org/cilium/certgen:v2\tCilium", "quay.example.org/cilium/cilium:v1\tCilium"]
    assert "Cilium is pulled from quay.example.org until its chart's own values say otherwise" in done.stderr
    told = "pods.pullSecrets: team, all must be in each of namespaces cni-live-migration, cni-live-migration-nodes"
    assert told in done.stderr
    assert "--version=1.18.6" in (tmp_path / "asked").read_text()
    assert json.loads((tmp_path / "values").read_text())["image"] == {"tag": "mine"}


@pytest.mark.apiserver
def test_without_helm_it_is_what_runs_or_one_line(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    site.nodes()
    done = run(plane, "--helm", str(tmp_path / "none"), "--output", "json")
    assert done.returncode == 2
    assert [each["image"] for each in json.loads(done.stdout)] == [DEFAULT]
    assert "install Helm, or pipe `.venv/bin/python -m scripts.plan --values migration --kubeconfig " in done.stderr
    assert "` into `helm template cilium" in done.stderr
    spec = {"containers": [{"name": "cilium-agent", "image": "quay.example.org/cilium/cilium:v1"}]}
    template = {"metadata": {"labels": {"app": "x"}}, "spec": spec}
    owner = {"annotations": {"meta.helm.sh/release-name": "cilium"}}
    site.namespaced(
        "daemonsets", "cilium", group="/apis/apps/v1", metadata=owner,
        spec={"selector": {"matchLabels": {"app": "x"}}, "template": template},
    )  # fmt: skip
    done = run(plane, "--helm", str(tmp_path / "none"), "--config-file", stack_of(tmp_path, cilium={"namespace": SHOP}))
    assert done.returncode == 0, done.stderr
    assert "quay.example.org/cilium/cilium:v1\tCilium" in done.stdout
    assert "found by what Cilium runs now" in done.stderr


@pytest.mark.apiserver
def test_what_helm_refuses_is_one_line(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    site.nodes()
    helm = helm_that(tmp_path, prints="", says="Error: chart not found", code=1)
    done = run(plane, "--helm", helm)
    assert done.returncode == 2
    assert done.stdout.startswith(DEFAULT)
    assert "`helm template cilium cilium --version=" in done.stderr
    assert " --namespace=kube-system --values=- " in done.stderr
    assert "failed: chart not found" in done.stderr
