"""From Canal (Flannel's network, Calico's policies) to Cilium on the real lab; one story in order."""

import json
from collections.abc import Iterator

import pytest

from scripts.lab import assertions
from tests.migration import common_steps as journey
from tests.migration.lab_with_traffic import Stage

pytestmark = [pytest.mark.lab, pytest.mark.sources, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    stage = Stage.fresh(nodes=2, source="canal")
    yield stage
    stage.lab.down()


def test_canal_is_known_by_both_of_its_programs(stage: Stage) -> None:
    journey.begin(stage)
    record = stage.objects("-n", "cni-live-migration", "get", "configmap", "record")["data"]
    found = json.loads(record["source"])
    assert (found["kind"], found["interface"], found["udp_port"]) == ("canal", "flannel.1", 8472)
    journey.assert_policies_are_enforced(stage)


def test_its_nodes_move_and_its_last_trace_goes(stage: Stage) -> None:
    stage.up(phase="secondary")
    for node in stage.nodes:
        assertions.node_is_on_source(stage.lab, node)
    journey.move_every_node(stage)
    journey.finish(stage, consent="canal")


def test_no_request_was_lost(stage: Stage) -> None:
    journey.assert_no_loss(stage)


def test_cilium_enforces_the_policies_now(stage: Stage) -> None:
    journey.assert_policies_are_enforced(stage)
