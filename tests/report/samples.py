"""Migrations as they go, generated: three nodes and nothing lost, three with losses, a hundred in waves."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from components.checks import Severity
from components.probe.measured import LATENCY_BOUNDS_MS, Cost, FlowTotals, Measurement, Moment, Outage, Pause
from scripts.report.figures import KINDS, PAIR_KINDS
from scripts.report.helm_values import value_changes
from scripts.report.model import (
    Allowed,
    Change,
    CheckFinding,
    Losses,
    Report,
    Run,
    Step,
    Trouble,
    Turn,
    TurnState,
    Versions,
)
from stacks.flows import FlowKind
from tests.builders import make_cilium

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HOSTILE = '<img src=x onerror="alert(1)"></title><script>alert(1)</script>'
# Milliseconds between two requests, and the usual latency of one: what each kind costs.
_USUAL: dict[FlowKind, tuple[float, float]] = {
    "pod-http": (200, 1.4), "pod-full": (200, 1.9), "pod-echo": (50, 0.5), "service-http": (200, 1.7),
    "service-echo": (50, 0.6), "dns": (500, 3.2), "api": (500, 6.5),
}  # fmt: skip
_SECONDS = {"cordon": 0.2, "drain": 9.0, "agent": 14.0, "recycle": 6.0, "verify": 8.0, "uncordon": 0.1}


def seconds_later(seconds: float) -> datetime:
    """A moment of the migration."""
    return START + timedelta(seconds=seconds)


def clean() -> Report:
    """Three nodes, nothing lost."""
    return _migration(_names(3), [["worker-1"], ["worker-2"], ["worker-3"]], losses=False, every=1.0)


def lossy() -> Report:
    """Three nodes; worker-2's switch cost requests, and its turn had to be taken up again."""
    return _migration(_names(3), [["worker-1"], ["worker-2"], ["worker-3"]], losses=True, every=1.0)


def hundred() -> Report:
    """A hundred nodes with cloud names: a canary, nine, then tens; each probe has ten neighbours."""
    names = [f"ip-10-0-{number // 16}-{number * 7 % 256}.eu-central-1.compute.internal" for number in range(100)]
    waves = [names[:1], names[1:10], *(names[at : at + 10] for at in range(10, 100, 10))]
    return _migration(names, waves, losses=True, every=5.0, neighbours=10)


def two_days() -> Report:
    """The lossy one with a night between the canary and the others."""
    whole, night = lossy(), timedelta(days=1)
    measured = whole.measurement
    assert measured
    evening, morning = whole.runs[2].end + timedelta(seconds=3), whole.runs[3].start - timedelta(seconds=3)

    def next_day(turn: Turn) -> Turn:
        steps = tuple(
            step.model_copy(update={"start": step.start + night, "end": step.end + night}) for step in turn.steps
        )
        return turn.model_copy(update={"steps": steps, "began": steps[0].start, "finished": steps[-1].end})

    later = [run.model_copy(update={"start": run.start + night, "end": run.end + night}) for run in whole.runs[3:]]
    outages = [outage.model_copy(update={"start": outage.start + night}) for outage in measured.outages]
    timeline = [moment for moment in measured.timeline if moment.start < evening]
    rest = (moment for moment in measured.timeline if moment.start >= morning)
    timeline += [moment.model_copy(update={"start": moment.start + night}) for moment in rest]
    moved = {"end": measured.end + night, "outages": tuple(outages), "timeline": tuple(timeline)}
    return whole.model_copy(
        update={
            "turns": (whole.turns[0], *map(next_day, whole.turns[1:])),
            "runs": (*whole.runs[:3], *later),
            "measurement": measured.model_copy(update=moved),
            "made": whole.made + night,
        }
    )


