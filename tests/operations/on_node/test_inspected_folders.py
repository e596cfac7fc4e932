"""The inspection of a container run time's folders, on a folder of files that stands for a node."""

from pathlib import Path
from typing import Any

import pytest

from components.operations.our_pods.node_shell import script

CRI = '[plugins."io.containerd.grpc.v1.cri".cni]\n'


@pytest.fixture
def node(tmp_path: Path) -> "Node":
    return Node(tmp_path)


class Node:
    """A node's files and processes; `ask` has the script's functions look at them."""

    def __init__(self, folder: Path) -> None:
        self._proc = folder / "proc"
        self._root = self._proc / "1/root"
        self._root.mkdir(parents=True)
        self._processes = 100

    def file(self, path: str, text: str = "") -> None:
        file = self._root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def link(self, path: str, target: str) -> None:
        link = self._root / path.lstrip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)

    def process(self, program: str, *arguments: str) -> None:
        self._processes += 1
        folder = self._proc / str(self._processes)
        folder.mkdir()
        (folder / "comm").write_text(f"{program}\n")
        (folder / "cmdline").write_text("\0".join([program, *arguments, ""]))

    def ask(self, function: str, *arguments: Any, **named: Any) -> Any:
        text = script("inspect_network").partition("\nfolders = cni_folders()")[0]
        names: dict[str, Any] = {}
        exec(text.replace('pathlib.Path("/proc")', f"pathlib.Path({str(self._proc)!r})"), names)
        return names[function](*arguments, **named)

    @property
    def folders(self) -> Any:
        return self.ask("cni_folders")


def test_nothing_set_is_the_default_and_nothing_running_is_unknown(node: Node) -> None:
    assert node.folders is None
    node.process("containerd")
    assert node.folders == ("/etc/cni/net.d", "/opt/cni/bin")


def test_containerd_by_its_file_and_by_those_that_it_imports(node: Node) -> None:
    node.process("dockerd")
    node.process("containerd", "--config", "/var/run/docker/containerd/containerd.toml")
    node.process("containerd", "--config=/var/snap/x/containerd.toml", "--address", "/run/x.sock")
    node.file(
        "/var/snap/x/containerd.toml",
        f"imports = ['conf.d/*.toml']\n{CRI}  # conf_dir = \"/no\"\n  conf_dir = \"/a/net.d\"\n  bin_dir = '/a/bin'\n",
    )
    assert node.folders == ("/a/net.d", "/a/bin")
    node.file("/var/snap/x/conf.d/10.toml", f'{CRI}  bin_dirs = ["/b/bin", "/c/bin"]\n')
    assert node.folders == ("/a/net.d", "/b/bin", "/c/bin")


def test_two_of_them_that_differ_are_unknown(node: Node) -> None:
    node.process("containerd")
    node.process("containerd", "-c", "/k3s.toml")
    node.file("/k3s.toml", f'{CRI}conf_dir = "/k3s/net.d"\n')
    assert node.folders is None


@pytest.mark.parametrize(
    ("arguments", "files", "found"),
    [
        ((), {"/etc/crio/crio.conf": 'network_dir = "/x/"\nplugin_dirs = [\n  "/p",\n  "/q",\n]\n'},
         ("/x/", "/p", "/q")),
        ((), {"/etc/crio/crio.conf": 'network_dir = "/x"\n', "/etc/crio/crio.conf.d/9": 'network_dir = "/y"'},
         ("/y", "/opt/cni/bin")),
        (("--cni-config-dir", "/z"), {"/etc/crio/crio.conf": 'network_dir = "/x"\n'}, ("/z", "/opt/cni/bin")),
    ],
)  # fmt: skip
def test_crio(node: Node, arguments: tuple[str, ...], files: dict[str, str], found: tuple[str, str]) -> None:
    node.process("crio", *arguments)
    for path, text in files.items():
        node.file(path, text)
    assert node.folders == found


def test_cri_dockerd_goes_before_dockers_own_containerd(node: Node) -> None:
    node.process("containerd", "--config", "/run/docker/containerd/containerd.toml")
    node.process("cri-dockerd", "--cni-conf-dir=/d/net.d", "--cni-bin-dir", "/d/bin,/e/bin")
    assert node.folders == ("/d/net.d", "/d/bin", "/e/bin")


def test_links_are_followed_within_the_node(node: Node) -> None:
    node.file("/var/lib/k/net.d/10-a.conflist")
    node.link("/etc/cni/net.d", "/var/lib/k/net.d")
    assert node.ask("cni_conf", "/etc/cni/net.d") == ["10-a.conflist"]
    assert node.ask("names_of", "/etc/cni/net.d") == ["/etc/cni/net.d", "/var/lib/k/net.d"]
    node.link("/loop", "/loop")
    assert node.ask("cni_conf", "/loop") == []


def test_a_name_through_a_link_beside_a_folder_goes_before_its_own(node: Node) -> None:
    node.file("/var/snap/m/8234/args/net/10-calico.conflist")
    node.link("/var/snap/m/current", "8234")
    names = node.ask("names_of", "/var/snap/m/8234/args/net")
    assert names == ["/var/snap/m/current/args/net", "/var/snap/m/8234/args/net"]
    assert node.ask("names_of", "/not/there/") == ["/not/there"]


def test_plugins_of_each_conf_are_read_and_what_cannot_be_is_none(node: Node) -> None:
    folder = "/etc/cni/net.d"
    node.file(f"{folder}/05-cilium.conflist", '{"plugins": [{"type": "cilium-cni"}, {"type": "portmap"}]}')
    node.file(f"{folder}/10-old.conf", '{"cniVersion": "0.3.1", "type": "bridge"}')
    node.file(f"{folder}/20-broken.conflist", '{"plugins": [')
    node.file(f"{folder}/30-list.json", '["plugins"]')
    node.file(f"{folder}/40-empty.conf", "")
    node.file(f"{folder}/50-nameless.conflist", '{"plugins": [{"name": "x"}]}')
    node.file(f"{folder}/60-text.conflist", '{"plugins": "bridge"}')
    node.file(f"{folder}/calico-kubeconfig", "apiVersion: v1")
    node.link(f"{folder}/70-linked.conf", "/srv/real.conf")
    node.file("/srv/real.conf", '{"type": "macvlan"}')
    assert node.ask("cni_plugins", folder) == {
        "05-cilium.conflist": ["cilium-cni", "portmap"], "10-old.conf": ["bridge"], "20-broken.conflist": [],
        "30-list.json": [], "40-empty.conf": [], "50-nameless.conflist": [], "60-text.conflist": [],
        "70-linked.conf": ["macvlan"],
    }  # fmt: skip
