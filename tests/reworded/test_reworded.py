"""Results stay equal when every message is replaced by other words: they come from records alone.

Turns go on the cluster in memory twice, in two processes: once as the product is, once with other words everywhere.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from scripts.lab.paths import CHECKOUT
from tests.reworded.rewording import reworded

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def told() -> dict[str, Mapping[str, Any]]:
    """Facts and messages, by wording."""
    running = {
        wording: subprocess.Popen(
            [sys.executable, "-m", "tests.reworded.pictures", wording], cwd=CHECKOUT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for wording in ("plain", "reworded")
    }  # fmt: skip
    found = {}
    for wording, process in running.items():
        output, errors = process.communicate()
        assert process.returncode == 0, errors[-3000:]
        found[wording] = json.loads(output)
    return found


def test_no_rewording_changes_a_fact(told: dict[str, Mapping[str, Any]]) -> None:
    plain, other = told["plain"]["facts"], told["reworded"]["facts"]
    assert list(plain) == list(other)
    changed = {
        f"{name}: {what}": (plain[name][what], other[name][what])
        for name in plain
        for what in plain[name]
        if plain[name][what] != other[name][what]
    }
    assert changed == {}


def test_it_was_worded_anew(told: dict[str, Mapping[str, Any]]) -> None:
    """Or the test above would say nothing."""
    pairs = list(zip(told["plain"]["messages"], told["reworded"]["messages"], strict=True))
    assert len(pairs) > 100
    assert [plain for plain, other in pairs if plain == other and plain] == []


def test_the_turns_came_to_every_end(told: dict[str, Mapping[str, Any]]) -> None:
    ends = {event[2] for each in told["plain"]["facts"].values() for event in each.get("events", ())}
    assert ends >= {"done", "failed", "stopped"}
    shown = {step["name"] for each in told["plain"]["facts"].values() for step in _steps(each)}
    assert shown >= {"cordon", "drain", "agent", "restore", "reboot", "recycle", "evict", "verify", "uncordon"}


def _steps(each: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [step for turn in each.get("report", {}).get("turns", ()) for step in turn["steps"]]


def test_other_words_have_the_same_length() -> None:
    """A picture's room for its labels depends on it."""
    assert reworded("drained: 3 pods") == "qenvarq: 3 cbqf"