def unmeasured() -> Report:
    """Half-way, with no measurement and no word from the cluster."""
    whole = clean()
    turns = (whole.turns[0], *(Turn(node=turn.node, wave=None, state=TurnState.TO_DO) for turn in whole.turns[1:]))
    line = "versions, Helm values, checks and the nodes' Events, as the cluster was not read: no answer from https://10.0.0.1:6443"
    return whole.model_copy(
        update={
            "turns": turns, "changes": (), "measurement": None, "findings": (), "checks_without_finding": (),
            "versions": Versions(), "left_out": (line,), "operators": (), "phase": "migrate", "runs": whole.runs[:3],
        }
    )  # fmt: skip


def hostile() -> Report:
    """Names and messages that somebody on the cluster chose in order to break the page."""
    report = lossy()
    assert report.measurement
    outage = report.measurement.outages[0].model_copy(update={"reason": HOSTILE, "source_pod": HOSTILE})
    flows = [flow.model_copy(update={"target_node": HOSTILE}) for flow in report.measurement.flows[:1]]
    turn = report.turns[0].model_copy(update={"node": HOSTILE})
    return report.model_copy(
        update={
            "stack": HOSTILE, "cluster": HOSTILE, "turns": (turn, *report.turns[1:]),
            "changes": (report.changes[0].model_copy(update={"nodes": (HOSTILE,), "over_budget": (HOSTILE,)}),),
            "troubles": (Trouble(node=HOSTILE, at=START, reason=HOSTILE, message=HOSTILE),),
            "findings": tuple(f.model_copy(update={"evidence": HOSTILE}) for f in report.findings),
            "measurement": report.measurement.model_copy(
                update={
                    "outages": (outage, *report.measurement.outages[1:]),
                    "flows": (*report.measurement.flows, *flows),
                }
            ),
        }
    )  # fmt: skip


def _names(count: int) -> list[str]:
    return [f"worker-{number}" for number in range(1, count + 1)]


def _migration(
    nodes: Sequence[str], waves: Sequence[Sequence[str]], *, losses: bool, every: float, neighbours: int = 0
) -> Report:
    chance = random.Random(7)
    runs = [_run("preflight", 4, 21), _run("secondary", 26, 88)]
    turns: list[Turn] = []
    at = 94.0
    for number, wave in enumerate(waves):
        own = [_turn(node, number, at, chance, budget=losses) for node in wave]
        end = max((turn.finished for turn in own if turn.finished), default=START)
        runs.append(_run("migrate", at - 3, (end - START).total_seconds() + 2))
        turns += own
        at = (end - START).total_seconds() + 8
    runs += [_run("finalize", at, at + 27), _run("cleanup", at + 33, at + 52)]
    total = at + 58
    trouble = Trouble(
        node=nodes[1], at=seconds_later(150), reason="MigrationFailed",
        message=f"node {nodes[1]} stays cordoned, 1 of 9 pods could not be evicted: pod shop/cart-7d9f: not evicted "
        "within 600 s: budget shop/cart needs 2 available, has 2",
    )  # fmt: skip
    return Report(
        stack="prod",
        made=seconds_later(total + 40),
        made_by="maria@bastion-1",
        cluster="https://10.20.0.1:6443",
        source="Flannel",
        strategy="hybrid",
        phase="cleanup",
        turns=tuple(turns),
        changes=tuple(_change(number, wave, losses=losses) for number, wave in enumerate(waves)),
        runs=tuple(runs),
        troubles=(trouble,) if losses else (),
        measurement=_measurement(nodes, turns, total, chance, losses=losses, every=every, neighbours=neighbours),
        findings=_findings() if losses else (),
        checks_without_finding=("Nodes are Ready", "Cilium's pool overlaps nothing", "Nodes can be drained"),
        budget={kind: Allowed(failed=0, gap_ms=3000) for kind in KINDS} if losses else {},
        values=value_changes(make_cilium(values={"devices": "eth0", "hubble": {"enabled": False}})),
        versions=Versions(
            kubernetes="v1.36.4", kubelets=("v1.36.3", "v1.36.4"), source="flannel/flannel:v0.28.4",
            cilium_wanted="1.19.7", cilium_running=("quay.io/cilium/cilium:v1.19.7",),
            program="0.1.0, commit 597736fa12", pulumi="3.259.0",
        ),
        operators=("maria@bastion-1",),
    )  # fmt: skip


