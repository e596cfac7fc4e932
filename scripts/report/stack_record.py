"""Reads a stack's record from the engine: its outputs, and each update with its config."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.report.model import Run
from scripts.report.turns import moment

PROJECT = "cilium-live-migration"
_LIMIT_SECONDS = 120


class ReportError(Exception):
    """The report cannot be made; the text is one line that says what to do."""


@dataclass(frozen=True, kw_only=True)
class StackRecord:
    """Outputs and history of one stack, as the engine's CLI prints them; the newest update first."""

    outputs: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]

    @property
    def config(self) -> dict[str, Any]:
        """This project's settings in the newest update, without secret ones."""
        return _settings(self.history[0], f"{PROJECT}:") if self.history else {}

    @property
    def kubeconfig(self) -> tuple[str, str]:
        """Path and context of the cluster's kubeconfig; empty if the stack leaves them to the environment."""
        settings = _settings(self.history[0], "kubernetes:") if self.history else {}
        return str(settings.get("kubeconfig") or ""), str(settings.get("context") or "")

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment that the engine recorded for the newest update: its version, the commit."""
        return (self.history[0].get("environment") or {}) if self.history else {}

    def runs(self) -> tuple[Run, ...]:
        """Every update that ended, oldest first."""
        found = [_run(entry) for entry in reversed(self.history)]
        return tuple(run for run in found if run)


def _settings(entry: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    config = entry.get("config") or {}
    return {
        key.removeprefix(prefix): setting.get("objectValue", setting.get("value"))
        for key, setting in config.items()
        if key.startswith(prefix) and not setting.get("secret")
    }


def _run(entry: Mapping[str, Any]) -> Run | None:
    start, end = moment(entry.get("startTime")), moment(entry.get("endTime"))
    if not start or not end:
        return None
    around = entry.get("environment") or {}
    dirty = "+" if around.get("git.dirty") == "true" else ""
    return Run(
        kind=entry.get("kind") or "update",
        start=start,
        end=end,
        result=entry.get("result") or "",
        phase=_phase(_settings(entry, f"{PROJECT}:")),
        message=entry.get("message") or "",
        commit=(around.get("git.head") or "")[:10] + dirty if around.get("git.head") else "",
        changes={name: count for name, count in (entry.get("resourceChanges") or {}).items() if name != "same"},
    )


def _phase(settings: Mapping[str, Any]) -> str:
    """The phase of an update; `secondary` with nodes in waves counts as `migrate`."""
    phase = str(settings.get("phase") or "")
    return "migrate" if phase == "secondary" and settings.get("waves") else phase


def read_stack(stack: str, *, folder: Path, environment: Mapping[str, str] | None = None) -> StackRecord:
    """Read the record with the engine's CLI; `environment` replaces this process's own. Raises ReportError."""

    def ask(*words: str) -> Any:
        command = ["pulumi", "stack", *words, "--json", "--stack", stack]
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, check=False,
                timeout=_LIMIT_SECONDS,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise ReportError("`pulumi` is not on PATH: install it, or run this where you run `pulumi up`") from error
        except subprocess.TimeoutExpired as error:
            raise ReportError(f"`{' '.join(command)}` did not end in {_LIMIT_SECONDS} s: is the backend up?") from error
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines() or [f"it ended with {done.returncode}"]
            raise ReportError(f"`{' '.join(command)}` failed: {said[-1].removeprefix('error: ')}")
        return json.loads(done.stdout)

    return StackRecord(outputs=ask("output"), history=ask("history"))
