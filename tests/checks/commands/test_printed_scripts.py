"""This program's own commands that it prints, typed in the situation that prints them."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from components.names import NAMESPACE
from components.operations.deadline import OperationError
from components.operations.our_pods import pod_start
from components.operations.our_pods.pod_start import Start
from components.operations.rights.permissions import needs
from components.operations.turn_steps.verification import fresh_pod
from components.plan import make_plan
from components.pods import OurPods
from scripts.lab.paths import CHECKOUT
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.toolchain import parts
from scripts.lab.toolchain.build import build_part, cilium_chart
from tests.checks.cases.makers import WAVE, owned
from tests.checks.site import Site
from tests.checks.users import as_user, rules_for
from tests.commands.printed import commands_in
from tests.remedies import type_in

pytestmark = pytest.mark.apiserver


def said(script: str, plane: ControlPlane, *words: str) -> str:
    """All that one of our commands prints."""
    command = [sys.executable, "-m", f"scripts.{script}", "--kubeconfig", str(plane.kubeconfig), *words]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def stack_of(folder: Path, **settings: object) -> str:
    file = folder / "Pulumi.prod.yaml"
    file.write_text(
        yaml.safe_dump({"config": {f"cilium-live-migration:{key}": each for key, each in settings.items()}})
    )
    return str(file)


@pytest.mark.executes(".venv/bin/python -m scripts.plan")
def test_the_network_that_a_preview_describes(plane: ControlPlane, site: Site) -> None:
    site.nodes()
    lines = make_plan({"phase": "secondary"}, kubeconfig=str(plane.kubeconfig)).lines(at_once=16)
    (line,) = [each.text for each in lines if "scripts.plan" in each.text]
    (command,) = commands_in(line)
    assert "tunnelPort" in type_in(command, plane=plane)


@pytest.mark.executes(".venv/bin/python -m scripts.check{}")
def test_a_plan_that_would_be_refused(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    site.node("worker-1", conditions=())
    file = stack_of(tmp_path, phase="secondary")
    told = said("plan", plane, "--config-file", file)
    assert "1 check would refuse this" in told
    (command,) = commands_in(told)
    assert "nodes-ready" in type_in(command, plane=plane)


@pytest.mark.executes(".venv/bin/python -m scripts.images")
def test_an_image_that_is_not_pulled(plane: ControlPlane, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_start, "_PULL_SECONDS", 0)
    site.nodes()
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "agent", "image": "cilium:v1"}]}}
    site.namespaced(
        "daemonsets", "cilium", namespace="kube-system", group="/apis/apps/v1",
        metadata={"annotations": {"meta.helm.sh/release-name": "cilium"}},
        spec={"selector": {"matchLabels": {"app": "x"}}, "template": template},
    )  # fmt: skip
    waiting = {"name": "main", "ready": False, "restartCount": 0, "image": "example", "imageID": ""}
    status = {
        "phase": "Pending",
        "containerStatuses": [{**waiting, "state": {"waiting": {"reason": "ImagePullBackOff", "message": "x"}}}],
    }
    spec = fresh_pod("worker-1", pods=OurPods(image="example"))["spec"]
    site.namespaced("pods", "verify-worker-1", namespace=NAMESPACE, spec=spec, status=status)
    start = Start(site.cluster, "verify-worker-1", namespace=NAMESPACE, of="node worker-1: verification")
    with pytest.raises(OperationError) as caught:
        start.look()
    command = next(each for each in commands_in(str(caught.value)) if "scripts.images" in each)
    shown = type_in(command, plane=plane)
    assert "python:3.13-slim" in shown
    assert "cilium:v1" in shown


@pytest.mark.executes(".venv/bin/python -m scripts.plan --values migration{}")
def test_images_where_there_is_no_helm(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    site.nodes()
    file = stack_of(tmp_path, cilium={"chart": str(cilium_chart())})
    told = said("images", plane, "--config-file", file, "--helm", "/nonexistent")
    values, chart = commands_in(told)
    assert "image: " in type_in(chart, plane=plane, answer=type_in(values, plane=plane))


@pytest.mark.executes("helm show values {}")
def test_images_of_a_registry_of_ones_own(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    site.nodes()
    file = stack_of(tmp_path, cilium={"chart": str(cilium_chart())}, pods={"registry": "mirror.example.org"})
    helm = str(build_part(parts.HELM) / "helm")
    (command,) = commands_in(said("images", plane, "--config-file", file, "--helm", helm))
    assert "repository: " in type_in(command, plane=plane)


@pytest.mark.executes(".venv/bin/python -m scripts.check")
def test_a_list_that_the_user_may_not_read(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    site.nodes()
    rules = rules_for(each for each in needs(cilium_namespace="kube-system") if each.resource != "resourcequotas")
    user = as_user(plane, site, tmp_path, rules)
    owned(site)
    site.pod("web")
    (found,) = [each for each in Site(user).found("replacements-known", **WAVE) if "scripts.check" in each.remedy]
    (command,) = commands_in(found.remedy)
    shown = type_in(command, plane=plane, kubeconfig=tmp_path / "kubeconfig")
    assert "resourcequotas" in shown
