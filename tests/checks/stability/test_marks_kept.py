"""A label or annotation of a turn that somebody takes off is told."""

from collections.abc import Mapping
from typing import Any

import pytest

from components.checks.nodes.moving_nodes import marks_kept
from components.operations.snapshot import Snapshot
from components.operations.turn_annotations import STEP
from tests.builders import alone, make_context, make_node, secondary

LABEL = "io.cilium.migration/cilium-default"
HERE: dict[str, Any] = {"phase": "migrate", "waves": [["worker-7"]]}


def told(snapshot: Snapshot, **settings: Any) -> list[str]:
    return [each.evidence for each in marks_kept.find(make_context(snapshot, **settings))]


@pytest.mark.parametrize(
    ("labels", "marks", "fact"),
    [
        ({}, {STEP: "migrated"}, f"its label {LABEL}=true was taken off"),
        ({LABEL: "false"}, {STEP: "migrated"}, f"its label {LABEL}=true was taken off"),
        ({LABEL: ""}, {STEP: "migrated"}, f"its label {LABEL}=true was taken off"),
        ({LABEL: "true"}, {}, f"its annotation {STEP} is missing"),
        ({LABEL: "true"}, {STEP: "by-hand"}, f"its annotation {STEP} is missing"),
    ],
)
@pytest.mark.parametrize("phase", ["migrate", "finalize"])
def test_what_was_taken_off_is_named(
    labels: Mapping[str, str], marks: Mapping[str, str], fact: str, phase: str
) -> None:
    seen = secondary(nodes=(make_node("worker-7", labels=labels, annotations=marks),))
    (line,) = told(seen, **HERE | {"phase": phase})
    assert "node worker-7" in line
    assert fact in line


@pytest.mark.parametrize(
    ("labels", "step"), [({LABEL: "true"}, "migrated"), ({}, ""), ({}, "draining"), ({LABEL: "true"}, "switching")]
)
def test_a_node_as_a_turn_has_it_is_not(labels: Mapping[str, str], step: str) -> None:
    assert told(secondary(nodes=(make_node("worker-7", labels=labels, step=step),)), **HERE) == []


def test_where_cilium_is_alone_the_label_no_longer_matters() -> None:
    assert told(alone(nodes=(make_node("worker-7", step="migrated"),)), **HERE | {"phase": "finalize"}) == []


def test_a_node_in_no_wave_is_not_ours_to_judge() -> None:
    assert told(secondary(nodes=(make_node("worker-7", labels={LABEL: "true"}),)), phase="secondary") == []
