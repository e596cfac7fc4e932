"""The last line of a script's log on a node: its result, or one line that says that it was lost."""

import ast
from importlib import resources
from typing import Any

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.our_pods.node_shell import run_on_node, script
from components.pods import OurPods

PODS = OurPods(image="example")


class Ended(Cluster):
    """A node whose script ends well, with this in its log."""

    def __init__(self, log: str) -> None:
        self._log = log

    def list(self, path: str, **_query: Any) -> list[dict[str, Any]]:
        return []

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return body

    def find(self, path: str, **_query: Any) -> dict[str, Any] | None:
        return {"status": {"phase": "Succeeded"}}

    def logs(self, **_query: Any) -> str:
        return self._log

    def delete(self, path: str, **_options: Any) -> bool:
        return True


@pytest.mark.parametrize(
    ("log", "told"), [("", "has nothing"), ("\n", "has nothing"), ('{"cut": ', "has only"), ("warning: x", "has only")]
)
def test_a_log_that_was_lost_or_cut_off_is_one_line(log: str, told: str) -> None:
    with pytest.raises(OperationError, match=f"node worker-1: script inspect_network ended well, but .* {told}"):
        run_on_node(Ended(log), "worker-1", "inspect_network", pods=PODS)


def test_the_last_line_is_what_a_script_says() -> None:
    assert run_on_node(Ended('a warning\n{"a": 1}\n'), "worker-1", "inspect_network", pods=PODS) == {"a": 1}


SCRIPTS = sorted(
    each.name.removesuffix(".py")
    for each in (resources.files("components.operations") / "on_node").iterdir()
    if each.name.endswith(".py")
)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_needs_nothing_of_ours_on_the_node(name: str) -> None:
    """The pod has Python 3.9 and what comes with it: files of ours that a script imports stand in their place."""
    tree = ast.parse(script(name), feature_version=(3, 9))
    imported = {each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
    imported |= {alias.name for each in ast.walk(tree) if isinstance(each, ast.Import) for alias in each.names}
    assert [each for each in imported if each.startswith(("components", "stacks"))] == []
