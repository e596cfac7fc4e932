"""The plugin's side of Pulumi's provider protocol: converts messages, without any Kubernetes logic."""

# ruff: noqa: ARG002, D102, N802 (the names of methods and arguments are the protocol's)

from collections.abc import Callable
from threading import Event
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from scripts.lab.kubernetes_plugin import VERSION
from scripts.lab.kubernetes_plugin.cluster import Cluster
from scripts.lab.kubernetes_plugin.errors import InitializationError, PluginError
from scripts.lab.kubernetes_plugin.helm.helm import Helm
from scripts.lab.kubernetes_plugin.helm.releases import Releases
from scripts.lab.kubernetes_plugin.objects.diff import Change, Difference, property_path
from scripts.lab.kubernetes_plugin.objects.objects import Objects
from scripts.lab.kubernetes_plugin.operations import Naming, Operations, Request
from scripts.lab.kubernetes_plugin.protocol.messages import EngineLog
from scripts.lab.kubernetes_plugin.protocol.tokens import RELEASE_TOKEN, type_of
from scripts.lab.kubernetes_plugin.protocol.values import read, write
from scripts.lab.kubernetes_plugin.provider import differences_of_settings
from scripts.lab.kubernetes_plugin.settings import Settings

_SETTING_PREFIX = "kubernetes:config:"
Context = grpc.ServicerContext


def _answer(context: Context, operation: Callable[[], Any]) -> Any:
    """The operation's answer; a known failure becomes an engine error, with the state if there is one."""
    try:
        return operation()
    except InitializationError as failure:
        detail = provider_pb2.ErrorResourceInitFailed(
            id=failure.object_id,
            properties=write(failure.state),
            reasons=failure.reasons,
            inputs=write(failure.inputs) if failure.inputs else None,
        )
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(failure))
        status.details.add().Pack(detail)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(grpc.StatusCode.UNKNOWN, str(failure))
    except PluginError as failure:
        context.abort(grpc.StatusCode.UNKNOWN, str(failure))


