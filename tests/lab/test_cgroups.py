from pathlib import Path

from scripts.lab.cluster import cgroups

_MOUNTS_V1 = """\
30 20 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset
34 30 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
35 30 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""
_OWN_V1 = "5:cpuset:/\n4:cpu,cpuacct:/user\n3:memory:/session/7\n2:name=systemd:/\n0::/\n"


def test_version_1_hangs_the_lab_below_the_callers_own_group() -> None:
    trees = {tree.options: tree for tree in cgroups.hierarchies(mounts=_MOUNTS_V1, own=_OWN_V1)}
    assert set(trees) == {"cpu,cpuacct", "memory", "cpuset", "name=systemd", ""}
    assert trees["memory"].base == Path("/sys/fs/cgroup/memory/session/7")
    assert trees["cpu,cpuacct"].base == Path("/sys/fs/cgroup/cpu,cpuacct/user")
    assert trees["cpuset"].has_cpuset
    assert not trees["memory"].has_cpuset


def test_version_2_hangs_the_lab_below_the_root_of_the_tree() -> None:
    mounts = "24 20 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
    (tree,) = cgroups.hierarchies(mounts=mounts, own="0::/user.slice/session-3.scope\n")
    assert (tree.version, tree.base) == (2, Path("/sys/fs/cgroup"))


def test_a_mount_that_shows_only_part_of_a_tree_counts_from_that_part() -> None:
    mounts = "32 30 0:28 /box /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    (inside,) = cgroups.hierarchies(mounts=mounts, own="3:memory:/box/job\n")
    (outside,) = cgroups.hierarchies(mounts=mounts, own="3:memory:/other\n")
    assert inside.base == Path("/sys/fs/cgroup/memory/job")
    assert outside.base == Path("/sys/fs/cgroup/memory")


def test_a_new_cpuset_gets_processors_and_memory_from_its_parent(tmp_path: Path) -> None:
    for file, text in (("cpuset.cpus", "0-1\n"), ("cpuset.mems", "0\n")):
        (tmp_path / file).write_text(text)
    tree = cgroups.Hierarchy(1, "cpuset", tmp_path, tmp_path)
    cgroups.create("lab-1/worker-1", trees=[tree])
    assert (tmp_path / "lab-1/worker-1/cpuset.cpus").read_text() == "0-1\n"


def test_processes_are_found_below_the_group_too(tmp_path: Path) -> None:
    tree = cgroups.Hierarchy(1, "pids", tmp_path, tmp_path)
    cgroups.create("lab-1/worker-1/kubepods", trees=[tree])
    (tmp_path / "lab-1/cgroup.procs").write_text("")
    (tmp_path / "lab-1/worker-1/cgroup.procs").write_text("7\n8\n")
    (tmp_path / "lab-1/worker-1/kubepods/cgroup.procs").write_text("9\n")
    assert cgroups.processes("lab-1", trees=[tree]) == {7, 8, 9}
    assert cgroups.processes("lab-2", trees=[tree]) == set()


def test_remove_names_what_it_could_not_remove(tmp_path: Path) -> None:
    tree = cgroups.Hierarchy(1, "pids", tmp_path, tmp_path)
    cgroups.create("lab-1/worker-1", trees=[tree])
    cgroups.create("lab-1/worker-2", trees=[tree])
    (tmp_path / "lab-1/worker-1/busy").write_text("")
    assert set(cgroups.remove("lab-1", trees=[tree])) == {tmp_path / "lab-1/worker-1", tmp_path / "lab-1"}
    assert not (tmp_path / "lab-1/worker-2").exists()
