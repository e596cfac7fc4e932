"""A strategy that the program has never heard of, from an installed package: preview, up, kill, resume, way back."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.operations.turn.turn_record import record_of_turn
from components.operations.turn_annotations import TurnStep, read_node, step_of
from tests.faults.site import Site
from tests.runs import unlock

INSTALLED = Path(__file__).parent / "installed"
MARK, LABEL = "toy.example/mark", "toy.example/moved"
NODES = ("worker-1", "worker-2", "worker-3")
pytestmark = [pytest.mark.engine, pytest.mark.apiserver, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site.prepare(tmp_path_factory.mktemp("toy"), nodes=len(NODES))
    path = os.pathsep.join(filter(None, (str(INSTALLED), made.stack.environment.get("PYTHONPATH", ""))))
    made.stack.environment["PYTHONPATH"] = path
    yield made
    made.plane.stop()


def _configure(site: Site, *, phase: str, waves: list[list[str]]) -> None:
    site.configure(phase=phase, waves=waves)
    site.stack.set_path("strategy", "toy")


def _marks(site: Site) -> dict[str, str]:
    nodes = [read_node(site.cluster, name) for name in NODES]
    return {node.name: node.annotations[MARK] for node in nodes if MARK in node.annotations}


def _outputs(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site.stack.pulumi("stack", "output", "--json").output)
    return found


def test_a_strategy_of_somebody_elses_goes_all_the_way_and_back(site: Site) -> None:
    _configure(site, phase="beside", waves=[])
    site.stack.up()

    _configure(site, phase="turns", waves=[[NODES[0]], [NODES[1]]])
    told = site.stack.preview().output
    assert f"{NODES[0]} moves to Cilium" in told
    assert "to create" in told

    killed = site.up().go()
    killed.wait_for(rf"{NODES[1]} \[2/3\] mark: marked with 1")
    killed.kill_engine()
    unlock(site.stack)
    assert step_of(read_node(site.cluster, NODES[0])) is TurnStep.MIGRATED
    again = site.stack.up().output
    assert f"{NODES[0]} [" not in again
    # A step that was broken off is done again by the run that goes on, or its effect is seen: the mark says which.
    assert _marks(site)[NODES[0]] == "1"
    assert set(_marks(site)) == set(NODES[:2])
    assert all(read_node(site.cluster, name).labels.get(LABEL) == "true" for name in NODES[:2])
    assert not any(read_node(site.cluster, name).unschedulable for name in NODES)
    assert "to create" not in site.stack.preview().output

    outputs = _outputs(site)
    assert (outputs["strategy"], outputs["phase"], outputs["nodesDone"]) == ("toy", "turns", list(NODES[:2]))
    steps = record_of_turn(read_node(site.cluster, NODES[0]))["steps"]
    assert [step["name"] for step in steps] == ["cordon", "mark", "uncordon"]

    _configure(site, phase="turns", waves=[])
    back = site.stack.up().output
    assert f"{NODES[0]} [2/3] unmark" in back
    assert _marks(site) == {}
    assert all(step_of(read_node(site.cluster, name)) is None for name in NODES)
    assert not any(LABEL in read_node(site.cluster, name).labels for name in NODES)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"strategy": "toys"}, "config strategy: 'toys' is not one of 'hybrid', 'toy'; did you mean 'toy'?"),
        ({"phase": "finalize"}, "config phase: 'finalize' is not one of 'beside', 'turns'"),
    ],
)
def test_what_it_does_not_have_is_refused_in_preview(site: Site, settings: dict[str, str], said: str) -> None:
    _configure(site, phase="turns", waves=[])
    for key, value in settings.items():
        site.stack.set_path(key, value)
    run = site.stack.preview(check=False)
    assert run.exit_code != 0
    assert said in run.output
