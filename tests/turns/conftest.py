"""Waits that are there for kubelets' sake: in memory everybody reacts at once, or never."""

import pytest

from components.operations.draining import evictions
from components.operations.turn_steps import restart


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evictions, "_FIRST_LOOK_SECONDS", 0.001)
    monkeypatch.setattr(restart, "_KUBELET_RENEWS_SECONDS", 0.01)
