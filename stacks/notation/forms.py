"""Validators for texts of the stack config; each error shows an example of a valid text."""

import ipaddress
import json
import re
from typing import Any

from pydantic import AfterValidator

from stacks.notation.images import REGISTRY as REGISTRY_FORM
from stacks.notation.images import Image

_NAME = r"[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?"


_LONGEST = 60


def shown(given: Any) -> str:
    """The value as it was written, in one line and shortened if it is long."""
    text = f"'{given}'" if isinstance(given, str) else json.dumps(given, default=str, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]}…{text[-1]}"


class KeyFault(ValueError):  # noqa: N818 (the line for the user is made of it)
    """A fault at one key of a section, found by a validator of the whole section."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key


class Faults(ValueError):  # noqa: N818 (it is several of them)
    """Several faults of one section, each reported in a line of its own."""

    def __init__(self, faults: list[KeyFault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


def matching(pattern: str, what: str, *, longest: int = 1000) -> AfterValidator:
    """A validator that requires a full match of a pattern; `what` describes a valid text, with an example."""
    form = re.compile(pattern)

    def fits(text: str) -> str:
        if not form.fullmatch(text):
            raise ValueError(f"{shown(text)} is not {what}")
        if len(text) > longest:
            raise ValueError(f"{shown(text)} has {len(text)} characters, at most {longest} are allowed")
        return text

    return AfterValidator(fits)


def read_image(name: str) -> str:
    """The image's name, unchanged; raises ValueError, with an example, if it is not valid."""
    Image.read(name)
    return name


NODE = matching(_NAME, "the name of a node such as worker-1 (lower-case letters, digits, '-' and '.')", longest=253)
NAMESPACE = matching(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?", "the name of a namespace such as kube-system", longest=63)
VERSION = matching(r"\d+\.\d+\.\d+(?:[-+.].+)?", "a version in full such as 1.19.7 (no 'v' before it)")
IMAGE = AfterValidator(read_image)
REGISTRY = matching(
    REGISTRY_FORM, "a registry such as registry.example.org:5000/mirror (no https://, no '/' at its end)"
)
_OF_OBJECT = "the name of an object such as team-a (lower-case letters, digits, '-' and '.')"
OBJECT = matching(_NAME, _OF_OBJECT, longest=253)
OBJECT_OR_NONE = matching(rf"(?:{_NAME})?", _OF_OBJECT, longest=253)
WORKLOAD = matching(
    rf"(?:DaemonSet|Deployment|StatefulSet) [a-z0-9][-a-z0-9]*/{_NAME}",
    "a workload such as 'DaemonSet kube-system/foo' (kinds are DaemonSet, Deployment and StatefulSet)",
)


def pool_network(text: str, *, version: int = 4) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The network of an IP version that a text denotes; raises ValueError with a suggestion."""
    example = "10.245.0.0/16" if version == 4 else "fd00:10:245::/104"
    if "/" not in text:
        raise ValueError(f"{shown(text)} has no prefix length: write the whole network, such as {example}")
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(f"{shown(text)} is not a network such as {example}") from error
    if network.version != version:
        raise ValueError(f"'{text}' is IPv{network.version}; an IPv{version} pool is needed here, such as {example}")
    if str(network) != text:
        raise ValueError(f"'{text}' is not how a network is written; did you mean {network}?")
    return network
