"""What the engine asks for, and the answers: one vocabulary for Kubernetes objects and Helm releases."""

# ruff: noqa: D102 (the protocol's methods are named for what they do)

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from scripts.lab.kubernetes_plugin.diff import Difference

Properties = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Naming:
    """How a resource without a name gets one: the engine's proposal, or a suffix from its seed."""

    seed: bytes = b""
    proposed: str = ""
    forbidden: bool = False


@dataclass(frozen=True)
class Checked:
    """Inputs with the defaults filled in, or what is wrong with them by property."""

    inputs: Properties
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Diffed:
    """What would change, and whether the old object must go before its replacement comes."""

    differences: Sequence[Difference] = ()
    delete_first: bool = False


@dataclass(frozen=True)
class Made:
    """A resource as it is now; the id is empty in a preview, and when there is no such object."""

    object_id: str
    state: Properties
    inputs: Properties = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Request:
    """The resource that an operation is about, and what is known of it; inputs and state keep their secrets."""

    urn: str
    object_id: str = ""
    inputs: Properties = field(default_factory=dict)
    old_inputs: Properties = field(default_factory=dict)
    state: Properties = field(default_factory=dict)
    preview: bool = False
    timeout: float = 0.0
    ignored: tuple[str, ...] = ()


class Operations(Protocol):
    """The life of one family of resources."""

    def check(self, request: Request, naming: Naming) -> Checked: ...
    def diff(self, request: Request) -> Diffed: ...
    def create(self, request: Request) -> Made: ...
    def read(self, request: Request) -> Made: ...
    def update(self, request: Request) -> Made: ...
    def delete(self, request: Request) -> None: ...
