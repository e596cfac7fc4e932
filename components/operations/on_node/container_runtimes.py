"""The container run time of a node's kubelet, and its folders of CNI confs and plugins, from its own settings.

Runs on the node, standard library only.
"""

import collections
import collections.abc
import pathlib
import re
import typing

from components.operations.on_node.node_files import PROC, on_host

# The folders that a container run time reads by default (its own defaults, and libcni's).
CONF_FOLDER, BINARIES = "/etc/cni/net.d", "/opt/cni/bin"
KUBELETS_SOCKET = "/run/containerd/containerd.sock"  # the kubelet's default
# The plugin that serves kubelets, as containerd 1 and 2 and files of version 1 name it.
CRI, CRI_2, CRI_OLD = "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime", "cri"
GRPC = "io.containerd.server.v1.grpc"  # has its socket in files of version 4
WORD = re.compile(
    r"""\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*|[\[\]{}=,\n]|[^\s"'\#\[\]{}=,]+"""
)
Settings = list[tuple[tuple[str, ...], list[str]]]


class Runtime(typing.NamedTuple):
    """A running container run time: its socket, and its folder of confs with those of plugins; None if unknown."""

    socket: str
    folders: "tuple[str, ...] | None"


def arguments_of(program: str) -> "list[list[str]]":
    """The command lines of a program's processes on the node; those in containers serve another kubelet."""
    found = []
    for folder in PROC.iterdir():
        try:
            if folder.name.isdigit() and (folder / "comm").read_text().strip() == program and not contained(folder):
                found.append((folder / "cmdline").read_text().split("\0"))
        except OSError:  # it ended meanwhile
            continue
    return [each for each in found if any(each)]  # a zombie process has no arguments


def contained(process: pathlib.Path) -> bool:
    """True if a process is in another PID namespace than the node's first process."""
    own, nodes = process / "ns/pid", PROC / "1/ns/pid"
    return own.is_symlink() and nodes.is_symlink() and own.readlink() != nodes.readlink()


def options(arguments: "list[str]", *names: str) -> "list[str]":
    """All values of an option, written `--name value` or `--name=value`, with several between commas or not."""
    found = []
    for number, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if name in names:
            found.append(value if equals else "".join(arguments[number + 1 : number + 2]))
    return [each for value in found for each in value.split(",") if each]


def option(arguments: "list[str]", *names: str) -> str:
    """The value of an option, the last if it is given several times; empty if it is not given."""
    return "".join(options(arguments, *names)[-1:])


def settings_in(text: str) -> Settings:
    """Each key of a TOML file, with the path of its tables, and its value or list of values."""
    words = collections.deque(word for word in WORD.findall(text) if not word.startswith("#"))
    return list(pairs(words, (), end=""))


def pairs(
    words: "collections.deque[str]", table: "tuple[str, ...]", *, end: str
) -> "collections.abc.Iterator[tuple[tuple[str, ...], list[str]]]":
    """The keys and values up to the word `end`."""
    while words:
        word = words.popleft()
        if word == end:
            return
        if word in ("\n", ","):
            continue
        names = [word]
        while words and words[0] not in ("=", "\n"):
            names.append(words.popleft())
        if word == "[":
            table = key_of(names)
        elif words and words.popleft() == "=" and words:
            value = words.popleft()
            if value == "{":
                yield from pairs(words, table + key_of(names), end="}")
            else:
                yield table + key_of(names), list_of(words) if value == "[" else [plain(value)]


def key_of(names: "list[str]") -> "tuple[str, ...]":
    """The parts of a key or of a table's header, separated by dots outside of quotes."""
    parts = [[plain(name)] if name[0] in "\"'" else name.split(".") for name in names if name not in "[]"]
    return tuple(part for each in parts for part in each if part)


def list_of(words: "collections.deque[str]") -> "list[str]":
    """The values of a list whose opening bracket was read."""
    found, depth = [], 1
    while words and depth:
        word = words.popleft()
        depth += (word == "[") - (word == "]")
        if word not in "[],\n":
            found.append(plain(word))
    return found


def plain(word: str) -> str:
    """A word without its quotes."""
    return word.strip("\"'") if word[0] in "\"'" else word


def last(settings: Settings, *key: str) -> "list[str]":
    """The last value of a key, in any table; empty values count as not set."""
    values = [each for path, each in settings if path[-len(key) :] == key and any(each)]
    return values[-1] if values else []


def matching(pattern: str) -> "list[str]":
    """The node's files that match a pattern, in the order in which they are read."""
    folder, _, name = pattern.rpartition("/")
    if "*" in folder:
        return [file for each in matching(folder) for file in matching(f"{each}/{name}")]
    there = on_host(folder)
    return [f"{folder}/{each.name}" for each in sorted(there.glob(name))] if there.is_dir() else []


def read(path: str) -> Settings:
    """The settings in one file of the node; none if it does not exist."""
    file = on_host(path)
    return settings_in(file.read_text(errors="replace")) if file.is_file() else []


