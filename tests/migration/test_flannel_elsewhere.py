"""From Flannel to Cilium on the real lab where CNI confs are in another folder and Flannel uses nftables."""

from collections.abc import Iterator

import pytest

from scripts.lab import assertions
from tests.migration import common_steps as journey
from tests.migration.lab_with_traffic import Stage

pytestmark = [pytest.mark.lab, pytest.mark.sources, pytest.mark.timeout(900)]
_FOLDER = "/var/lib/network/confs"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    stage = Stage.fresh(nodes=2, conf_folder=_FOLDER, nftables=True)
    yield stage
    stage.lab.down()


def _tables(stage: Stage, node: str) -> list[str]:
    return stage.lab.exec(node, ["nft", "list", "tables"]).stdout.splitlines()


def test_the_lab_is_as_it_shall_be(stage: Stage) -> None:
    for node in stage.nodes:
        assert stage.lab.exec(node, ["ls", "/etc/cni/net.d"]).stdout.split() == []
        assert stage.lab.exec(node, ["ls", _FOLDER]).stdout.split() == ["10-flannel.conflist"]
        assert [each for each in _tables(stage, node) if "flannel" in each]


def test_every_node_moves(stage: Stage) -> None:
    journey.begin(stage)
    stage.up(phase="secondary")
    for node in stage.nodes:
        assertions.node_is_on_source(stage.lab, node)
    journey.move_every_node(stage)
    journey.assert_no_loss(stage)


def test_a_node_goes_back_and_moves_again(stage: Stage) -> None:
    first, second = stage.nodes
    stage.set_waves([second])
    stage.session.up()
    assertions.node_is_on_source(stage.lab, first)
    stage.set_waves([second], [first])
    stage.session.up()
    assertions.node_is_on_cilium(stage.lab, first)


def test_the_last_trace_goes_with_its_tables(stage: Stage) -> None:
    journey.finish(stage, consent="flannel")
    for node in stage.nodes:
        assert [each for each in _tables(stage, node) if "flannel" in each] == []
        assert stage.lab.exec(node, ["ls", "/etc/cni/net.d"]).stdout.split() == []


def test_no_request_was_lost(stage: Stage) -> None:
    journey.assert_no_loss(stage)
