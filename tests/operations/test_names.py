"""Names made of nodes' names, which may have 253 characters; and what a script on a node says at its end."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.names import label_value, name_about
from components.operations.api import Cluster
from components.operations.deadline import OperationError
from components.operations.node_shell import run_on_node

VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_parts = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
node_names = st.lists(_parts, min_size=1, max_size=8).map(".".join).map(lambda text: text[:253].rstrip("-."))
POOL = "c-m-7xk2p9qd-eu-central-1-production-general-purpose-workers-pool-"


@given(node_names)
def test_they_are_what_kubernetes_takes(name: str) -> None:
    assert VALUE.fullmatch(label_value(name))
    assert len(name_about("verify", name)) <= 253
    assert NAME.fullmatch(name_about("verify", name))


@given(st.lists(node_names, min_size=2, max_size=2, unique=True))
def test_no_two_nodes_share_one(names: list[str]) -> None:
    assert len({label_value(name) for name in names}) == 2
    assert len({name_about("verify", name) for name in names}) == 2


@pytest.mark.parametrize(
    "names",
    [
        (f"{POOL}a1", f"{POOL}b2"),
        ("w" * 62 + ".example.internal", "w" * 63 + ".example.internal"),
        ("w" * 62 + "-0.example.internal", "w" * 62 + "-1.example.internal"),
        (f"{'a.' * 120}one", f"{'a.' * 120}two"),
    ],
)
def test_names_alike_in_their_beginnings(names: tuple[str, str]) -> None:
    values = [label_value(name) for name in names]
    assert values[0] != values[1]
    assert all(VALUE.fullmatch(value) for value in values)


@pytest.mark.parametrize("name", ["worker-1", "ip-10-0-101-5.eu-central-1.compute.internal", "w" * 63])
def test_a_name_that_fits_stays_as_it_is(name: str) -> None:
    assert label_value(name) == name
    assert name_about("verify", name) == f"verify-{name}"


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
        run_on_node(Ended(log), "worker-1", "inspect_network", image="example")


def test_the_last_line_is_what_a_script_says() -> None:
    assert run_on_node(Ended('a warning\n{"a": 1}\n'), "worker-1", "inspect_network", image="example") == {"a": 1}