def _change(number: int, nodes: Sequence[str], *, losses: bool) -> Change:
    seldom = Allowed(failed=3, gap_ms=10_000)
    budget = {kind: seldom if kind in ("dns", "api") else Allowed(failed=0, gap_ms=5000) for kind in KINDS}
    over = "worker-1 → worker-2, pod to pod, full-size packets: 21 of 1,204 failed, longest gap 6,480 ms"
    return Change(
        title=f"wave {number}", nodes=tuple(nodes), budget=budget, pause_ms=5000,
        over_budget=(over,) if losses and number == 1 else (),
    )  # fmt: skip


def _run(phase: str, start: float, end: float) -> Run:
    return Run(
        kind="update", start=seconds_later(start), end=seconds_later(end), result="succeeded", phase=phase,
        message=f"Phase {phase} for CHG-4711", commit="597736fa12", changes={"create": 4},
    )  # fmt: skip


def _turn(node: str, wave: int, start: float, chance: random.Random, *, budget: bool) -> Turn:
    at, steps = seconds_later(start), []
    for name, usual in _SECONDS.items():
        end = at + timedelta(seconds=round(usual * chance.uniform(0.8, 1.5), 2))
        steps.append(Step(name=name, start=at, end=end, effect="switch" if name == "agent" else ""))
        at = end
    return Turn(
        node=node, wave=wave, state=TurnState.DONE, began=steps[0].start, finished=at, steps=tuple(steps),
        pods_evicted=chance.randint(4, 23), pods_recycled=chance.randint(3, 6), rebooted=False, flows_verified=10,
        losses=Losses(sent=4310, failed=0, longest_gap_ms=0) if budget else None,
    )  # fmt: skip


def _findings() -> tuple[CheckFinding, ...]:
    return (
        CheckFinding(
            severity=Severity.WARNING, check="drainable", title="Nodes can be drained",
            evidence="acknowledged: the cart can wait; node worker-2: budget shop/cart needs 2 available, has 2",
            remedy="give it one more replica for the time of the turn",
        ),
        CheckFinding(
            severity=Severity.NOTE, check="new-nodes", title="Nodes outside the waves",
            evidence="nodes worker-4 are in no wave", remedy="name them in a wave before `finalize`",
        ),
    )  # fmt: skip


def _pairs(nodes: Sequence[str], neighbours: int) -> Iterator[tuple[str, str]]:
    for index, source in enumerate(nodes):
        others = [node for node in nodes if node != source]
        near = [others[(index * 13 + step * 17) % len(others)] for step in range(neighbours)] if neighbours else others
        yield from ((source, target) for target in dict.fromkeys(near))


