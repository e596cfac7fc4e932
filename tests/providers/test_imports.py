"""Imports of a run without changes: providers compare inputs, and need neither cluster nor config for that."""

import subprocess
import sys

from scripts.lab.paths import CHECKOUT

PROVIDERS = sorted(
    file.stem
    for file in (CHECKOUT / "components" / "providers").glob("*.py")
    if "(ClusterProvider)" in file.read_text()
)
# Pulumi itself loads YAML: what is there before a provider is, is no provider's fault.
_SHOW = """
import importlib, sys, pulumi.dynamic
before = set(sys.modules)
for name in sys.argv[1:]:
    importlib.import_module(f"components.providers.{name}")
def Cancel(self, request, context):
    raise AssertionError("not replaced")
Cancel.__code__ = sys.modules["components.providers.shared.engine_process"]._cancel.__code__
Cancel(None, None, None)  # the end of every run
print(*(name for name in set(sys.modules) - before if name.split(".")[0] not in sys.stdlib_module_names))
"""


def test_a_provider_that_only_compares_imports_nothing_of_the_cluster() -> None:
    assert {"node_drain", "node_turn", "connectivity_check", "cilium_ready"} <= set(PROVIDERS)
    command = [sys.executable, "-c", _SHOW, *PROVIDERS]
    loaded = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.split()
    allowed = {"components", "components.timings", "components.providers", "components.operations"}
    allowed |= {f"components.operations.{name}" for name in ("retries", "progress")}
    allowed |= {
        f"components.providers.{name}" for name in ("shared", "shared.base", "shared.engine_process", *PROVIDERS)
    }
    assert set(loaded) - allowed == set()
