"""Calico's encryption of traffic between nodes, from Felix' settings and the nodes' annotations."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from components.operations.snapshot import Snapshot
from components.sources.calico.settings import every_felix, of_environment, whole
from components.sources.facts.workload import Object

_TRUE = ("true", "1", "yes", "y", "t")
_NONE = "none"
_KEY = "projectcalico.org/WireguardPublicKey"
_LINKS = {"": "wireguard.cali", "V6": "wg-v6.cali"}


class Encryption(BaseModel):
    """Its `kind` (wireguard, ipsec, or empty), its links on every node, and their configured MTU, in bytes.

    `of_nodes` is True if the nodes' own traffic is encrypted too.
    """

    model_config = ConfigDict(frozen=True)

    kind: str = ""
    links: tuple[str, ...] = ()
    mtu: int | None = None
    of_nodes: bool = False


def encryption_of(environment: Mapping[str, str], snapshot: Snapshot) -> Encryption:
    """Encryption by WireGuard of either family, on all or some nodes, or by Calico Enterprise's IPsec.

    A node with a public key in its annotations encrypts, whatever the settings are.
    """
    felix = every_felix(snapshot)
    links = [
        next(_settings(environment, felix, f"wireguardInterfaceName{family}"), link)
        for family, link in _LINKS.items()
        if any(map(_is_true, _settings(environment, felix, f"wireguardEnabled{family}")))
        or any(node.annotations.get(f"{_KEY}{family}") for node in snapshot.nodes)
    ]
    if links:
        sizes = [
            whole(each) for key in ("wireguardMTU", "wireguardMTUV6") for each in _settings(environment, felix, key)
        ]
        return Encryption(
            kind="wireguard",
            links=tuple(links),
            mtu=min((each for each in sizes if each), default=None),
            of_nodes=any(map(_is_true, _settings(environment, felix, "wireguardHostEncryptionEnabled"))),
        )
    modes = {text.lower() for text in _settings(environment, felix, "ipsecMode")}
    return Encryption(kind="ipsec" if modes - {_NONE} else "")


def _settings(environment: Mapping[str, str], felix: Sequence[Object], name: str) -> Iterator[str]:
    """All values of a setting of Felix: its environment overrides its objects, and nodes may have their own."""
    said = of_environment(environment, name)
    for found in [said] if said else [each.get(name) for each in felix]:
        if found not in (None, ""):
            yield str(found)


def _is_true(text: str) -> bool:
    return text.lower() in _TRUE