def _histogram(sent: int, usual: float, chance: random.Random) -> tuple[int, ...]:
    counts = [0] * (len(LATENCY_BOUNDS_MS) + 1)
    drawn = [chance.lognormvariate(0, 0.5) * usual for _ in range(60)]
    for value in drawn:
        counts[sum(value > bound for bound in LATENCY_BOUNDS_MS)] += 1
    scaled = [count * sent // len(drawn) for count in counts]
    scaled[counts.index(max(counts))] += sent - sum(scaled)
    return tuple(scaled)


def _measurement(
    nodes: Sequence[str], turns: Sequence[Turn], total: float, chance: random.Random, *, losses: bool, every: float,
    neighbours: int,
) -> Measurement:  # fmt: skip
    switch = {turn.node: turn.steps[2].start for turn in turns}
    victim = nodes[1]
    outages = _outages(victim, nodes[0], switch[victim]) if losses else ()
    planned = tuple(
        _planned(turn.node, switch[turn.node] - timedelta(seconds=4)) for turn in turns[: 3 if losses else 1]
    )
    flows: list[FlowTotals] = []
    for kind in KINDS:
        ends = list(_pairs(nodes, neighbours)) if kind in PAIR_KINDS else [(node, "") for node in nodes]
        flows += [_flow(kind, source, target, total, outages, chance) for source, target in ends]
    return Measurement(
        start=START,
        end=seconds_later(total),
        probes=len(nodes),
        flows=tuple(flows),
        outages=tuple(sorted((*outages, *planned), key=lambda one: one.start)),
        pauses=(Pause(node=victim, pod="probe-2x7k2", start=switch[victim], milliseconds=180),) if losses else (),
        timeline=tuple(_moments(total, every, len(flows) // len(KINDS), turns, outages, chance)),
        cost=Cost(node=victim, millicores=14.2, memory_bytes=41 << 20) if losses else None,
    )


def _outages(victim: str, other: str, at: datetime) -> tuple[Outage, ...]:
    def lost(kind: FlowKind, source: str, target: str, after: float, milliseconds: float, failed: int) -> Outage:
        return Outage(
            kind=kind, source_node=source, source_pod=f"probe-{source[-1]}x7k2", target_node=target,
            target_pod=f"probe-{target[-1]}q9d4" if target else "", source_network="old", target_network="new",
            start=at + timedelta(seconds=after), milliseconds=milliseconds, sent=failed + 3, failed=failed,
            reason="no answer in 2 s",
            lost="there" if target else "",
        )  # fmt: skip

    return (
        lost("pod-http", other, victim, 2.1, 2310, 14),
        lost("pod-full", other, victim, 2.1, 6480, 21),
        lost("pod-echo", victim, other, 2.3, 1180, 3),
        lost("dns", victim, "", 3.4, 1520, 2),
    )


def _planned(node: str, at: datetime) -> Outage:
    return Outage(
        kind="pod-echo", source_node=node, source_pod="probe-mover-5f", start=at, milliseconds=740, sent=12, failed=1,
        source_network="old", planned=f"pod probe-mover-5f was evicted from {node}",
    )  # fmt: skip


def _flow(
    kind: FlowKind, source: str, target: str, total: float, outages: Sequence[Outage], chance: random.Random
) -> FlowTotals:
    gap, latency = _USUAL[kind]
    own = [one for one in outages if (one.kind, one.source_node, one.target_node) == (kind, source, target)]
    sent = int(total * 1000 / gap)
    return FlowTotals(
        kind=kind, source_node=source, target_node=target, source_network=chance.choice(("old", "new")),
        target_network=chance.choice(("old", "new")) if target else "", sent=sent,
        failed=sum(one.failed for one in own),
        planned=1 if kind == "pod-echo" else 0, longest_gap_ms=max((one.milliseconds for one in own), default=0),
        longest_planned_gap_ms=740.0 if kind == "pod-echo" else 0.0, latency=_histogram(sent, latency, chance),
    )  # fmt: skip


def _moments(
    total: float, every: float, pairs: int, turns: Sequence[Turn], outages: Sequence[Outage], chance: random.Random
) -> Iterator[Moment]:
    for number in range(int(total / every)):
        start = seconds_later(number * every)
        end = start + timedelta(seconds=every)
        busy = any(turn.steps[2].start <= start < turn.steps[3].end for turn in turns)
        for kind, (gap, latency) in _USUAL.items():
            sent = int(max(1, pairs) * every * 1000 / gap)
            failed = sum(one.failed for one in outages if one.kind == kind and start <= one.start < end)
            usual = latency * (1.8 if busy else 1) * chance.uniform(0.9, 1.15)
            yield Moment(
                kind=kind, start=start, seconds=every, sent=sent, failed=min(failed, sent),
                latency=_histogram(sent - min(failed, sent), usual, chance),
            )  # fmt: skip
