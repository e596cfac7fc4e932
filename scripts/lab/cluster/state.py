"""The lab's running processes: written by the supervisor, read by all other commands."""

import json
import os
import signal
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field


class Process(BaseModel):
    """A process by number and start time, so that a later process with the same number is not mistaken for it."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "Process":
        """The process with this number now."""
        started = start_time(pid)
        if started is None:
            raise ProcessLookupError(pid)
        return cls(pid=pid, started=started)

    @property
    def alive(self) -> bool:
        """True if it still runs; a zombie does not."""
        return start_time(self.pid) == self.started

    def kill(self, signal_number: int) -> bool:
        """Signal it, and never another process; returns True if it existed."""
        try:
            # From here on the descriptor refers to this process, even if it ends and its number is reused.
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.alive:
                return False
            signal.pidfd_send_signal(descriptor, signal_number)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True


def start_time(pid: int) -> int | None:
    """When the process started, in the kernel's ticks since boot; None if there is none or it has ended."""
    try:
        # The name in parentheses may itself have spaces and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


class MachineState(BaseModel):
    """One machine of the lab, as the supervisor last saw it."""

    status: Literal["running", "off"]
    init: Process | None = None
    boot_id: str = ""
    boots: int = 0
    last_end: str = ""


class LabState(BaseModel):
    """The state of one lab."""

    lab_id: str
    supervisor: Process
    port: int
    machines: dict[str, MachineState] = Field(default_factory=dict)


def read_state(folder: Path) -> LabState | None:
    """Read the state; None if no lab was started here."""
    try:
        return LabState.model_validate_json((folder / "state.json").read_text())
    except FileNotFoundError:
        return None


def write_whole(path: Path, content: str) -> None:
    """Write a file atomically: a reader finds the old text or the new, never a part."""
    scratch = path.with_name(path.name + ".new")
    scratch.write_text(content)
    scratch.replace(path)


def write_state(folder: Path, state: LabState) -> None:
    """Write the state."""
    write_whole(folder / "state.json", json.dumps(state.model_dump(mode="json"), indent=2) + "\n")
