"""Settings of the agents' pods that the cluster decides: needed where it is, and never changed while nodes move."""

from typing import Any

import pytest

from components.operations.snapshot import Snapshot
from components.settling import settled
from stacks.config import parse_config
from stacks.settle import Cilium
from stacks.values import contradictions, final_values, live_settings, migration_values, value_at
from stacks.virtual_nodes import TERMS, elsewhere
from tests.builders import FLANNEL, FLANNEL_CONFIG_MAP, FLANNEL_DAEMON_SET, make_cilium, make_node, make_snapshot
from tests.sources.making_clusters import daemon_set

AFFINITY, RULES = f"affinity.nodeAffinity.{TERMS}", "cni.iptablesRemoveAWSRules"
MACHINES = tuple(make_node(f"worker-{number}") for number in (1, 2))
FARGATE = make_node("fargate-9", labels={"eks.amazonaws.com/compute-type": "fargate"})
ENDS = {"preStop": {"exec": {"command": ["/cni-uninstall.sh"]}}}
HOOKS = {**ENDS, "postStart": {"exec": {"command": ["bash", "-c", "true"]}}}
OTHERS = [{"matchExpressions": [{"key": "pool", "operator": "In", "values": ["blue"]}]}]
OLDER = [{"matchExpressions": [{"key": "type", "operator": "NotIn", "values": ["virtual-kubelet"]}]}]


def agents(terms: list[Any] | None = None, *, hook: bool = True) -> dict[str, Any]:
    pod = {
        "containers": [{"name": "cilium-agent", "image": "cilium", "lifecycle": HOOKS if hook else ENDS}],
        "affinity": {
            "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": []},
            **({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
               if terms else {}),
        },
    }  # fmt: skip
    return {"metadata": {"namespace": "kube-system", "name": "cilium"}, "spec": {"template": {"spec": pod}}}


AWS = daemon_set("aws-node", "602401143452.dkr.ecr.eu-west-1.amazonaws.com/amazon-k8s-cni:v1.19.2")


def cilium_of(snapshot: Snapshot) -> Cilium:
    return settled(parse_config({}).cilium, snapshot=snapshot, source=FLANNEL)


def cluster(*others: dict[str, Any], virtual: bool, alone: bool = False, **fields: Any) -> Snapshot:
    installed = any(each["metadata"]["name"] == "cilium" for each in others)
    values = final_values(make_cilium()) if alone else migration_values(make_cilium())
    return make_snapshot(
        nodes=(*MACHINES, FARGATE) if virtual else MACHINES,
        daemon_sets=(FLANNEL_DAEMON_SET, *others),
        config_maps=(FLANNEL_CONFIG_MAP,),
        cilium_config=live_settings(values) if installed else None,
        **fields,
    )


@pytest.mark.parametrize(
    ("snapshot", "meanwhile", "alone"),
    [
        (cluster(virtual=False), None, None),
        (cluster(virtual=True), elsewhere(), elsewhere()),
        # One that joins later starts no agent anew before all of them are in any case.
        (cluster(agents(), virtual=True), None, elsewhere()),
        (cluster(agents(), virtual=True, alone=True), None, None),
        (cluster(agents(), virtual=False), None, None),
        # What an installed Cilium has stays, though the virtual node is gone, or an older version wrote it.
        (cluster(agents(elsewhere()), virtual=False), elsewhere(), elsewhere()),
        (cluster(agents(elsewhere()), virtual=False, alone=True), elsewhere(), elsewhere()),
        (cluster(agents(OLDER), virtual=True), OLDER, elsewhere()),
        (cluster(agents(OLDER), virtual=True, alone=True), OLDER, OLDER),
        # The user's own are in the values already, and go when they remove them there.
        (cluster(agents(OTHERS), virtual=False), None, None),
    ],
)
def test_agents_are_kept_off_virtual_nodes_where_there_are_any(snapshot: Snapshot, meanwhile: Any, alone: Any) -> None:
    cilium = cilium_of(snapshot)
    assert value_at(migration_values(cilium), AFFINITY) == meanwhile
    assert value_at(final_values(cilium), AFFINITY) == alone
    assert contradictions(cilium) == []


RECORDED = {"keeps_aws_rules": {"value": True, "reason": "AWS VPC CNI was there"}}


@pytest.mark.parametrize(
    ("snapshot", "kept"),
    [
        (cluster(virtual=False), False),
        (cluster(agents(), virtual=False), False),
        (cluster(AWS, virtual=False), True),
        (cluster(AWS, agents(), virtual=False), True),
        (cluster(agents(hook=False), virtual=False), True),  # as an earlier version installed it
        (cluster(agents(), virtual=False, alone=True, settled=RECORDED), True),  # once aws-node is gone
    ],
)
def test_rules_of_another_old_cni_stay_until_it_is_gone(snapshot: Snapshot, kept: bool) -> None:
    """The chart takes AWS VPC CNI's rules off every node unless it is told not to; without that CNI it is not told."""
    cilium = cilium_of(snapshot)
    assert value_at(migration_values(cilium), RULES) == (False if kept else None)
    assert value_at(final_values(cilium), RULES) == (True if kept else None)
    wished = cilium.model_copy(update={"values": {"cni": {"iptablesRemoveAWSRules": "true"}}})
    assert [each.path for each in contradictions(wished)] == ([RULES] if kept else [])


@pytest.mark.parametrize(
    ("version", "snapshot", "refused"),
    [
        ("1.17.6", cluster(AWS, virtual=False), True),
        ("1.18.6", cluster(AWS, virtual=False), False),
        ("1.17.6", cluster(virtual=False), False),
        ("1.17.6", cluster(AWS, agents(), virtual=False), False),  # what was done is done
    ],
)
def test_charts_that_take_the_rules_away_whatever_they_are_told(
    version: str, snapshot: Snapshot, refused: bool
) -> None:
    config = parse_config({"cilium": {"version": version}})
    cilium = settled(config.cilium, snapshot=snapshot, source=FLANNEL)
    assert [each.path for each in contradictions(cilium)] == (["cilium.version"] if refused else [])


def test_what_was_settled_is_written_down_only_where_it_must_outlive_its_reason() -> None:
    record = cilium_of(cluster(AWS, virtual=True)).record()
    assert record["keeps_aws_rules"]["value"] is True
    assert "node_terms" not in record
