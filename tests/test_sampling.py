"""A sample is the same for one commit, and everything where everything is asked for."""

import pytest

from tests.sampling import sample

CASES = tuple(range(20))


def test_it_is_ordered_of_the_size_asked_for_and_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXHAUSTIVE", raising=False)
    found = sample(CASES, 4, of="cases", always=(7,))
    assert len(found) == 5
    assert 7 in found
    assert list(found) == sorted(found)
    assert sample(CASES, 4, of="cases", always=(7,)) == found


def test_all_are_taken_where_all_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXHAUSTIVE", "1")
    assert sample(CASES, 4, of="cases") == CASES
