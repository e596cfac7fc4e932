import os
import signal
import subprocess
import time
from pathlib import Path

from scripts.lab.cluster import state, sysctls


def _sleeper() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["sleep", "60"])


def test_a_process_is_known_by_its_number_and_its_start() -> None:
    child = _sleeper()
    known = state.Process.of(child.pid)
    assert known.alive
    assert known.kill(signal.SIGKILL)
    child.wait()
    assert not known.alive
    assert not known.kill(signal.SIGKILL)


def test_a_number_used_again_by_another_process_is_left_alone() -> None:
    child = _sleeper()
    try:
        earlier = state.Process(pid=child.pid, started=state.Process.of(child.pid).started - 1)
        assert not earlier.alive
        assert not earlier.kill(signal.SIGKILL)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_a_process_that_ended_but_was_not_collected_is_not_alive() -> None:
    child = subprocess.Popen(["true"])
    deadline = time.monotonic() + 10
    while state.start_time(child.pid) is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert state.start_time(child.pid) is None
    child.wait()


def test_state_survives_being_written_and_read(tmp_path: Path) -> None:
    assert state.read_state(tmp_path) is None
    me = state.Process.of(os.getpid())
    known = state.LabState(
        lab_id="lab-1",
        supervisor=me,
        port=6443,
        machines={"worker-1": state.MachineState(status="running", init=me, boot_id="b", boots=2)},
    )
    state.write_state(tmp_path, known)
    assert state.read_state(tmp_path) == known
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_changed_settings_are_put_back_once(tmp_path: Path) -> None:
    root = tmp_path / "sys"
    (root / "kernel").mkdir(parents=True)
    (root / "kernel/timer_migration").write_text("1\n")
    (root / "kernel/panic").write_text("1\n")
    noted = tmp_path / "before.json"
    sysctls.note(noted, root)
    (root / "kernel/timer_migration").write_text("0\n")
    # A later start must not take the changed value for the machine's own.
    sysctls.note(noted, root)
    assert sysctls.put_back(noted, root) == []
    assert (root / "kernel/timer_migration").read_text() == "1"
    assert (root / "kernel/panic").read_text() == "1\n"
    assert not noted.exists()
