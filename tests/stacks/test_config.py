import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.config import ConfigError, StackConfig, parse_config
from stacks.flows import FlowKind
from stacks.sections.node import RestartMethod
from stacks.strategies import Milestone


def test_an_empty_config_is_the_safe_one() -> None:
    config = parse_config({})
    assert config.milestone is Milestone.BEFORE_CILIUM
    assert config.nodes == []
    assert config.restart.method is RestartMethod.RECYCLE


def test_values_come_as_json_text_as_the_engine_hands_them_over() -> None:
    config = parse_config(
        {"phase": "migrate", "waves": '[["worker-1"], ["worker-2", "worker-3"]]', "drain": '{"timeoutSeconds": 5}'}
    )
    assert config.nodes == ["worker-1", "worker-2", "worker-3"]
    assert config.drain.timeout_seconds == 5


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({"phase": "x", "wave": "1", "drain": '{"force": "perhaps"}'})
    assert len(str(caught.value).splitlines()) == 3


names = st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9]", fullmatch=True), unique=True, max_size=12)


@given(names, st.integers(min_value=1, max_value=4))
def test_waves_keep_order_and_lose_no_node(nodes: list[str], width: int) -> None:
    waves = [nodes[start : start + width] for start in range(0, len(nodes), width)]
    config = parse_config({"phase": "secondary", "waves": json.dumps(waves)})
    assert config.nodes == nodes


@given(st.dictionaries(st.sampled_from(StackConfig.config_keys()), st.text(max_size=30)))
def test_no_text_makes_it_fail_otherwise_than_by_its_own_error(raw: dict[str, str]) -> None:
    said = ""
    try:
        parse_config(raw)
    except ConfigError as error:
        said = str(error)
    assert all(line.startswith("config ") for line in said.splitlines())


def test_milestones_are_ordered() -> None:
    assert [each.position for each in Milestone] == [0, 1, 2, 3, 4]
    assert Milestone.CILIUM_ALONE.includes(Milestone.BOTH_NETWORKS)
    assert not Milestone.BOTH_NETWORKS.includes(Milestone.CILIUM_ALONE)


def test_a_source_that_nobody_described_is_to_be_found() -> None:
    assert parse_config({"source": "{}"}).source is None
    assert parse_config({}).source is None


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"kind": "generic"}, "source.podNetworks: is needed"),
        ({"kind": "generic", "podNetworks": ["10.0.0.1/16"]}, "'10.0.0.1/16' is not a network"),
        ({"kind": "calico", "podNetworks": ["10.0.0.0/16"]}, "is described by the cluster itself"),
        ({"kind": "generic", "podNetworks": ["10.0.0.0/16"], "encapsulation": "vxlan"}, "source.udpPort: is needed"),
    ],
)
def test_what_is_said_of_a_source_must_fit(source: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({"source": json.dumps(source)})
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("budget", "kind", "allowed"),
    [
        ({}, "pod-http", (0, 5000)),
        ({}, "dns", (3, 10_000)),
        ({"dns": {"failed": 9}}, "dns", (9, 10_000)),
        ({"dns": {"failed": 9}}, "pod-http", (0, 5000)),
        ({"dns": {"failed": 9}}, "api", (3, 10_000)),
        ({"service-echo": {"gapMs": 100}}, "service-echo", (0, 100)),
        ({"pod-full": {}}, "pod-full", (0, 5000)),
        ({"api": "off"}, "api", None),
        ({"api": False}, "api", None),
        ({"api": "off"}, "dns", (3, 10_000)),
    ],
)
def test_a_budget_that_is_set_for_one_kind_judges_the_others_as_before(
    budget: dict[str, Any], kind: FlowKind, allowed: tuple[int, float] | None
) -> None:
    for traffic in ({"budget": budget}, json.dumps({"budget": budget})):
        judged = parse_config({"traffic": traffic}).traffic.budget
        found = judged.get(kind)
        assert (found and (found.failed, found.gap_ms)) == allowed
        assert len(judged) == 7 - ("api" in budget)
