"""`python -m scripts.check`: where its config comes from, what it prints and how it ends."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.check.command_options import settings_of
from scripts.check.settings import Settings, SettingsError, of_file, of_stack
from scripts.lab.paths import CHECKOUT
from scripts.lab.simulated.control_plane import ControlPlane
from tests.checks.site import Site

OVERLAP = "config:\n  cilium-live-migration:cilium: {podCidr: 10.244.0.0/16}\n  kubernetes:context: simulated\n"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.check", *words]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)


def test_config_is_a_stacks_file(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(OVERLAP)
    assert of_file(file) == Settings(own={"cilium": {"podCidr": "10.244.0.0/16"}}, context="simulated")


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.yaml: cannot be read"):
        of_file(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(SettingsError, match="is not a stack's config file"):
        of_file(tmp_path / "list.yaml")
    (tmp_path / "sealed.yaml").write_text("config: {a:b: {values: [{x: {secure: v1}}]}, a:c: 1}")
    with pytest.raises(SettingsError, match="a:b is encrypted in it, for the engine alone to read: name the stack"):
        of_file(tmp_path / "sealed.yaml")


def test_config_is_what_the_engine_says_secrets_included(tmp_path: Path) -> None:
    said = {
        "cilium-live-migration:phase": {"value": "secondary"},
        "cilium-live-migration:waves": {"value": '[["a"]]', "objectValue": [["a"]]},
        "cilium-live-migration:gates": {"objectValue": {"prometheusUrl": "https://a:b@c"}, "secret": True},
        "kubernetes:kubeconfig": {"value": "/there", "secret": True},
    }
    program = tmp_path / "pulumi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(said)}\nEND\n")
    program.chmod(0o755)
    found = of_stack("prod", folder=tmp_path, environment={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert found == Settings(
        own={"phase": "secondary", "waves": [["a"]], "gates": {"prometheusUrl": "https://a:b@c"}},
        kubeconfig="/there",
        secret=frozenset({"gates"}),
    )


@pytest.mark.parametrize(
    ("says", "options", "own", "told"),
    [
        ('echo \'{"cilium-live-migration:phase": {"value": "secondary"}}\'', {}, {"phase": "secondary"}, ""),
        ("echo 'error: no stack selected' >&2; exit 255", {}, {}, "default config.*failed: no stack selected"),
        ("exit 1", {"kubeconfig": "/other"}, {}, ""),
        ("exit 1", {"context": "other"}, {}, ""),
    ],
)
def test_where_nothing_is_named_the_selected_stack_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    says: str, options: dict[str, str], own: dict[str, str], told: str,
) -> None:  # fmt: skip
    """A remedy names a command without a stack: asked of another cluster, it would answer for that."""
    program = tmp_path / "pulumi"
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    given = {"stack": "", "config_file": None, "program": tmp_path, "kubeconfig": "", "context": "", **options}
    assert settings_of(**given).own == own  # type: ignore[arg-type]
    shown = capfd.readouterr().err
    assert re.search(told, shown) if told else not shown


def test_what_the_engine_refuses_is_one_clear_line(tmp_path: Path) -> None:
    program = tmp_path / "pulumi"
    program.write_text("#!/bin/sh\necho 'error: no stack named prod found' >&2\nexit 255\n")
    program.chmod(0o755)
    with pytest.raises(
        SettingsError, match=r"^`pulumi config --show-secrets --json --stack prod` failed: no stack named prod found$"
    ):
        of_stack("prod", folder=tmp_path, environment={"PATH": f"{tmp_path}:/usr/bin:/bin"})


@pytest.mark.apiserver
def test_findings_are_a_table_or_json_and_a_blocker_ends_with_1(
    plane: ControlPlane, site: Site, tmp_path: Path
) -> None:
    site.nodes()
    cluster = ("--kubeconfig", str(plane.kubeconfig))
    clean = run(*cluster, "--output", "json")
    assert clean.returncode == 0, clean.stderr
    assert [each["check"] for each in json.loads(clean.stdout)["findings"]] == ["kubernetes-tested"]
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(OVERLAP)
    refused = run(*cluster, "--config-file", str(file), "--output", "json")
    assert refused.returncode == 1
    finding, _ = json.loads(refused.stdout)["findings"]
    assert (finding["check"], finding["severity"]) == ("pod-cidr-free", "blocker")
    later = run(*cluster, "--phase", "finalize")
    assert later.returncode == 1
    assert "secondary-complete" in later.stdout
    assert "1 blocker" in later.stderr


@pytest.mark.apiserver
def test_acknowledgements_that_name_nothing_are_refused(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    site.nodes()
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text("config:\n  cilium-live-migration:acknowledge: {pod-cidr: because}\n")
    refused = run("--kubeconfig", str(plane.kubeconfig), "--config-file", str(file))
    assert refused.returncode == 2
    assert "config acknowledge.pod-cidr: there is no such check" in refused.stderr


def test_no_cluster_is_one_clear_line() -> None:
    failed = run("--kubeconfig", "/nonexistent")
    assert failed.returncode == 2
    assert "no usable kubeconfig" in failed.stderr
    assert "Traceback" not in failed.stderr
