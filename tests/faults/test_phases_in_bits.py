"""Kills the engine after resources of a whole migration, and goes on: a sample in CI, else after each."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.finished_migration import assert_sealed
from tests.faults.site import Site
from tests.remedies import do_as_told
from tests.runs import unlock
from tests.sampling import exhaustive, seed

pytestmark = [pytest.mark.engine, pytest.mark.apiserver, pytest.mark.timeout(900)]
_MADE = re.compile(r"^ [+~-] +(\S+ \S+) (?:created|updated|deleted) ", re.MULTILINE)
_AT_MOST = 60
_OF_HELM = ("helm-operation", "release-known")
_SAMPLED = 1


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Site]:
    """A site of three nodes, before its first phase."""
    made = Site.prepare(tmp_path, nodes=3)
    yield made
    made.plane.stop()


def complete(site: Site, phase: str, *, waves: list[list[str]], consent: str = "") -> set[str]:
    """Run the phase, killed after resources not made before: each, or one by chance; returns what was made."""
    site.configure(phase=phase, waves=waves, sections={"cleanup": {"consent": consent}})
    made: set[str] = set()
    chance = random.Random(f"{seed()} {phase} {waves}")
    for number in range(_AT_MOST):
        run = site.up()
        seen, last = frozenset(made), not exhaustive() and number >= _SAMPLED
        after = 1 if exhaustive() else chance.randint(1, 4)

        def kill_after_new_ones(run=run, seen=seen, after=after) -> None:  # type: ignore[no-untyped-def]
            if len(set(_MADE.findall(run.output)) - seen) >= after:
                run.kill_engine()

        code = (run if last else run.watch(kill_after_new_ones)).go().end()
        made |= set(_MADE.findall(run.output))
        if code == 0:
            return made
        if code < 0:  # it was killed
            unlock(site.stack)
        else:  # it says what a kill inside Helm left, and what to type; nothing else went wrong
            assert do_as_told(run.output, checks=_OF_HELM, stack=site.stack, plane=site.plane), run.output
    raise AssertionError(f"phase {phase} did not end after {_AT_MOST} kills; it made {sorted(made)}")


@pytest.mark.executes("pulumi stack rm --force --preserve-config")
def test_every_phase_in_bits(small: Site) -> None:
    nodes = [["worker-1"], ["worker-2", "worker-3"]]
    assert len(complete(small, "preflight", waves=[])) >= 7
    assert len(complete(small, "secondary", waves=[])) >= 3
    assert len(complete(small, "migrate", waves=nodes)) >= 7
    small.assert_whole("worker-1", "worker-2", "worker-3")
    complete(small, "finalize", waves=nodes)
    complete(small, "migrate", waves=nodes)
    complete(small, "finalize", waves=nodes)
    complete(small, "cleanup", waves=nodes, consent="flannel")
    assert "to create" not in small.stack.preview().output
    assert small.helpers() == []
    assert_sealed(small)
