"""The plan's lines carry their level as a field: no reader looks for it in the text."""

import pytest

from components.checks import Context, Finding, Severity
from components.operator_lines import Level, Line
from components.plan import MigrationPlan
from stacks.config import parse_config
from tests.builders import FLANNEL, make_snapshot, secondary


def plan(phase: str, *findings: Finding, waves: tuple[tuple[str, ...], ...] = ()) -> MigrationPlan:
    snapshot = secondary() if phase == "migrate" else make_snapshot()
    config = parse_config({"phase": phase, **({"waves": [list(wave) for wave in waves]} if waves else {})})
    return MigrationPlan(context=Context(config=config, source=FLANNEL, snapshot=snapshot), findings=findings)


@pytest.mark.parametrize(("severity", "level"), [(Severity.WARNING, Level.WARNING), (Severity.NOTE, Level.NOTE)])
def test_a_finding_is_a_line_of_its_severity_whatever_its_text(severity: Severity, level: Level) -> None:
    finding = Finding(check="any", severity=severity, evidence="warning: note: a thing", remedy="info: mend it")
    assert plan("preflight", finding).lines(at_once=4) == [Line(level, "[any] warning: note: a thing: info: mend it")]


def test_a_blocker_is_no_line_as_it_refuses_the_plan() -> None:
    finding = Finding(check="any", severity=Severity.BLOCKER, evidence="a thing", remedy="mend it")
    assert plan("preflight", finding).lines(at_once=4) == []


def test_a_wave_wider_than_the_engine_is_a_warning_and_each_turn_is_information() -> None:
    moves = plan("migrate", waves=(("worker-1", "worker-2"),)).lines(at_once=1)
    assert [line.level for line in moves] == [Level.WARNING, Level.INFO, Level.INFO]
    assert plan("migrate", waves=(("worker-1", "worker-2"),)).lines(at_once=2) == moves[1:]
