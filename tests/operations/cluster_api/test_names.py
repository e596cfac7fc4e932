"""Names made of nodes' names, which may have 253 characters."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.names import label_value, name_about

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
