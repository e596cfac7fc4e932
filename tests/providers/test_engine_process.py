"""The engine's process for Python providers, and what is said where it is none that this program knows."""

import subprocess
import sys

import pytest

from scripts.lab.paths import CHECKOUT

# As `python -m pulumi.dynamic` is run, up to its server.
_START = """
import sys, types
from concurrent import futures
main = sys.modules["__main__"]
main.__spec__ = types.SimpleNamespace(name="pulumi.dynamic.__main__")
sys.argv = ["provider", {engine!r}]
{server}
{servicer}
from components.providers.shared import engine_process
engine_process.prepare()
engine_process.prepare()
print("wide" if server._max_workers > 4 else "narrow")
"""
_SERVER = "server = futures.ThreadPoolExecutor(max_workers={workers})"
_SERVICER = """
class DynamicResourceProviderServicer:
    def Cancel(self, request, context):
        raise AssertionError("not replaced")
main.DynamicResourceProviderServicer = DynamicResourceProviderServicer
"""


def prepared(*, engine: str = "127.0.0.1:1", workers: int = 4, servicer: str = _SERVICER) -> tuple[str, str]:
    code = _START.format(engine=engine, server=_SERVER.format(workers=workers), servicer=servicer)
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return done.stdout.strip(), done.stderr.strip()


def test_the_process_that_is_known_is_prepared_without_a_word() -> None:
    assert prepared() == ("wide", "")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"workers": 8}, "at most 4 nodes of a wave move at a time"),
        ({"servicer": ""}, "Ctrl-C ends only once every wait has"),
        ({"servicer": "main.DynamicResourceProviderServicer = object"}, "Ctrl-C ends only once every wait has"),
        ({"engine": "unix:/run/engine.sock"}, "a killed engine would leave it at work"),
        ({"engine": ""}, "a killed engine would leave it at work"),
    ],
)
def test_another_one_is_said_aloud_once(changed: dict[str, object], told: str) -> None:
    _, said = prepared(**changed)  # type: ignore[arg-type]
    assert said.startswith("warning: this version of pulumi (")
    assert told in said
    assert said.count("warning") == 1
