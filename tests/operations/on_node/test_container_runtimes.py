"""Settings of container run times as nodes really have them: their forms, their order, and several on one node."""

import os
from pathlib import Path
from typing import Any

import pytest

from components.operations.on_node import node_files
from components.operations.on_node.container_runtimes import settings_in
from tests.operations.on_node.test_inspected_folders import Node

V2 = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".cni]\n'
V3 = "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\n"
PLAIN = ("/etc/cni/net.d", "/opt/cni/bin")
CONFIG = "/etc/containerd/config.toml"
OFF = 'disabled_plugins = ["cri"]\n'


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{V3}bin_dir = ''\nbin_dirs = ['/usr/libexec/cni', '/opt/cni/bin']\nconf_dir = '/c'\n",
         ("/c", "/usr/libexec/cni", "/opt/cni/bin")),
        ('version = 2\n[plugins]\n [plugins."io.containerd.grpc.v1.cri"]\n  cni={conf_dir = "/i", bin_dir = "/b"}\n',
         ("/i", "/b")),
        ('version = 2\nplugins."io.containerd.grpc.v1.cri".cni.conf_dir = "/dotted"\n', ("/dotted", PLAIN[1])),
        (f'{V2}"conf_dir" = "/quoted" # conf_dir = "/no"\nbin_dir = "/b" # [other]\n', ("/quoted", "/b")),
        (f'{V3}bin_dirs = [\n  # "/no",\n  "/a", # the first\n  "/b",\n]\n', (PLAIN[0], "/a", "/b")),
        # a key of that name in a table of another plugin, and a plugin's name of an older version
        ('version = 2\n[plugins."io.containerd.x.v1.y".cni]\nconf_dir = "/other"\n[plugins.cri.cni]\n'
         'conf_dir = "/old"\n[proxy_plugins.cni]\nconf_dir = "/proxy"\n', PLAIN),
        ('[plugins.cri.cni]\nconf_dir = "/old"\nbin_dir = "/oldbin"\n', ("/old", "/oldbin")),
        (f'{V2}conf_template = """\n[plugins]\nconf_dir = "/text"\n"""\nconf_dir = "/after"\n', ("/after", PLAIN[1])),
        (f'{V2}conf_dir = ""\n', PLAIN),
    ],
)  # fmt: skip
def test_every_form_of_containerds_settings(node: Node, text: str, found: tuple[str, ...]) -> None:
    node.process("containerd")
    node.file(CONFIG, text)
    assert node.folders == found


def test_imports_of_imports_and_in_circles(node: Node) -> None:
    node.process("containerd", "-c", "/etc/k/config.toml")
    node.file("/etc/k/config.toml", f"imports = ['../c/*/a.toml', 'b.toml']\n{V3}conf_dir = '/one'\n")
    node.file("/etc/c/x/a.toml", "imports = ['/etc/k/config.toml', '/etc/more/*.toml']\n")
    node.file("/etc/k/b.toml", f"{V3}conf_dir = '/two'\n")
    node.file("/etc/more/9.toml", f"{V3}bin_dirs = ['/three']\n")
    assert node.folders == ("/two", "/three")


def test_a_drop_in_that_replaces_in_one_release_and_adds_in_another_is_unclear(node: Node) -> None:
    """containerd 1 takes the whole plugin's settings from the last file that has any, containerd 2 merges them."""
    node.process("containerd")
    node.file(CONFIG, f'imports = ["/etc/containerd/conf.d/*.toml"]\n{V2}conf_dir = "/moved"\n')
    node.file(
        "/etc/containerd/conf.d/nvidia.toml", 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\na = "b"\n'
    )
    assert node.folders is None
    node.file(CONFIG, f'imports = ["/etc/containerd/conf.d/*.toml"]\n{V2}\n')
    assert node.folders == PLAIN
    node.file("/etc/containerd/conf.d/nvidia.toml", "version = 2\n[debug]\nlevel = 'info'\n")
    node.file(CONFIG, f'imports = ["/etc/containerd/conf.d/*.toml"]\n{V2}conf_dir = "/moved"\n')
    assert node.folders == ("/moved", PLAIN[1])


def test_the_containerd_of_dockers_package_serves_no_kubelet(node: Node) -> None:
    node.process("containerd")
    node.file(CONFIG, OFF)
    assert node.folders is None
    node.process("containerd", "-c", "/k3s.toml", "-a", "/run/k3s/containerd/containerd.sock")
    node.file("/k3s.toml", f"{V3}conf_dir = '/k3s/net.d'\nbin_dirs = ['/k3s/bin']\n")
    assert node.folders == ("/k3s/net.d", "/k3s/bin")


