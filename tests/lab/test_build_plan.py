"""The first build: in which order, how far it is, and what it waits for."""

import multiprocessing
import threading
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from scripts.lab.cluster.sources import CALICO
from scripts.lab.console import BuildProgress
from scripts.lab.toolchain import cache, plan
from scripts.lab.toolchain.plan import Item


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def _names(items: list[Item]) -> list[str]:
    return [item.name for item in items]


def test_a_cluster_comes_before_what_migrates_it() -> None:
    names = _names(plan.real(besides=CALICO.parts))
    assert names[:2] == ["kubernetes", "etcd"]
    assert names.index("cilium") < names.index("helm") < names.index("calico") == len(names) - 1


def test_simulated_nodes_need_nothing_that_runs_on_a_node() -> None:
    assert not {"kubernetes-node", "containerd", "runc", "cilium", "coredns", "flannel"} & set(_names(plan.simulated()))


def _item(name: str, seen: list[str], *, there: bool = False) -> Item:
    def make() -> None:
        with BuildProgress(name):
            seen.append(name)

    return Item(name=name, there=lambda: there, make=make, fetch=lambda: seen.append(f"fetch {name}"))


def test_it_says_which_part_of_how_many_and_how_long_all_takes(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []
    plan.build_all([_item("etcd", seen), _item("helm", seen, there=True), _item("kubernetes", seen)])
    assert [each for each in seen if not each.startswith("fetch")] == ["etcd", "kubernetes"]
    assert "fetch kubernetes" in seen
    told = capsys.readouterr().err
    assert "2 of 3 parts are to be built" in told
    assert "building etcd (part 1 of 2, about" in told
    assert "building kubernetes (part 2 of 2, about" in told


def test_a_machines_own_figures_replace_the_measured_ones(capsys: pytest.CaptureFixture[str]) -> None:
    plan._keep("etcd", 3600)
    plan.build_all([_item("etcd", [])])
    assert "in about 60 min" in capsys.readouterr().err


def _hold(held: Event, over: Event) -> None:
    def make(folder: Path) -> None:
        held.set()
        over.wait(30)

    cache.entry("parts/slow", make)


def test_who_waits_for_another_build_is_told_for_whom(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = multiprocessing.get_context("fork")
    held, over = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(held, over))
    other.start()
    assert held.wait(30)
    monkeypatch.setattr(cache, "_LOOK_SECONDS", 0.05)
    threading.Timer(0.2, over.set).start()
    cache.entry("parts/slow", lambda folder: None)
    other.join()
    assert f"waiting for slow, which process {other.pid} makes" in capsys.readouterr().err
