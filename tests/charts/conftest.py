"""Cilium's own charts, of one patch release of every minor version that we know, rendered by the real Helm."""

import json
import subprocess
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.lab.toolchain import parts
from scripts.lab.toolchain.build import build_part, download_module

# The newest of each that Go's module proxy serves.
RELEASES = ("1.16.19", "1.17.6", "1.18.6", parts.CILIUM_VERSION, "1.20.2")
Render = Callable[[str, Mapping[str, Any]], dict[str, str]]


class RenderError(Exception):
    """Helm refused; its own words."""


@lru_cache
def source_of(release: str) -> Path:
    """Cilium's source of that release, in Go's module cache."""
    return download_module("github.com/cilium/cilium", f"v{release}")


def _render(release: str, values: Mapping[str, Any]) -> dict[str, str]:
    chart = source_of(release) / "install/kubernetes/cilium"
    command = [
        str(build_part(parts.HELM) / "helm"), "template", "cilium", str(chart), "--namespace=kube-system", "--values=-",
        "--show-only=templates/cilium-configmap.yaml",
    ]  # fmt: skip
    done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RenderError(done.stderr)
    data: dict[str, str] = yaml.safe_load(done.stdout)["data"]
    return data


@pytest.fixture(scope="session")
def render() -> Render:
    """The data of the ConfigMap `cilium-config` that a release's chart makes of values; the chart's schema applies."""
    return _render
