"""The plugin under the real CLI and engine, with a small program that uses the real SDK."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.lab.kubernetes_plugin.install import install
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.toolchain import parts, pulumi
from scripts.lab.toolchain.build import build_part

pytestmark = [pytest.mark.apiserver, pytest.mark.engine]

PROGRAM = f"""
import pulumi
import pulumi_kubernetes as k8s

config = pulumi.Config()
stays = {{"simulated/stays": "crashing"}} if config.get("crash") else {{}}
namespace = k8s.core.v1.Namespace("apps", metadata={{"name": "engine-test"}})
settings = k8s.core.v1.ConfigMap(
    "settings",
    metadata={{"namespace": namespace.metadata.name}},
    data={{"greeting": config.get("greeting") or "hello", "password": pulumi.Output.secret("hidden")}},
)
web = k8s.apps.v1.Deployment(
    "web",
    metadata={{
        "name": "web", "namespace": namespace.metadata.name, "annotations": {{"pulumi.com/timeoutSeconds": "2"}},
    }},
    spec={{
        "replicas": int(config.get("replicas") or "1"),
        "selector": {{"matchLabels": {{"app": "web"}}}},
        "template": {{
            "metadata": {{"labels": {{"app": "web", **stays}}}},
            "spec": {{"containers": [{{"name": "web", "image": "none"}}]}},
        }},
    }},
)
mark = k8s.core.v1.NodePatch("mark", metadata={{"name": "simulated-1", "labels": {{"engine-test": "yes"}}}})
tiny = k8s.helm.v3.Release(
    "tiny",
    name="tiny",
    namespace=namespace.metadata.name,
    chart={str(Path(__file__).with_name("chart"))!r},
    values={{"greeting": settings.data["greeting"]}},
)
pulumi.export("replicas", web.status.available_replicas)
pulumi.export("revision", tiny.status.revision)
pulumi.export("settings", settings.metadata.name)
"""


@dataclass
class Stack:
    """One project with its own state, home and PATH."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str, succeeds: bool = True) -> str:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) is succeeds, done.stdout + done.stderr
        return done.stdout + done.stderr

    def up(self, **config: str) -> str:
        return self.run("up", "--yes", "--skip-preview", *_config(config))


def _config(config: dict[str, str]) -> list[str]:
    return [part for key, value in config.items() for part in ("--config", f"{key}={value}")]


@pytest.fixture(scope="module")
def stack(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("engine")
    (folder / "Pulumi.yaml").write_text("name: engine-test\nruntime: python\n")
    (folder / "__main__.py").write_text(PROGRAM)
    environment = pulumi.environment(
        home=folder / "home",
        state=folder / "state",
        kubeconfig=control_plane.kubeconfig,
        helm=build_part(parts.HELM) / "helm",
    )
    install(folder / "home", python=Path(sys.executable))
    made = Stack(folder, {key: value for key, value in environment.items() if not key.startswith("PULUMI_K8S")})
    made.run("stack", "init", "dev")
    yield made
    made.run("destroy", "--yes", "--skip-preview")
    assert "engine-test" not in control_plane.kubectl("get", "namespaces", "-o", "name")


def test_a_program_lives(stack: Stack, control_plane: ControlPlane) -> None:
    shown = stack.run("preview")
    assert "kubernetes:helm.sh/v3:Release" in shown
    assert "engine-test" not in control_plane.kubectl("get", "namespaces", "-o", "name")

    stack.up()
    outputs = json.loads(stack.run("stack", "output", "--json"))
    assert (outputs["replicas"], outputs["revision"]) == (1, 1)
    state = stack.run("stack", "export")
    assert "hidden" not in state
    assert "6 unchanged" in stack.up(), "a second run finds nothing to do"
    assert "6 unchanged" in stack.run("refresh", "--yes", "--skip-preview")

    shown = stack.run("preview", "--diff", *_config({"greeting": "bye", "replicas": "2"}))
    assert 'greeting: "hello" => "bye"' in shown
    assert "replicas: 1 => 2" in shown
    stack.up(greeting="bye", replicas="2")
    changed = json.loads(stack.run("stack", "output", "--json"))
    assert (changed["replicas"], changed["revision"]) == (2, 2)
    assert changed["settings"] != outputs["settings"], "its data changed, so it was replaced under a new name"


def test_a_failed_rollout_is_kept_and_mended_by_the_next_run(stack: Stack) -> None:
    said = stack.run("up", "--yes", "--skip-preview", *_config({"greeting": "bye", "crash": "1"}), succeeds=False)
    assert "Deployment engine-test/web is not ready after 2 s" in said
    assert "container web is waiting: CrashLoopBackOff" in said
    assert "1 updated" in stack.run("up", "--yes", "--skip-preview", "--config", "crash=")


def test_the_plugin_ends_with_its_engine(stack: Stack) -> None:
    process = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--config", "crash=1"],
        cwd=stack.folder,
        env=stack.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    home = str(stack.folder / "home")
    deadline = time.monotonic() + 30
    while not (plugins := _plugins(home)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.kill()
    process.wait()
    while _plugins(home):
        assert time.monotonic() < deadline, f"still running: {plugins}"
        time.sleep(0.2)
    stack.run("cancel", "--yes")


def _plugins(home: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if b"scripts.lab.kubernetes_plugin.start" in command and os.fsencode(f"PULUMI_HOME={home}") in environment:
                found.append(int(entry.name))
    return found
