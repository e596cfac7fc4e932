"""The hold on the cluster on a clock of the test's: expiry by what was seen to change, and no change without it."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.operations import lease
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import HoldLostError, OperationError
from components.operations.lease import lease_hold as holding
from components.operations.lease.observer import RENEW_DEADLINE_SECONDS
from tests.operations.lease.leases import NODE, World, may_write

ALICE, BOB = "alice@laptop/1.aa", "bob@bastion/2.bb"
EVER = 10 * 365 * 86400


def times_of(skew: float) -> str:
    return f"2026-11-26T{int(12 + skew / 3600) % 24:02d}:00:00.000000Z"


@pytest.mark.parametrize("skew", [-30 * 3600, -3600, -45, 0, 45, 3600, 30 * 3600], ids=lambda each: f"{each} s")
def test_a_live_run_is_refused_whatever_its_clock_says(monkeypatch: pytest.MonkeyPatch, skew: float) -> None:
    world = World()
    moments = iter(range(10_000))
    monkeypatch.setattr(holding, "micro_now", lambda: f"{times_of(skew)}{next(moments)}")
    alice, bob = world.run(ALICE), world.run(BOB)
    alice.take()
    world.beside.append(alice.renew)
    with pytest.raises(OperationError, match=rf"another run works on this cluster: {ALICE} \(Lease cni-live-migration"):
        bob.take()
    assert world.seen() == ALICE
    assert may_write(alice)
    assert not may_write(bob)


@pytest.mark.parametrize("renewed", ["2026-11-26T12:00:00Z", "2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "soon"])
def test_a_dead_run_is_waited_out_whatever_its_clock_said(renewed: str) -> None:
    world = World()
    world.write({"holderIdentity": ALICE, "renewTime": renewed, "leaseDurationSeconds": 20, "leaseTransitions": 4})
    began, bob = world.seconds, world.run(BOB)
    bob.take()
    assert world.seconds - began == pytest.approx(lease.LEASE_SECONDS, abs=1)
    assert world.lease
    assert (world.lease["spec"]["holderIdentity"], world.lease["spec"]["leaseTransitions"]) == (BOB, 5)


def test_a_preview_takes_no_longer_than_a_run_may_be_without_a_sign_of_life() -> None:
    world = World()
    world.write({"holderIdentity": ALICE})
    began = world.seconds
    assert world.seen() == ""
    assert world.seconds - began == RENEW_DEADLINE_SECONDS


@pytest.mark.parametrize(
    "spec",
    [{}, {"holderIdentity": ""}, {"holderIdentity": None}, {"renewTime": "2099-01-01T00:00:00Z"}],
    ids=["nothing in it", "empty", "given back", "no holder"],
)
def test_a_lease_of_nobody_is_taken_at_once(spec: dict[str, object]) -> None:
    world = World()
    world.write(spec)
    began = world.seconds
    assert world.seen() == ""
    world.run(BOB).take()
    assert world.seconds == began


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [
        ({"holderIdentity": "x"}, 20),
        ({"holderIdentity": "x", "leaseDurationSeconds": 1}, 20),
        ({"holderIdentity": "x", "leaseDurationSeconds": -7}, 20),
        ({"holderIdentity": "x", "leaseDurationSeconds": "long"}, 20),
        ({"holderIdentity": "x", "leaseDurationSeconds": 60}, 60),
        ({"holderIdentity": "x", "leaseTransitions": "many"}, 20),
    ],
)
def test_what_a_foreign_hand_wrote_is_waited_out(spec: dict[str, object], seconds: float) -> None:
    world = World()
    world.write(spec)
    began = world.seconds
    world.run(BOB).take()
    assert world.seconds - began == pytest.approx(seconds, abs=1)


def test_a_hold_for_years_is_refused_at_once_with_the_way_out() -> None:
    world = World()
    world.write({"holderIdentity": "other\ntool", "leaseDurationSeconds": EVER})
    with pytest.raises(OperationError, match=r"other\?tool .*315360000 s.*kubectl -n cni-live-migration delete lease"):
        world.run(BOB).take()
    assert "other?tool (which says that it holds for 315360000 s)" in world.seen()
    world.lease = None
    world.run("carol@vm/3.cc").take()


def lost_to(world: World, name: str) -> None:
    assert world.lease
    world.write({"holderIdentity": name, "leaseTransitions": world.lease["spec"].get("leaseTransitions", 0) + 1})


def taken_over(world: World) -> None:
    lost_to(world, BOB)


def taken_over_and_given_back(world: World) -> None:
    lost_to(world, BOB)
    world.write({"holderIdentity": None})


def deleted_and_taken(world: World) -> None:
    world.lease = None
    world.run(BOB).take()


@pytest.mark.parametrize("happens", [taken_over, taken_over_and_given_back, deleted_and_taken])
@pytest.mark.parametrize("renewed", [True, False], ids=["the thread sees it", "the next change sees it"])
def test_a_run_that_lost_its_hold_changes_nothing_more(happens: Callable[[World], None], renewed: bool) -> None:
    world = World()
    alice = world.run(ALICE)
    alice.take()
    happens(world)
    if renewed:
        alice.renew()
    else:
        world.sleep(RENEW_DEADLINE_SECONDS)
    with pytest.raises(
        HoldLostError, match=r"Lease cni-live-migration/migration: .* stops before its next .*`pulumi up`"
    ):
        alice.allow(NODE)
    world.lease = None
    with pytest.raises(HoldLostError):
        alice.take()


def test_it_is_said_who_has_it_now() -> None:
    world = World()
    alice = world.run(ALICE)
    alice.take()
    taken_over(world)
    alice.renew()
    with pytest.raises(HoldLostError, match=f"{BOB} took the cluster over from this run"):
        alice.allow(NODE)


def touched(world: World) -> None:
    world.write({"preferredHolder": "somebody"})


def deleted(world: World) -> None:
    world.lease = None


def emptied(world: World) -> None:
    world.write({"holderIdentity": None, "renewTime": None})


@pytest.mark.parametrize("happens", [touched, deleted, emptied])
def test_what_is_no_other_runs_hold_ends_none(happens: Callable[[World], None]) -> None:
    world = World()
    alice = world.run(ALICE)
    alice.take()
    happens(world)
    alice.renew()
    assert may_write(alice)
    assert world.lease
    assert world.lease["spec"]["holderIdentity"] == ALICE


def test_an_api_server_that_is_away_past_the_deadline_stops_the_run() -> None:
    world = World()
    alice = world.run(ALICE)
    alice.take()
    world.away.add(ALICE)
    world.sleep(RENEW_DEADLINE_SECONDS - 1)
    alice.allow(NODE)
    world.sleep(1)
    with pytest.raises(HoldLostError, match=r"not be renewed for 10 s \(no answer .*kubectl .* get lease migration"):
        alice.allow(NODE)
    world.away.clear()
    assert not may_write(alice)


def test_a_renewal_counts_from_when_it_was_sent() -> None:
    world = World()
    alice = world.run(ALICE)
    alice.take()
    world.answer_seconds = RENEW_DEADLINE_SECONDS - 1
    alice.renew()
    world.sleep(1)
    world.away.add(ALICE)
    assert not may_write(alice)


def test_a_run_that_was_refused_once_does_not_begin_later() -> None:
    """Of twenty nodes side by side all stop, also those that come to it when the other run has just ended."""
    world = World()
    alice, bob = world.run(ALICE), world.run(BOB)
    alice.take()
    world.beside.append(alice.renew)
    assert not may_write(bob)
    alice.give_back()
    with pytest.raises(HoldLostError, match=f"another run works on this cluster: {ALICE}"):
        bob.take()


def test_an_outage_that_nobody_used_is_no_loss() -> None:
    world = World()
    alice = world.run(ALICE)
    alice.take()
    world.sleep(600)
    assert may_write(alice)
    assert alice._silent_seconds == 0


def test_provider_processes_of_one_run_share_its_hold() -> None:
    world = World()
    first, second = world.run(ALICE), world.run(ALICE)
    first.take()
    began = world.seconds
    second.take()
    assert world.seconds == began
    for _ in range(5):
        first.renew()
        second.renew()
        world.sleep(4)
    assert may_write(first)
    assert may_write(second)


def test_a_hold_is_given_back_at_the_end_and_nothing_is_changed_after() -> None:
    world = World()
    alice, bob = world.run(ALICE), world.run(BOB)
    alice.take()
    alice.give_back()
    assert world.seen() == ""
    assert not may_write(alice)
    began = world.seconds
    bob.take()
    assert world.seconds == began
    alice.give_back()
    assert may_write(bob)


def test_the_first_change_takes_the_hold_where_no_step_did() -> None:
    world = World()
    world.run(ALICE).allow(NODE)
    assert world.lease
    assert world.lease["spec"]["holderIdentity"] == ALICE
    assert not may_write(world.run(BOB)) or world.seconds >= 1000 + lease.LEASE_SECONDS


RUNS = (ALICE, BOB, "carol@vm/3.cc")
DEEDS = st.tuples(st.sampled_from(RUNS), st.sampled_from(["take", "renew", "renew", "away", "back", "end"]))


@settings(max_examples=300, deadline=None)
@given(deeds=st.lists(st.tuples(DEEDS, st.sampled_from([0, 1, 3, 4, 9, 11, 21])), max_size=40))
def test_no_two_runs_may_ever_change_something_at_the_same_time(
    deeds: list[tuple[tuple[str, str], int]],
) -> None:
    world = World()
    holds, held, coming = {name: world.run(name) for name in RUNS}, set[str](), iter(deeds)
    waits = False

    def do(name: str, deed: str) -> None:
        nonlocal waits
        if deed == "take" and not waits:
            waits = True  # and the deeds that follow happen meanwhile
            try:
                holds[name].take()
                held.add(name)
            finally:
                waits = False
        elif deed == "renew" and name in held:
            holds[name].renew()
        elif deed in ("away", "back"):
            world.away = world.away | {name} if deed == "away" else world.away - {name}
        elif deed == "end" and name in held:
            holds[name].give_back()

    def go_on() -> None:
        for (name, deed), seconds in coming:
            world.seconds += seconds
            with suppress(OperationError, ClusterError):
                do(name, deed)
            assert len([name for name in held if may_write(holds[name])]) <= 1
            return

    world.beside.append(go_on)
    for _ in deeds:
        go_on()
