"""The script that gives the old CNI its conf back, itself, on a folder of files."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.operations.our_pods.node_shell import script

CILIUM, OLD = "05-cilium.conflist", "10-flannel.conflist"
FOLDER = "/var/lib/rancher/k3s/agent/etc/cni/net.d"
ASIDE = f"{OLD}.cilium_bak"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], tuple[dict[str, str], str]]:
    """Runs the script on these files; returns what is there then, and what was wrong.

    After each change of the folder it must hold a conf that the container run time reads.
    """
    folder = tmp_path / FOLDER.lstrip("/")

    def checked(change: Callable[..., Any]) -> Callable[..., Any]:
        def done(*arguments: Any, **options: Any) -> Any:
            result = change(*arguments, **options)
            assert [each for each in folder.iterdir() if each.suffix == ".conflist"], "for a moment there was no conf"
            return result

        return done

    def play(files: dict[str, str]) -> tuple[dict[str, str], str]:
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        for name in ("rename", "unlink"):
            monkeypatch.setattr(Path, name, checked(getattr(Path, name)))
        monkeypatch.setattr(sys, "argv", ["-c", CILIUM, FOLDER])
        wrong = ""
        try:
            exec(script("restore_cni_conf").replace("/proc/1/root", str(tmp_path)), {})
        except SystemExit as ended:
            wrong = str(ended.code)
        return {each.name: each.read_text() for each in folder.iterdir()}, wrong

    return play


Run = Callable[[dict[str, str]], tuple[dict[str, str], str]]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({CILIUM: "cilium", ASIDE: "old"}, {OLD: "old"}),
        ({CILIUM: "cilium", ASIDE: "old", OLD: "newer"}, {OLD: "newer"}),
        ({CILIUM: "cilium", ASIDE: "a", "99-loopback.conf.cilium_bak": "b"}, {OLD: "a", "99-loopback.conf": "b"}),
        ({CILIUM: "cilium", OLD: "old", "notes.txt": ""}, {OLD: "old", "notes.txt": ""}),
        ({OLD: "old"}, {OLD: "old"}),
    ],
    ids=["put aside", "written anew since", "two of them", "never put aside", "done already"],
)
def test_the_old_conf_is_back_and_ciliums_gone(run: Run, before: dict[str, str], after: dict[str, str]) -> None:
    assert run(before) == (after, "")


@pytest.mark.parametrize("others", [{}, {"notes.txt": ""}], ids=["alone", "beside what is no conf"])
def test_without_an_old_conf_nothing_is_removed(run: Run, others: dict[str, str]) -> None:
    found, wrong = run({CILIUM: "cilium", **others})
    assert found == {CILIUM: "cilium", **others}
    assert f"holds no conf of the old CNI to go back to; {CILIUM} was left where it is: delete the old" in wrong
