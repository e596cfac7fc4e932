"""The user's own restart command: how it ends is told, its words, which may be credentials, are not."""

from types import SimpleNamespace
from typing import Any

import pytest

from components.operations.deadline import OperationError
from components.operations.turn_steps import restart
from components.pods import OurPods

WORD = "hush-word"


class Told:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("sh -c 'echo no such host >&2; exit 3' {node} --password hush-word", "ended with 3: no such host; mend it"),
        ("/nonexistent/ipmi -P hush-word {node}", "could not be run to its end: No such file or directory"),
        ("sh -c 'sleep 5' {node} hush-word", "could not be run to its end: it took longer than 1 s"),
        ("sh -c 'printf \"\\377\"; exit 4' {node} hush-word", "ended with 4: \ufffd; mend it"),
    ],
)
def test_how_it_fails_is_told_without_its_words(command: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart, "read_node", lambda *_: SimpleNamespace(annotations={}))
    how = restart.Restart(
        method="command", command=command, timeout_seconds=0.6, agent_timeout_seconds=1,
        cilium_namespace="kube-system", pods=OurPods(image=""),
    )  # fmt: skip
    progress: Any = Told()
    with pytest.raises(OperationError, match=r"^node worker-1 stays cordoned: restart\.command ") as caught:
        restart._run_command(SimpleNamespace(), "worker-1", how, progress=progress)  # type: ignore[arg-type]
    assert told in str(caught.value)
    assert WORD not in str(caught.value) + str(progress.lines) + repr(caught.value.__cause__)
