"""The last line of a script's log on a node: its result, or one line that says that it was lost."""

from typing import Any

import pytest

from components.operations.api import Cluster
from components.operations.deadline import OperationError
from components.operations.node_shell import run_on_node
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
