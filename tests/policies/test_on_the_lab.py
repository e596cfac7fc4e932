"""Policies of Calico's on the real lab: what their author meant holds under Calico, while nodes move, and under Cilium.

The window is bridged: policies stay on for pods of nodes that moved.
"""

import json
from collections.abc import Iterator

import pytest

from scripts.lab.images import catalogue
from tests.migration import common_steps as journey
from tests.migration.lab_with_traffic import Stage
from tests.policies.oracle import matrix, measure
from tests.policies.oracle.matrix import APPS, PROBES, Probe
from tests.policies.oracle.measure import Reading, Watch

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    stage = Stage.fresh(nodes=2, source="calico")
    stage.lab.kubectl("apply", "-f", "-", stdin=json.dumps(matrix.listed(matrix.workloads(catalogue.PYTHON))))
    for app in APPS.values():
        stage.lab.kubectl("-n", app.namespace, "rollout", "status", f"deployment/{app.name}", "--timeout=90s")
    yield stage
    stage.lab.down()


def on_moved_nodes(reading: Reading) -> set[str]:
    """The apps whose pods are on Cilium's network."""
    return {name for name, place in reading.places.items() if place.address.startswith("10.245.")}


def test_without_policies_everything_is_let_through(stage: Stage) -> None:
    measure.settle(stage.lab, lambda reading: [str(each) for each in PROBES if not reading.found[each]])


def test_calico_does_what_their_author_meant(stage: Stage) -> None:
    objects = [*matrix.KUBERNETES, *(each for items in matrix.CALICO.values() for each in items)]
    stage.lab.kubectl("apply", "-f", "-", stdin=json.dumps(matrix.listed(objects)))
    measure.settle(stage.lab, lambda reading: reading.wrong())


def test_nothing_moves_without_consent(stage: Stage) -> None:
    journey.begin(stage)
    stage.session.set(policies__bridge="true")
    stage.up(phase="secondary")
    stage.session.set_path("waves[0][0]", stage.nodes[0])
    refused = stage.session.preview(check=False)
    assert "[policies-translated]" in refused.output
    stage.session.set(policies__acceptTranslated="true")


def test_what_is_allowed_gets_through_between_the_networks(stage: Stage) -> None:
    stage.session.up()
    for moving in (("client", "guard"), ("web", "db")):
        for app in moving:
            stage.lab.kubectl("-n", APPS[app].namespace, "rollout", "restart", f"deployment/{app}")
            stage.lab.kubectl("-n", APPS[app].namespace, "rollout", "status", f"deployment/{app}", "--timeout=90s")
        allowed = [each for each in PROBES if each.allowed]
        reading = measure.settle(stage.lab, lambda reading: reading.wrong(allowed))  # noqa: B023 (used at once)
        moved = on_moved_nodes(reading)
        assert set(moving) <= moved
        crossing = {each for each in allowed if each.to in APPS and (each.source in moved) != (each.to in moved)}
        assert crossing, "nothing went from one network to the other"


def test_denies_hold_on_moved_nodes_while_others_move(stage: Stage) -> None:
    def counts(reading: Reading, probe: Probe) -> bool:
        moved = on_moved_nodes(reading)
        return probe.source in moved and (probe.to in moved or probe.to == matrix.OUTSIDE)

    with Watch(lab=stage.lab, denied=tuple(each for each in PROBES if not each.allowed), counts=counts) as watch:
        stage.session.set_path("waves[1][0]", stage.nodes[1])
        stage.session.up()
        measure.settle(stage.lab, lambda reading: reading.wrong())
        stage.up(phase="finalize")
        measure.settle(stage.lab, lambda reading: reading.wrong())
    assert watch.tried > 20, f"{watch.readings} readings met moved pods {watch.tried} times"
    assert watch.let_through == []


def test_they_stay_when_calico_goes(stage: Stage) -> None:
    stage.up(phase="cleanup", cleanup__consent="calico")
    measure.settle(stage.lab, lambda reading: reading.wrong())
    preview = stage.session.preview().output
    assert "to delete" not in preview
    assert "to update" not in preview
