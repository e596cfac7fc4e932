"""Names of runs: shared by one engine's processes, by nobody else, and taken for over only where that is certain."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.operations.lease import identity
from components.operations.lease.identity import is_over, this_run
from tests.operations.conftest import eventually


@pytest.fixture(autouse=True)
def anew() -> None:
    this_run.cache_clear()


def name_of(process: int) -> str:
    found = identity._state_and_start(process)
    assert found
    return f"alice@laptop/{process}.{found[1]}.{identity._place()}"


@pytest.mark.parametrize("waited_for", [True, False])
def test_a_run_of_this_very_place_that_died_is_over_at_once(waited_for: bool) -> None:
    dead = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = name_of(dead.pid)
    assert not is_over(name)
    dead.kill()
    if waited_for:
        dead.wait()
    else:  # where nobody waits for it, it stays in the process table
        stat = Path(f"/proc/{dead.pid}/stat")
        eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
    assert is_over(name)


def test_a_process_that_has_the_number_of_another_run_is_not_that_run() -> None:
    process, start, place = name_of(os.getpid()).rpartition("/")[2].split(".")
    assert is_over(f"alice@laptop/{process}.{int(start) - 1}.{place}")


def test_this_run_is_readable_and_lives() -> None:
    assert this_run().rpartition("/")[2].startswith(f"{os.getppid()}.")
    assert "@" in this_run()
    assert this_run() == this_run()
    assert not is_over(this_run())


def test_the_engine_s_script_is_not_the_run(tmp_path: Path) -> None:
    """Two provider processes, each started by a script of its own as the engine does it, are one run."""
    script = tmp_path / "pulumi-resource-pulumi-python"
    code = "from components.operations.lease.identity import this_run; print(this_run())"
    script.write_text(f"#!/bin/sh\nif true; then\n  {sys.executable} -c '{code}'\nfi\n")
    script.chmod(0o755)
    said = {subprocess.run([script], capture_output=True, text=True, check=True).stdout for _ in range(2)}
    assert len(said) == 1
    assert f"/{os.getpid()}." in said.pop()


class Machine:
    """Another machine's or container's view of processes; it has none but this."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.boot("11111111-2222")
        (folder / "self").symlink_to(str(os.getpid()))
        (folder / str(os.getpid()) / "ns").mkdir(parents=True)
        self.space("pid", "pid:[4026531836]")
        self.space("time", "time:[4026531834]")

    def boot(self, boot_id: str) -> None:
        file = self.folder / "sys/kernel/random/boot_id"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{boot_id}\n")

    def space(self, kind: str, link: str) -> None:
        file = self.folder / str(os.getpid()) / "ns" / kind
        file.unlink(missing_ok=True)
        file.symlink_to(link)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(identity, "_PROC", tmp_path)
    return Machine(tmp_path)


GONE = 4_194_304  # more than any process has for its number


def test_a_run_of_the_same_place_whose_process_is_not_there_is_over(machine: Machine) -> None:
    assert is_over(f"root@runner/{GONE}.7.{identity._place()}")


def another_boot(machine: Machine) -> None:
    machine.boot("33333333-4444")


def another_container(machine: Machine) -> None:
    machine.space("pid", "pid:[4026532999]")


def another_time(machine: Machine) -> None:
    machine.space("time", "time:[4026532888]")


def no_boot_id(machine: Machine) -> None:
    machine.boot("")


def processes_of_another_namespace(machine: Machine) -> None:
    (machine.folder / "self").unlink()
    (machine.folder / "self").symlink_to("1")


def no_such_file_system(machine: Machine) -> None:
    (machine.folder / "self").unlink()


ELSEWHERE = [
    another_boot,
    another_container,
    another_time,
    no_boot_id,
    processes_of_another_namespace,
    no_such_file_system,
]


@pytest.mark.parametrize("change", ELSEWHERE)
def test_from_elsewhere_nobody_knows_whether_a_run_is_over(machine: Machine, change: object) -> None:
    """Two containers of one host name, whose engines may have the same number or not, do not judge each other."""
    name = f"root@runner/{GONE}.7.{identity._place()}"
    assert callable(change)
    change(machine)
    assert not is_over(name)


@pytest.mark.parametrize("change", [no_boot_id, no_such_file_system])
def test_where_the_system_tells_nothing_the_name_is_random(machine: Machine, change: object) -> None:
    assert callable(change)
    change(machine)
    first = this_run()
    this_run.cache_clear()
    assert this_run() != first
    assert not is_over(first)


@pytest.mark.parametrize(
    "holder",
    ["", "alice", "alice@laptop/4194304", "operator_6f1c", "a@b/4194304.7.0", "a@b/99999999.7.{place}", "a\nb/x.y.z",
     "a@b/-1.7.{place}", "x" * 5000],
)  # fmt: skip
def test_what_is_no_name_of_ours_is_never_over(holder: str) -> None:
    assert not is_over(holder.replace("{place}", identity._place()))
