import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.config import ConfigError, RestartMethod, StackConfig, parse_config
from stacks.phases import Phase


def test_an_empty_config_is_the_safe_one() -> None:
    config = parse_config({})
    assert config.phase is Phase.PREFLIGHT
    assert config.nodes == []
    assert config.restart.method is RestartMethod.RECYCLE


def test_values_come_as_json_text_as_the_engine_hands_them_over() -> None:
    config = parse_config(
        {"phase": "migrate", "waves": '[["worker-1"], ["worker-2", "worker-3"]]', "drain": '{"timeoutSeconds": 5}'}
    )
    assert config.nodes == ["worker-1", "worker-2", "worker-3"]
    assert config.drain.timeout_seconds == 5


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (
            {"phase": "nonsense"},
            "config phase: 'nonsense' is not one of 'preflight', 'secondary', 'migrate', 'finalize', 'cleanup'",
        ),
        ({"wave": "[]"}, "config wave: there is no such setting"),
        ({"drain": '{"timeout": 3}'}, "config drain.timeout: there is no such setting"),
        ({"drain": '{"timeoutSeconds": 0}'}, "config drain.timeoutSeconds: Input should be greater than 0"),
        ({"waves": "[["}, "config waves: is not valid JSON"),
        ({"phase": "migrate", "waves": '[["a"], ["a"]]'}, "config: node a is listed twice, in waves 0 and 1"),
        ({"phase": "migrate", "waves": '[["a", "a"]]'}, "config: node a is listed twice, in waves 0 and 0"),
        ({"phase": "migrate", "waves": "[[]]"}, "config: wave 0 is empty"),
        ({"waves": '[["a"]]'}, "config: waves name a but phase is 'preflight'"),
        ({"phase": "migrate", "waves": '[["Bad_Name"]]'}, "config waves[0][0]: String should match pattern"),
        ({"cilium": '{"podCidr": "10.245.0.1/16"}'}, "config cilium.podCidr: '10.245.0.1/16' is not a network"),
        ({"cilium": '{"podCidr": "fd00::/104"}'}, "config cilium.podCidr: 'fd00::/104' is IPv6"),
        ({"cilium": '{"podCidr": "10.9.0.0/16", "nodeMaskSize": 16}'}, "config cilium: nodeMaskSize 16 leaves no room"),
        ({"cilium": '{"tunnelPort": 70000}'}, "config cilium.tunnelPort: Input should be less than or equal to 65535"),
        ({"restart": '{"method": "command", "command": "docker restart x"}'}, "config restart: method 'command' needs"),
        ({"restart": '{"command": "reboot {node}"}'}, "config restart: `command` is set but method is 'recycle'"),
        (
            {"drain": '{"inPlace": true}', "restart": '{"method": "reboot"}'},
            "config: drain.inPlace renews the pods one by one, restart.method 'reboot' all at once",
        ),
        ({"gates": '{"ignoreAlerts": "("}'}, "config gates.ignoreAlerts: '(' is not a regular expression"),
        ({"traffic": '{"budget": {"pod-htp": {}}}'}, "config traffic.budget.pod-htp"),
        ({"traffic": '{"budget": {"dns": {"failed": -1}}}'}, "config traffic.budget.dns.failed: Input should be"),
        (
            {"acknowledge": '{"pod-cidr-free": " "}'},
            "config acknowledge: pod-cidr-free has no reason: say why its findings do no harm here",
        ),
        ({"overrideChecks": '["pod-cidr-free"]'}, "config overrideChecks: there is no such setting"),
        ({"preflight": '{"required": ["Pod a/b"]}'}, "config preflight.required[0]: String should match pattern"),
        ({"strategy": "magic"}, "config strategy: Input should be 'hybrid'"),
    ],
)
def test_each_fault_is_one_clear_line(raw: dict[str, str], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(raw)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


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
    with suppress(ConfigError):
        parse_config(raw)


def test_phases_are_ordered() -> None:
    assert [phase.position for phase in Phase] == [0, 1, 2, 3, 4]
    assert Phase.FINALIZE.includes(Phase.SECONDARY)
    assert not Phase.SECONDARY.includes(Phase.FINALIZE)
    assert Phase.PREFLIGHT.before is None
    assert Phase.CLEANUP.before is Phase.FINALIZE


def test_a_source_that_nobody_described_is_to_be_found() -> None:
    assert parse_config({"source": "{}"}).source is None
    assert parse_config({}).source is None


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"kind": "generic"}, "needs podNetworks"),
        ({"kind": "generic", "podNetworks": ["10.0.0.1/16"]}, "'10.0.0.1/16' is not a network"),
        ({"kind": "calico", "podNetworks": ["10.0.0.0/16"]}, "is described by the cluster itself"),
        ({"kind": "generic", "podNetworks": ["10.0.0.0/16"], "encapsulation": "vxlan"}, "needs udpPort"),
    ],
)
def test_what_is_said_of_a_source_must_fit(source: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({"source": json.dumps(source)})
    assert told in str(caught.value)
