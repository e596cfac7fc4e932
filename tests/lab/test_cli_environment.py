"""The part of a developer's environment that the lab's engine inherits."""

from pathlib import Path

import pytest

from scripts.lab.toolchain import pulumi


def test_what_the_program_compiles_to_is_kept_for_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "cli_folder", lambda: tmp_path)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PULUMI_STACK", "prod")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    found = pulumi.environment(home=tmp_path / "home", state=tmp_path / "state")
    assert "PYTHONDONTWRITEBYTECODE" not in found
    assert "PULUMI_STACK" not in found
    assert found["HTTPS_PROXY"] == "http://proxy"
