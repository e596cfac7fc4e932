"""Requests of the engine and their answers, common to Kubernetes objects and Helm releases."""

# ruff: noqa: D102 (the protocol's methods are named for what they do)

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from scripts.lab.kubernetes_plugin.objects.diff import Difference

Properties = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Naming:
    """The naming of a resource without a name: the engine's proposal, or a suffix from its seed."""

    seed: bytes = b""
    proposed: str = ""
    forbidden: bool = False


@dataclass(frozen=True)
class Checked:
    """Inputs with the defaults filled in, or the errors by property."""

    inputs: Properties
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Diffed:
    """The differences, and whether the old object must be deleted before its replacement is created."""

    differences: Sequence[Difference] = ()
    delete_first: bool = False


@dataclass(frozen=True)
class Made:
    """A resource as it is now; the id is empty in a preview, and if the object does not exist."""

    object_id: str
    state: Properties
    inputs: Properties = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Request:
    """The resource of an operation, with its known inputs and state, in which secrets stay marked."""

    urn: str
    object_id: str = ""
    inputs: Properties = field(default_factory=dict)
    old_inputs: Properties = field(default_factory=dict)
    state: Properties = field(default_factory=dict)
    preview: bool = False
    timeout: float = 0.0
    ignored: tuple[str, ...] = ()


class Operations(Protocol):
    """The operations on one family of resources."""

    def check(self, request: Request, naming: Naming) -> Checked: ...
    def diff(self, request: Request) -> Diffed: ...
    def create(self, request: Request) -> Made: ...
    def read(self, request: Request) -> Made: ...
    def update(self, request: Request) -> Made: ...
    def delete(self, request: Request) -> None: ...