def containerds_files(path: str) -> "list[Settings]":
    """The settings of a containerd file and of its imports, recursively, later ones overriding earlier ones."""
    found: dict[str, Settings] = {}
    pending = [path]
    while pending:
        path = pending.pop(0)
        if path in found:
            continue
        found[path] = read(path)
        for each in last(found[path], "imports"):
            imported = str(pathlib.PurePosixPath(path).parent / each)
            pending += matching(imported) if "*" in imported else [imported]
    return list(found.values())


def of_containerd(arguments: "list[str]") -> "Runtime | None":
    """A containerd; None if its CRI plugin is disabled, as in Docker's package."""
    files = containerds_files(option(arguments, "--config", "-c") or "/etc/containerd/config.toml")
    every = [each for file in files for each in file]
    off = {name for path, values in every if path == ("disabled_plugins",) for name in values}
    if off & {CRI, CRI_2, CRI_OLD}:
        return None
    version = "".join(last(every, "version")[:1])
    names = (CRI, CRI_2, CRI_OLD) if version in ("", "0", "1") else (CRI, CRI_2)
    of_cri = [[each for each in file if each[0][:1] == ("plugins",) and each[0][1] in names] for file in files]
    merged = [each for file in of_cri for each in file]
    folders = cni_of(merged)
    second = version not in ("", "0", "1", "2") or any(path[1] == CRI_2 or path[-1] == "bin_dirs" for path, _ in merged)
    # Of an older one a file with anything about a plugin replaces all that those before it have about it.
    replaced = next((file for file in reversed(of_cri) if file), [])
    set_address = last(every, GRPC, "address") or last(every, "grpc", "address")
    socket = option(arguments, "--address", "-a") or "".join(set_address)
    clear = second or cni_of(replaced) == folders
    return Runtime(socket_at(socket or KUBELETS_SOCKET), folders if clear else None)


def cni_of(settings: Settings) -> "tuple[str, ...]":
    """The CNI folders in containerd's settings."""
    conf = last(settings, "cni", "conf_dir") or [CONF_FOLDER]
    binaries = last(settings, "cni", "bin_dirs") or last(settings, "cni", "bin_dir") or [BINARIES]
    return (*conf, *binaries)


def of_crio(arguments: "list[str]") -> Runtime:
    """A CRI-O, whose arguments override its files."""
    file = option(arguments, "--config", "-c") or "/etc/crio/crio.conf"
    drop_ins = option(arguments, "--config-dir", "-d") or "/etc/crio/crio.conf.d"
    settings = [each for path in (file, *matching(f"{drop_ins}/*")) for each in read(path)]
    conf = option(arguments, "--cni-config-dir") or "".join(last(settings, "network_dir")) or CONF_FOLDER
    named = options(arguments, "--cni-plugin-dir") or [*last(settings, "plugin_dirs"), *last(settings, "plugin_dir")]
    socket = option(arguments, "--listen") or "".join(last(settings, "listen")) or "/run/crio/crio.sock"
    return Runtime(socket_at(socket), (conf, *(named or [BINARIES])))


def of_cri_dockerd(arguments: "list[str]") -> Runtime:
    """A cri-dockerd, which is configured by arguments alone."""
    socket = option(arguments, "--container-runtime-endpoint")
    own = socket if socket and not socket.startswith("fd:") else "/run/cri-dockerd.sock"
    conf, binaries = option(arguments, "--cni-conf-dir"), options(arguments, "--cni-bin-dir")
    return Runtime(socket_at(own), (conf or CONF_FOLDER, *(binaries or [BINARIES])))


def socket_at(address: str) -> str:
    """The path of a socket, given as a path or as a unix:// URL."""
    path = re.sub("^unix:/*", "/", address)
    return path[4:] if path.startswith("/var/run/") else path


def kubelets_socket() -> str:
    """The socket that the kubelet uses; empty if no process `kubelet` runs, as with k3s and MicroK8s."""
    for arguments in arguments_of("kubelet"):
        file = on_host(option(arguments, "--config")) if option(arguments, "--config") else None
        text = file.read_text(errors="replace") if file and file.is_file() else ""
        found = re.search(r"""^containerRuntimeEndpoint:\s*["']?([^"'\s]+)""", text, re.MULTILINE)
        told = option(arguments, "--container-runtime-endpoint") or (found[1] if found else "")
        return socket_at(told or KUBELETS_SOCKET)
    return ""


def cni_folders() -> "tuple[str, ...] | None":
    """The folders in which the kubelet's container run time finds confs, and plugins; None if unknown."""
    serving = []
    for program, look in (("cri-dockerd", of_cri_dockerd), ("crio", of_crio), ("containerd", of_containerd)):
        # Docker has a containerd of its own, which serves no kubelet.
        running = [each for each in arguments_of(program) if "docker/containerd" not in " ".join(each)]
        serving += [(program, one) for each in running if (one := look(each))]
    asked = kubelets_socket()
    chosen = [one for _, one in serving if one.socket == asked] or [
        one for program, one in serving if program == serving[0][0]
    ]
    found = {one.folders for one in chosen}
    return found.pop() if len(found) == 1 else None
