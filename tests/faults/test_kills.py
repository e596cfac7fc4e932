"""`kill -9` of the engine or of its providers, and Ctrl-C, at resource boundaries and inside the steps of a turn.

Each moment of a turn ends one run; the next run goes on from there, up to the next moment, and the last one completes.
CI takes a sample of the moments, another for each commit; `make test-all` takes all of them.
"""

import re
import threading
from collections.abc import Callable

import pytest

from components.names import NAMESPACES
from components.operations.turn_annotations import read_node
from scripts.lab.simulated.faults import Faults, NodeFaults, PodFaults
from tests.faults import document
from tests.faults.site import NEW, OLD, Site
from tests.runs import RunningUp, unlock
from tests.sampling import sample

pytestmark = [pytest.mark.engine, pytest.mark.apiserver, pytest.mark.timeout(600)]
# The share of the moments at which a run must have been ended; on a busy machine a run is further when it ends.
_MET = 1 / 3
_SAMPLED_THERE, _SAMPLED_BACK = 2, 2
# A run that is stopped there says in which step it was.
_IN_A_STEP = (r"NODE \[2/\d\] drain: \d+ pods? to evict",)

THERE = (
    r"NodeTurn NODE creating",
    r"NODE \[1/\d\] cordon",
    r"NODE \[2/\d\] drain: begins",
    r"NODE \[2/\d\] drain: \d+ pods? to evict",
    r"NODE \[3/\d\] agent: re-creating",
    r"NODE \[3/\d\] agent: CNI conf is",
    r"NODE \[4/\d\] recycle: begins",
    r"NODE \[4/\d\] recycle: \d+ pods? recycled",
    r"NODE \[5/\d\] verify: begins",
    r"NODE \[5/\d\] verify: \d+ flows work",
    r"NODE \[6/\d\] uncordon",
    r"NodeTurn NODE created",
)
REBOOT = (
    r"NODE \[4/\d\] reboot: begins",
    r"NODE \[4/\d\] reboot: reboot requested",
    r"NODE \[4/\d\] reboot: back with boot ID",
    r"NODE \[5/\d\] recycle: begins",
)
BACK = (
    r"NodeTurn NODE deleting",
    r"NODE \[1/\d\] cordon",
    r"NODE \[2/\d\] drain: \d+ pods? to evict",
    r"NODE \[3/\d\] agent: re-creating",
    r"NODE \[4/\d\] restore: the old",
    r"NODE \[5/\d\] recycle: begins",
    r"NODE \[6/\d\] verify: begins",
    r"NODE \[7/\d\] uncordon",
)


def kill_engine(site: Site, run: RunningUp) -> str:
    run.kill_engine()
    locked = site.stack.up(check=False)
    unlock(site.stack)  # the engine's lock on its state outlives it
    return locked.output


def kill_provider(site: Site, run: RunningUp) -> str:
    run.kill_provider()
    run.end(seconds=60)
    return run.output


def interrupt(site: Site, run: RunningUp) -> str:
    run.interrupt()
    run.end(seconds=60)
    assert "Traceback" not in run.output
    return run.output


Ending = Callable[[Site, RunningUp], str]
ENDINGS: dict[str, Ending] = {"engine": kill_engine, "provider": kill_provider, "ctrl-c": interrupt}
_MOMENTS = "at every resource boundary and inside every step of a turn, there and back"
TOLD = {
    "engine": (f"`kill -9` of the engine, {_MOMENTS}", r"the stack is currently locked by 1 lock\(s\)",
               "`pulumi cancel`; the next run goes on where that one was"),
    "provider": (f"`kill -9` of the providers' process, {_MOMENTS}",
                 r"error: .*(?:transport|EOF|connection|Unavailable).*",
                 "the next run goes on where that one was"),
    "ctrl-c": (f"Ctrl-C, {_MOMENTS}", r"stopped as asked in step '[a-zA-Z ]+'; it stays as it is.*",
               "it ends within that step; the next run goes on where that one was"),
}  # fmt: skip


