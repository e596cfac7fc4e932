"""Flannel embedded in k3s' own process: without a DaemonSet, visible only in nodes' annotations."""

import json
from dataclasses import dataclass

from components.operations.objects.model import Node
from components.operations.snapshot import Snapshot

BACKEND = "flannel.alpha.coreos.com/backend-type"
_DATA = "flannel.alpha.coreos.com/backend-data"
_ARGUMENTS = "k3s.io/node-args"
_OPTION = "--flannel-backend"
_SERVER = "server"
_VPN = "--vpn-auth"  # Tailscale between the nodes, which carries Cilium's tunnel too
_EXTENSION = "extension"
ENCRYPTING = ("wireguard", "ipsec")
_PORTS = {"vxlan": 8472, "wireguard": 51820}


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """The back end in the annotations, its UDP port and links, and its number of nodes."""

    evidence: str
    encapsulation: str
    udp_port: int | None
    links: tuple[str, ...]
    pod_cidrs: tuple[str, ...]

    @property
    def as_source(self) -> str:
        """The values for the config's `source` that describe it."""
        port = f", udpPort {self.udp_port}" if self.udp_port else ""
        return (
            f"kind 'generic', podNetworks around the nodes' {', '.join(self.pod_cidrs[:2])}, encapsulation "
            f"'{self.encapsulation}'{port}, links {', '.join(self.links)}"
        )


def embedded(snapshot: Snapshot) -> Embedded | None:
    """Flannel without a DaemonSet, from the first node with its annotation; None if no node has it."""
    nodes = sorted((each for each in snapshot.nodes if BACKEND in each.annotations), key=lambda node: node.name)
    if not nodes:
        return None
    backend = nodes[0].annotations[BACKEND]
    backends = {each.lower() for each in (backend, *_options(snapshot))}
    kind = next((each for each in _PORTS if any(word.startswith(each) for word in backends)), "routes")
    links = {"vxlan": (f"flannel.{_vni(nodes[0])}",), "wireguard": ("flannel-wg",)}.get(kind, ())
    return Embedded(
        evidence=f"node {nodes[0].name} has annotation {BACKEND}: {backend}",
        encapsulation=kind,
        udp_port=_PORTS.get(kind),
        links=(*links, "cni0"),
        pod_cidrs=tuple(sorted({cidr for node in snapshot.nodes for cidr in node.pod_cidrs})),
    )


def _vni(node: Node) -> int:
    try:
        return int(json.loads(node.annotations.get(_DATA) or "{}").get("VNI") or 1)
    except (ValueError, AttributeError, TypeError):
        return 1


def encryption_of(snapshot: Snapshot) -> str:
    """The encryption of its back ends, from annotations and the servers' arguments; empty if there is none.

    A back end of custom commands is returned as `extension`, unless its server's arguments show the commands.
    """
    if switched_off(snapshot):
        return ""
    annotated = [node.annotations[BACKEND].lower() for node in snapshot.nodes if BACKEND in node.annotations]
    asked = [each.lower() for each in _options(snapshot)]
    found = next((kind for kind in ENCRYPTING for each in (*asked, *annotated) if each.startswith(kind)), "")
    told = asked or any(_VPN in word for node in snapshot.nodes for word in _arguments(node))
    return found or (_EXTENSION if _EXTENSION in annotated and not told else "")


def _options(snapshot: Snapshot) -> list[str]:
    """The back ends in the arguments of k3s' servers, including their options."""
    servers = [words for node in snapshot.nodes if (words := _arguments(node))[:1] == [_SERVER]]
    return [found for words in servers if (found := _backend_of(words))]


def switched_off(snapshot: Snapshot) -> bool:
    """True if every server of k3s was started with `--flannel-backend=none`, by their annotations.

    Flannel's own annotations stay after it is gone, so they are no evidence.
    """
    servers = [words for node in snapshot.nodes if (words := _arguments(node))[:1] == [_SERVER]]
    return bool(servers) and all(_backend_of(words) == "none" for words in servers)


def has_option(snapshot: Snapshot, option: str) -> bool:
    """True if a server of k3s was started with that option on."""
    servers = [words for node in snapshot.nodes if (words := _arguments(node))[:1] == [_SERVER]]
    return any(word in (option, f"{option}=true") for words in servers for word in words)


def _arguments(node: Node) -> list[str]:
    try:
        found = json.loads(node.annotations.get(_ARGUMENTS) or "[]")
    except ValueError:
        return []
    return [str(each) for each in found] if isinstance(found, list) else []


def _backend_of(words: list[str]) -> str:
    found = ""
    for number, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == _OPTION:
            found = value if equals else "".join(words[number + 1 : number + 2])
    return found