def _differences(found: list[Difference], *, delete_first: bool) -> provider_pb2.DiffResponse:
    kinds = {
        (Change.ADD, False): provider_pb2.PropertyDiff.ADD,
        (Change.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
        (Change.DELETE, False): provider_pb2.PropertyDiff.DELETE,
        (Change.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
        (Change.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
        (Change.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
    }
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=sorted({str(each.path[0]) for each in found}),
        replaces=[property_path(each.path) for each in found if each.replaces],
        detailedDiff={
            property_path(each.path): provider_pb2.PropertyDiff(kind=kinds[each.change, each.replaces], inputDiff=True)
            for each in found
        },
        hasDetailedDiff=True,
        deleteBeforeReplace=delete_first,
    )


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """The service that the engine calls; configured once, then used by many threads."""

    def __init__(self, engine_address: str = "") -> None:
        self._log = EngineLog(engine_address)
        self._cancelled = Event()
        self._objects: Operations | None = None
        self._releases: Operations | None = None

    def stop(self) -> None:
        """Cancel every wait and every running helm."""
        self._cancelled.set()

    def Handshake(self, request: provider_pb2.ProviderHandshakeRequest, context: Context) -> Any:
        self._log.attach(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, supports_autonaming_configuration=True)

    def Attach(self, request: plugin_pb2.PluginAttach, context: Context) -> Empty:
        self._log.attach(request.address)
        return Empty()

    def GetPluginInfo(self, request: Empty, context: Context) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: provider_pb2.GetSchemaRequest, context: Context) -> Any:
        return provider_pb2.GetSchemaResponse(schema="{}")

    def Cancel(self, request: Empty, context: Context) -> Empty:
        self.stop()
        return Empty()

    def CheckConfig(self, request: provider_pb2.CheckRequest, context: Context) -> Any:
        def check() -> provider_pb2.CheckResponse:
            Settings.parse(read(request.news))
            return provider_pb2.CheckResponse(inputs=request.news)

        return _answer(context, check)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: Context) -> Any:
        old = read(request.old_inputs) or read(request.olds)
        return _answer(
            context, lambda: _differences(differences_of_settings(old, read(request.news)), delete_first=False)
        )

    def Configure(self, request: provider_pb2.ConfigureRequest, context: Context) -> Any:
        def configure() -> provider_pb2.ConfigureResponse:
            given = read(request.args) or {
                key.removeprefix(_SETTING_PREFIX): value for key, value in request.variables.items()
            }
            settings = Settings.parse(given)
            cluster = Cluster(settings)
            self._objects = Objects(cluster, settings, self._log, self._cancelled)
            self._releases = Releases(Helm(cluster, settings, self._cancelled), cluster)
            return provider_pb2.ConfigureResponse(
                acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
            )

        return _answer(context, configure)

    def Check(self, request: provider_pb2.CheckRequest, context: Context) -> Any:
        def check() -> provider_pb2.CheckResponse:
            naming = Naming(
                seed=request.randomSeed,
                proposed=request.autonaming.proposed_name if request.HasField("autonaming") else "",
                forbidden=request.HasField("autonaming")
                and request.autonaming.mode == provider_pb2.CheckRequest.AutonamingOptions.DISABLE,
            )
            asked = Request(urn=request.urn, inputs=read(request.news), old_inputs=read(request.olds))
            checked = self._operations(request.urn).check(asked, naming)
            failures = [
                provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in checked.failures.items()
            ]
            return provider_pb2.CheckResponse(inputs=write(checked.inputs), failures=failures)

        return _answer(context, check)

    def Diff(self, request: provider_pb2.DiffRequest, context: Context) -> Any:
        def diff() -> provider_pb2.DiffResponse:
            asked = Request(
                urn=request.urn,
                object_id=request.id,
                inputs=read(request.news),
                old_inputs=read(request.old_inputs),
                state=read(request.olds),
                ignored=tuple(request.ignoreChanges),
            )
            found = self._operations(request.urn).diff(asked)
            return _differences(list(found.differences), delete_first=found.delete_first)

        return _answer(context, diff)

    def Create(self, request: provider_pb2.CreateRequest, context: Context) -> Any:
        def create() -> provider_pb2.CreateResponse:
            asked = Request(
                urn=request.urn, inputs=read(request.properties), preview=request.preview, timeout=request.timeout
            )
            made = self._operations(request.urn).create(asked)
            return provider_pb2.CreateResponse(id=made.object_id, properties=write(made.state))

        return _answer(context, create)

    def Read(self, request: provider_pb2.ReadRequest, context: Context) -> Any:
        def read_resource() -> provider_pb2.ReadResponse:
            asked = Request(
                urn=request.urn,
                object_id=request.id,
                old_inputs=read(request.inputs),
                state=read(request.properties),
                timeout=request.timeout,
            )
            made = self._operations(request.urn).read(asked)
            if not made.object_id:
                return provider_pb2.ReadResponse()
            return provider_pb2.ReadResponse(id=made.object_id, properties=write(made.state), inputs=write(made.inputs))

        return _answer(context, read_resource)

    def Update(self, request: provider_pb2.UpdateRequest, context: Context) -> Any:
        def update() -> provider_pb2.UpdateResponse:
            asked = Request(
                urn=request.urn,
                object_id=request.id,
                inputs=read(request.news),
                old_inputs=read(request.old_inputs),
                state=read(request.olds),
                preview=request.preview,
                timeout=request.timeout,
                ignored=tuple(request.ignoreChanges),
            )
            made = self._operations(request.urn).update(asked)
            return provider_pb2.UpdateResponse(properties=write(made.state))

        return _answer(context, update)

    def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> Any:
        def delete() -> Empty:
            asked = Request(
                urn=request.urn,
                object_id=request.id,
                old_inputs=read(request.old_inputs),
                state=read(request.properties),
                timeout=request.timeout,
            )
            self._operations(request.urn).delete(asked)
            return Empty()

        return _answer(context, delete)

    def Invoke(self, request: provider_pb2.InvokeRequest, context: Context) -> Any:
        return _unsupported(context, f"function {request.tok}")

    def Call(self, request: provider_pb2.CallRequest, context: Context) -> Any:
        return _unsupported(context, f"method {request.tok}")

    def Construct(self, request: provider_pb2.ConstructRequest, context: Context) -> Any:
        return _unsupported(context, f"component {request.type}")

    def _operations(self, urn: str) -> Operations:
        chosen = self._releases if type_of(urn) == RELEASE_TOKEN else self._objects
        if chosen is None:
            raise PluginError("the plugin was asked to work before it was configured; this is a fault of its caller")
        return chosen


def _unsupported(context: Context, what: str) -> Struct:
    context.abort(
        grpc.StatusCode.UNIMPLEMENTED,
        f"{what} is not part of this stand-in for Pulumi's kubernetes plugin; use the upstream plugin for it",
    )
    raise AssertionError("abort raises")