def go_in_bits(
    site: Site, node: str, moments: tuple[str, ...], ending: Ending, said: list[str] | None = None
) -> list[str]:
    """Run up to the first moment not met yet and end there, again and again to the end; returns the moments met.

    A run may be further by the time that it is ended, so the next one need not meet the very next moment.
    """
    ahead, met = [moment.replace("NODE", node) for moment in moments], list[str]()
    while True:
        run = site.up().go()
        moment = run.wait_for_any(ahead)
        if moment is None:
            assert run.end() == 0, run.output
            return met
        output = ending(site, run)
        if said is not None:
            said.append(output)
        met.append(moment)
        ahead = ahead[ahead.index(moment) + 1 :]


def slow(node: str, namespace: str) -> Faults:
    """Slow enough that a run is ended inside a step and not after it."""
    pod = PodFaults(terminate_seconds=1.0, start_seconds=0.7)
    pods = {f"{name}/": pod for name in (namespace, *NAMESPACES)}
    return Faults(nodes={node: NodeFaults(agent_ready_seconds=1.0)}, pods=pods)


@pytest.mark.parametrize("kind", ENDINGS)
def test_a_turn_and_the_way_back_in_bits(site: Site, kind: str) -> None:
    node, said = site.take_node(), list[str]()
    work = site.workload(f"bits-{kind}", node)
    with site.plane.faults.during(slow(node, work.namespace)):
        site.configure(waves=[[node]])
        there = sample(THERE, _SAMPLED_THERE, of=f"{kind} there", always=_IN_A_STEP)
        back = sample(BACK, _SAMPLED_BACK, of=f"{kind} back")
        met = go_in_bits(site, node, there, ENDINGS[kind], said)
        assert len(met) >= len(there) * _MET, met
        site.assert_whole(node)
        work.assert_complete()
        site.configure()
        met = go_in_bits(site, node, back, ENDINGS[kind])
        assert len(met) >= len(back) * _MET, met
    site.assert_whole(node, network=OLD)
    work.assert_complete()
    work.remove()
    title, pattern, then = TOLD[kind]
    told = next((found[0] for output in said if (found := re.search(pattern, output))), "")
    assert told, said
    document.add(id=kind, title=title, told=told, then=then)


class Boots:
    """Every boot ID that the node has while the block runs."""

    def __init__(self, site: Site, node: str) -> None:
        self.seen: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(site, node))

    def _look(self, site: Site, node: str) -> None:
        while not self._over.wait(0.2):
            self.seen.add(read_node(site.cluster, node).boot_id)

    def __enter__(self) -> "Boots":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


@pytest.mark.parametrize("kind", ["engine", "ctrl-c"])
def test_a_reboot_in_bits_happens_once(site: Site, kind: str) -> None:
    node = site.take_node()
    site.configure(waves=[[node]], sections={"restart": {"method": "reboot"}})
    with Boots(site, node) as boots, site.plane.faults.during(Faults(nodes={node: NodeFaults(reboot_seconds=2.0)})):
        assert len(go_in_bits(site, node, REBOOT, ENDINGS[kind])) >= len(REBOOT) / 2
    assert len(boots.seen) == 2
    site.done.append(node)
    site.assert_whole(node, network=NEW)


def test_a_turn_that_was_broken_off_is_taken_back(site: Site) -> None:
    """No resource holds such a turn: the check before its wave takes its node back."""
    node, beside, alone = site.take_node(), site.take_node(), site.take_node()
    with site.plane.faults.during(Faults(nodes={node: NodeFaults(agent_ready_seconds=6.0)})):
        site.configure(waves=[[node, beside]])
        run = site.up().go()
        run.wait_for(rf"{node} \[3/\d\] agent: re-creating")
        kill_engine(site, run)
    site.configure(waves=[[beside]])
    site.stack.up()
    site.assert_whole(node, network=OLD)
    site.assert_whole(beside)
    work = site.workload("broken-off", alone)
    with site.plane.faults.during(slow(alone, work.namespace)):
        site.configure(waves=[[beside], [alone]])
        run = site.up().go()
        run.wait_for(rf"{alone} \[2/\d\] drain: \d+ pods? to evict")
        kill_engine(site, run)
    site.configure()
    site.stack.up()
    site.assert_whole(beside, alone, network=OLD)
    work.assert_complete()
    work.remove()
