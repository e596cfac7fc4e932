"""A plan in all its forms says the same."""

import io
import json
from typing import Any

import yaml
from rich.console import Console

from components.checks import Context
from components.plan import MigrationPlan
from scripts.plan.content import Plan
from scripts.plan.rendering import plain, to_json, to_tables, to_yaml
from scripts.report.helm_values import HIDDEN
from stacks.config import parse_config
from tests.builders import FLANNEL, make_pod, make_snapshot


def planned(*secret: str, **settings: Any) -> Plan:
    snapshot = make_snapshot(pods=(make_pod("edge", host_ports=(80,)),))
    context = Context(config=parse_config(settings), source=FLANNEL, snapshot=snapshot)
    return Plan.of(MigrationPlan(context=context, findings=(), secret=secret))


def printed(plan: Plan) -> str:
    console = Console(file=io.StringIO(), width=200, color_system=None)
    console.print(to_tables(plan))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_tables_show_source_values_and_what_changes() -> None:
    text = printed(planned())
    for told in (
        "the old network: Flannel",
        "DaemonSet kube-flannel/kube-flannel-ds",
        "ipam.operator.clusterPoolIPv4PodCIDRList",
        "['10.245.0.0/16']" if "['10.245.0.0/16']" in text else "[10.245.0.0/16]",
        "pod default/edge has a hostPort",
        "what phase 'finalize' changes",
    ):
        assert told in text
    changes = text[text.index("what phase 'finalize' changes") :]
    assert "cni.customConf" in changes
    assert "routingMode" not in changes


def test_yaml_with_comments_is_the_same_values() -> None:
    plan = planned(cilium={"values": {"extraArgs": [], "nodeSelector": {"kubernetes.io/os": "linux"}, "debug": {}}})
    text = to_yaml(plan)
    read = yaml.safe_load(text)
    assert read["migration"] == plan.migration_values
    assert read["source"]["is"] == "Flannel 0.28.4"
    assert read["final"] == {
        "operator": {"unmanagedPodWatcher": {"restart": True}, "setNodeTaints": True},
        "cni": {"customConf": False},
        "policyEnforcementMode": "default",
    }
    lines = text.splitlines()
    place = next(number for number, line in enumerate(lines) if line.strip().startswith("routingMode:"))
    assert lines[place - 1].startswith("  # the two networks meet")


def test_json_has_a_reason_for_each_value() -> None:
    read = json.loads(to_json(planned()))
    assert all(each["reason"] for each in read["values"] if each["migration"] is not None)
    assert {each["path"] for each in read["values"] if each["changes"]} == {
        "operator.unmanagedPodWatcher.restart", "operator.setNodeTaints", "cni.customConf",
        "policyEnforcementMode",
    }  # fmt: skip


def test_credentials_are_for_helm_alone() -> None:
    plan = planned(cilium={"values": {"tls": {"ca": {"key": "c2VjcmV0"}}}})
    assert "c2VjcmV0" not in to_yaml(plan) + to_json(plan) + printed(plan)
    assert HIDDEN in to_yaml(plan)
    assert yaml.safe_load(plain(plan.migration_values))["tls"]["ca"]["key"] == "c2VjcmV0"


def test_values_of_a_secret_key_are_in_no_form() -> None:
    values = {
        "podAnnotations": {"a.b/c": "hush-word"},
        "extraArgs": ["--x=hush-word"],
        "ipam": {"mode": "cluster-pool"},
    }
    plan = planned("cilium", cilium={"values": values, "finalValues": {"debug": {"verbose": "hush-word"}}})
    for text in (printed(plan), to_yaml(plan), to_json(plan), plain(plan.migration_values), plain(plan.final_values)):
        assert HIDDEN in text
        assert "hush-word" not in text
        assert "10.245.0.0/16" in text