@pytest.mark.parametrize(
    ("arguments", "config", "found"),
    [
        (("--container-runtime-endpoint=unix:///run/b.sock",), "", "/b"),
        (
            ("--config", "/kubelet.yaml"),
            'kind: KubeletConfiguration\ncontainerRuntimeEndpoint: "unix:///run/b.sock"\n',
            "/b",
        ),
        (("--config=/kubelet.yaml",), "kind: KubeletConfiguration\n", "/a"),
        (("--container-runtime-endpoint", "/var/run/crio/crio.sock"), "", "/crio"),
    ],
)
def test_of_several_the_one_that_the_kubelet_asks(
    node: Node, arguments: tuple[str, ...], config: str, found: str
) -> None:
    node.process("kubelet", *arguments)
    node.file("/kubelet.yaml", config)
    node.process("containerd")
    node.file(CONFIG, f'{V2}conf_dir = "/a"\n')
    node.process("containerd", "--config", "/b.toml")
    node.file("/b.toml", f'{V2}conf_dir = "/b"\n[grpc]\naddress = "/run/b.sock"\n')
    node.process("crio")
    node.file("/etc/crio/crio.conf.d/10-x.conf", '[crio.network]\nnetwork_dir = "/crio"\n')
    assert node.folders[0] == found


def test_a_file_of_version_4_has_the_socket_elsewhere(node: Node) -> None:
    node.process("kubelet", "--container-runtime-endpoint=unix:///run/four.sock")
    node.process("containerd")
    node.process("containerd", "--config", "/four.toml")
    node.file(
        "/four.toml",
        "version = 4\nimports = ['/drop/*.toml']\n[plugins.'io.containerd.server.v1.grpc']\n"
        f"address = '/run/four.sock'\n{V3.partition(chr(10))[2]}conf_dir = '/four'\n",
    )
    node.file("/drop/a.toml", "version = 4\n[plugins.'io.containerd.cri.v1.runtime']\nmax_conf_num = 1\n")
    assert node.folders == ("/four", PLAIN[1])


def test_one_in_a_container_serves_another_kubelet(node: Node, tmp_path: Path) -> None:
    """As in jobs that make clusters of kind."""
    for process, space in (("1", "pid:[1]"), ("101", "pid:[1]"), ("102", "pid:[7]")):
        link = tmp_path / "proc" / process / "ns/pid"
        link.parent.mkdir(parents=True)
        link.symlink_to(space)
    (tmp_path / "proc/101/comm").write_text("containerd\n")
    (tmp_path / "proc/101/cmdline").write_text("containerd\0--config\0/own.toml\0")
    (tmp_path / "proc/102/comm").write_text("containerd\n")
    (tmp_path / "proc/102/cmdline").write_text("containerd\0")
    node.file("/own.toml", f'{V2}conf_dir = "/own"\n')
    assert node.folders == ("/own", PLAIN[1])


@pytest.mark.parametrize(
    ("arguments", "files", "found"),
    [
        ((), {"/etc/crio/crio.conf.d/10.conf": '[crio.network]\n# network_dir = "/no"\nplugin_dir = "/single"\n'},
         (PLAIN[0], "/single")),
        (("--cni-plugin-dir", "/a", "--cni-plugin-dir=/b"), {}, (PLAIN[0], "/a", "/b")),
        (("-d", "/x"), {"/x/1": '[crio]\n[crio.network]\nplugin_dirs = ["/var/lib/cni/bin", "/usr/libexec/cni"]\n',
                        "/etc/crio/crio.conf.d/10.conf": '[crio.network]\nnetwork_dir = "/unread"\n'},
         (PLAIN[0], "/var/lib/cni/bin", "/usr/libexec/cni")),
    ],
)  # fmt: skip
def test_crio_looks_in_several_folders(
    node: Node, arguments: tuple[str, ...], files: dict[str, str], found: tuple[str, ...]
) -> None:
    node.process("crio", *arguments)
    for path, text in files.items():
        node.file(path, text)
    assert node.folders == found


def test_a_dead_process_says_nothing(node: Node, tmp_path: Path) -> None:
    node.process("containerd", "--config", "/own.toml")
    node.file("/own.toml", f'{V2}conf_dir = "/own"\n')
    dead = tmp_path / "proc/999"
    dead.mkdir()
    (dead / "comm").write_text("containerd\n")
    (dead / "cmdline").write_text("")
    assert node.folders == ("/own", PLAIN[1])


def test_what_is_no_toml_is_survived() -> None:
    for text in ("", "=", "[", "a = [", "a = {", "]]", "= = =\n[x]\nk = 'v", 'a = "\n', "[[x]]\ny = [[1], [2]]\n"):
        assert isinstance(settings_in(text), list)


@pytest.mark.parametrize(
    ("owner", "mode", "may"),
    [((0, 0), 0o755, True), ((997, 0), 0o755, False), ((997, 0), 0o775, True), ((997, 5), 0o775, False),
     ((997, 5), 0o777, True), ((0, 0), 0o555, False)],
)  # fmt: skip
def test_root_without_capabilities_writes_where_its_user_may(owner: tuple[int, int], mode: int, may: bool) -> None:
    class State:
        st_uid, st_gid = owner
        st_mode = 0o040000 | mode

    state: Any = State()
    assert node_files.root_may_write(state) is may


def test_folders_that_are_anothers(node: Node) -> None:
    node.file("/opt/cni/bin/loopback")
    told = node.ask("cannot_write", ["/opt/cni/bin", "/not/there"], as_owner_alone=True)
    assert set(told) == (set() if os.getuid() == 0 else {"/opt/cni/bin"})  # whoever runs this owns it
    assert node.ask("cannot_write", ["/opt/cni/bin"], as_owner_alone=False) == {}
