"""The engine's side of the protocol, as far as the tests need it: one resource at a time, over real gRPC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from scripts.lab.kubernetes_plugin.protocol.values import read, write

KINDS = provider_pb2.PropertyDiff.Kind


@dataclass
class RefusedError(Exception):
    """An error answer of the plugin, with the object's id and state if the object exists nevertheless."""

    message: str
    object_id: str = ""
    state: dict[str, Any] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return self.message


@dataclass
class Resource:
    """A resource as the engine has it in its state."""

    urn: str
    object_id: str
    inputs: dict[str, Any]
    state: dict[str, Any]


@dataclass
class Differences:
    changes: dict[str, str]
    replaces: list[str]
    delete_first: bool


def urn(token: str, name: str) -> str:
    return f"urn:pulumi:test::project::{token}::{name}"


def _failure(error: grpc.RpcError) -> RefusedError:
    assert isinstance(error, grpc.Call)
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            detail = provider_pb2.ErrorResourceInitFailed()
            assert status.details[0].Unpack(detail)
            return RefusedError(error.details() or "", detail.id, read(detail.properties), list(detail.reasons))
    return RefusedError(error.details() or "")


class Engine:
    """A client of one plugin."""

    def __init__(self, port: int) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def configure(self, **settings: Any) -> None:
        self._call("Configure", provider_pb2.ConfigureRequest(args=write(settings), acceptSecrets=True))

    def check(
        self, token: str, name: str, inputs: Mapping[str, Any], old: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        request = provider_pb2.CheckRequest(
            urn=urn(token, name), news=write(inputs), olds=write(old or {}), randomSeed=b"seed"
        )
        answer = self._call("Check", request)
        if answer.failures:
            raise RefusedError("; ".join(f"{each.property}: {each.reason}" for each in answer.failures))
        return read(answer.inputs)

    def diff(self, resource: Resource, inputs: Mapping[str, Any], *ignored: str) -> Differences:
        request = provider_pb2.DiffRequest(
            id=resource.object_id,
            urn=resource.urn,
            olds=write(resource.state),
            news=write(inputs),
            old_inputs=write(resource.inputs),
            ignoreChanges=ignored,
        )
        answer = self._call("Diff", request)
        changes = {path: KINDS.Name(each.kind) for path, each in answer.detailedDiff.items()}
        return Differences(changes, list(answer.replaces), answer.deleteBeforeReplace)

    def create(
        self, token: str, name: str, inputs: Mapping[str, Any], *, preview: bool = False, timeout: float = 0
    ) -> Resource:
        checked = self.check(token, name, inputs)
        request = provider_pb2.CreateRequest(
            urn=urn(token, name), properties=write(checked), preview=preview, timeout=timeout
        )
        answer = self._call("Create", request)
        return Resource(urn(token, name), answer.id, checked, read(answer.properties))

    def update(
        self, resource: Resource, inputs: Mapping[str, Any], *ignored: str, preview: bool = False, timeout: float = 0
    ) -> Resource:
        token, name = resource.urn.split("::")[2:4]
        checked = self.check(token, name, inputs, resource.inputs)
        request = provider_pb2.UpdateRequest(
            id=resource.object_id,
            urn=resource.urn,
            olds=write(resource.state),
            news=write(checked),
            old_inputs=write(resource.inputs),
            preview=preview,
            timeout=timeout,
            ignoreChanges=ignored,
        )
        answer = self._call("Update", request)
        return Resource(resource.urn, resource.object_id, checked, read(answer.properties))

    def refresh(self, resource: Resource) -> Resource | None:
        request = provider_pb2.ReadRequest(
            id=resource.object_id, urn=resource.urn, properties=write(resource.state), inputs=write(resource.inputs)
        )
        answer = self._call("Read", request)
        return Resource(resource.urn, answer.id, read(answer.inputs), read(answer.properties)) if answer.id else None

    def read(self, token: str, object_id: str) -> Resource | None:
        return self.refresh(Resource(urn(token, "imported"), object_id, {}, {}))

    def delete(self, resource: Resource, *, timeout: float = 0) -> None:
        request = provider_pb2.DeleteRequest(
            id=resource.object_id,
            urn=resource.urn,
            properties=write(resource.state),
            old_inputs=write(resource.inputs),
            timeout=timeout,
        )
        self._call("Delete", request)

    def call(self, method: str, request: Any = None) -> Any:
        return self._call(method, request if request is not None else Empty())

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self.stub, method)(request, timeout=60)
        except grpc.RpcError as error:
            raise _failure(error) from None
