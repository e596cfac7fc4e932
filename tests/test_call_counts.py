"""Calls are counted alike each time, and tell a walk through everything from a look at one place."""

from tests.call_counts import calls_of


def _compare_all(count: int) -> list[int]:
    return [max(one, other) for one in range(count) for other in range(count)]


def test_what_compares_all_with_all_calls_four_times_as_much_for_twice_as_many() -> None:
    assert calls_of(_compare_all, 40) > 3.8 * calls_of(_compare_all, 20)
    assert calls_of(_compare_all, 20) == calls_of(_compare_all, 20)


def test_a_set_is_asked_as_often_however_large_it_is() -> None:
    small, large = frozenset(range(20)), frozenset(range(200))
    assert calls_of(small.isdisjoint, [300]) == calls_of(large.isdisjoint, [300])
