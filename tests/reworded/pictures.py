"""Turns on the cluster in memory, and all that machines and eyes get of them, as the product is or in other words.

Prints two parts as JSON: `facts`, which no rewording may change, and `messages`, which it must.
"""

import json
import re
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from tests.reworded import rewording

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TIMES = {"began": START.isoformat(), "finished": (START + timedelta(minutes=30)).isoformat()}


_PAGES = ("reboot", "in place, back", "broken network")


class Clock:
    """Goes on by ten seconds with each step that begins, and by nothing else."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self, tz: object = None) -> datetime:
        self.seconds += 10
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


def without_text(drawn: str) -> str:
    """A picture or a page with its text left out: elements and their attributes alone."""
    return re.sub(r'(aria-label|title|content)="[^"]*"', "", re.sub(r">[^<]+<", "><", drawn))


def look_ahead(facts: dict[str, Any], messages: list[str]) -> None:
    """The plan and the checks of clusters in three phases, with pods that a drain refuses and budgets that hold."""
    from components.checks import CATALOGUE, Context, run_checks
    from components.plan import MigrationPlan
    from scripts.plan.content import Plan
    from stacks.config import parse_config
    from tests.builders import FLANNEL, alone, make_budget, make_pod, make_snapshot, secondary

    pods = tuple(
        make_pod(f"pod-{number}", controller=owner, empty_dirs=dirs)
        for number, (owner, dirs) in enumerate((("", ()), ("ReplicaSet", ("data",)), ("DaemonSet", ())))
    )
    more: dict[str, Any] = {
        "pods": pods,
        "budgets": (
            make_budget("one", app="pod-1", healthy=1, desired=1),
            make_budget("two", app="pod-1", healthy=1, desired=1),
        ),
    }
    waves = [["worker-1", "worker-2"]]
    for phase, snapshot in (
        ("secondary", make_snapshot(**more)), ("migrate", secondary(**more)), ("cleanup", alone(**more)),
    ):  # fmt: skip
        config = parse_config({"phase": phase, **({} if phase == "secondary" else {"waves": waves})})
        context = Context(config=config, snapshot=snapshot, source=FLANNEL)
        findings = tuple(run_checks(CATALOGUE, context))
        plan = MigrationPlan(context=context, findings=findings)
        lines = plan.lines(at_once=1)
        told = json.loads(Plan.of(plan).model_dump_json())
        facts[f"plan of {phase}"] = {
            "levels": [line.level for line in lines],
            "findings": [(each.check, each.severity, each.unrecognised) for each in findings],
            "values": [(each["path"], each["migration"], each["final"], each["changes"]) for each in told["values"]],
            "trees": (told["migration_values"], told["final_values"]),
        }
        messages.extend(line.text for line in lines)
        messages.extend(each.remedy for each in findings)


def main() -> None:
    if sys.argv[1:] == ["reworded"]:
        rewording.install()
    from components.operations import progress
    from components.operations import retries as patience
    from components.operations.cluster_api.errors import ClusterError
    from components.operations.deadline import OperationError
    from components.operations.draining import evictions
    from components.operations.turn_steps import restart
    from scripts.report.cluster_record import marked
    from scripts.report.model import Report
    from scripts.report.page import to_html, to_json
    from scripts.report.restarts import restarts_told
    from scripts.report.turns import Marked, Told, in_order, make_turns, troubles, unread
    from scripts.watch.reading import Reading
    from scripts.watch.view import line, waves
    from tests.turns.running_a_turn import BACK, NODE, THERE, make_turn
    from tests.turns.world import NODES, World

    clock = Clock()
    vars(progress).update(datetime=clock, time=SimpleNamespace(monotonic=clock.monotonic))
    evictions._FIRST_LOOK_SECONDS = 0.001
    restart._KUBELET_RENEWS_SECONDS = 0.01
    facts: dict[str, Any] = {}
    messages: list[str] = []

    def steady(mark: Marked) -> Marked:
        """The same without what differs from run to run: pods get their addresses side by side."""
        if "finished" not in mark.record:
            return replace(mark, record={})
        verified = {key: value for key, value in mark.record["verified"].items() if key != "address"}
        return replace(mark, record={**mark.record, **TIMES, "verified": verified})

    def draw(name: str, world: World, outputs: dict[str, Any]) -> None:
        """All that is known of the cluster now, as report and watch have it."""
        items = world.objects.select("/api/v1/namespaces/default/events")
        told = sorted(filter(None, map(Told.read, items)), key=in_order)
        marks = {each: steady(marked(world.node(each))) for each in NODES}
        turns = make_turns({"nodes": outputs}, waves=[[NODE]], nodes=NODES, marks=marks, told=told)
        report = Report(stack="any", made=START, made_by="", turns=turns, troubles=troubles(told))
        reading = Reading(
            at=START + timedelta(hours=1), milestone=None, source="Flannel", runs="", marks=marks, told=tuple(told),
            pods_left={NODE: len(world.pods(node=NODE))},
        )  # fmt: skip
        data = json.loads(to_json(report))
        messages.append(data["headline"].pop("sentence"))
        messages.extend(each.pop("message") for each in data["troubles"])
        messages.extend(each.message for each in told)
        facts[name] = {
            "report": data,
            "page": without_text(to_html(report)) if name in _PAGES else "",
            "unread": len(unread({"nodes": outputs}, told)),
            "restarts": [(each.node, each.start, each.end) for each in restarts_told(told)],
            "waves": waves(reading),
            "under way": reading.under_way,
            "lines": [line(each).partition(": ")[0] for each in told],
            "events": [(each.reason, each.step, each.outcome, each.word, each.bad) for each in told],
            "state": {key: value for key, value in world.state(NODE).items() if key != "pods"},
            "pods": Counter((pod.name.partition("-")[0], pod.node, pod.ready) for pod in world.pods()).most_common(),
            "outputs": outputs,
        }

    def go(name: str, world: World, way: Any, turn: Any, *, outputs: dict[str, Any], fails: bool = False) -> None:
        client, found = world.client(), None
        try:
            found = way.whole(client, turn)
        except (OperationError, ClusterError) as error:
            if not fails:
                raise
            messages.append(str(error))
        else:
            assert not fails
        if isinstance(found, dict) and "verified" in found:
            found["verified"].pop("address", "")  # pods get theirs side by side
            outputs = {NODE: {**found, **TIMES}}
        draw(name, world, outputs)

    for name, turn in (
        ("recycle", make_turn()), ("reboot", make_turn(method="reboot")), ("in place", make_turn(in_place=True)),
    ):  # fmt: skip
        world = World()
        go(name, world, THERE, turn, outputs={})
        go(f"{name}, back", world, BACK, turn, outputs={})
    world = World()
    world.budget("web", available=3)
    go("held by a budget", world, THERE, make_turn(seconds=0.3), outputs={}, fails=True)
    world.pod("bare", node=NODE)
    go("refused", world, THERE, make_turn(), outputs={}, fails=True)
    world = World()
    world.broken.add("10.96.0.1")
    go("broken network", world, THERE, make_turn(seconds=0.3), outputs={}, fails=True)
    world.broken.clear()
    go("resumed", world, THERE, make_turn(), outputs={})
    world = World()
    patience.stopping.set()
    go("stopped", world, THERE, make_turn(), outputs={}, fails=True)
    patience.stopping.clear()
    look_ahead(facts, messages)
    sys.stdout.write(json.dumps({"facts": facts, "messages": messages}))


if __name__ == "__main__":
    main()
