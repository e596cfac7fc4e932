"""A client of the API server: looks kinds up by discovery, and sends requests for objects of any kind."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from scripts.lab.kubernetes_plugin.errors import PluginError, UnreachableError
from scripts.lab.kubernetes_plugin.kubeconfig import Kubeconfig
from scripts.lab.kubernetes_plugin.objects.annotations import metadata
from scripts.lab.kubernetes_plugin.protocol.tokens import Kind, join_id
from scripts.lab.kubernetes_plugin.settings import Settings

_APPLY_PATCH = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"
_MERGE_PATCH = "application/merge-patch+json"


@dataclass
class ApiError(PluginError):
    """An error answer of the API server: its code, reason and, per field, the causes."""

    code: int
    reason: str
    message: str
    causes: list[dict[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        return self.message

    @staticmethod
    def of(code: int, body: bytes) -> "ApiError":
        """Parse a Status answer; anything else becomes the error's text."""
        try:
            status = json.loads(body)
        except ValueError:
            status = {"message": body.decode(errors="replace")}
        details = status.get("details") or {}
        return ApiError(code, status.get("reason", ""), status.get("message", ""), details.get("causes") or [])

    @property
    def is_missing_namespace(self) -> bool:
        """True if it is the namespace that does not exist."""
        return self.code == 404 and self.message.startswith("namespaces ")

    @property
    def is_immutable(self) -> bool:
        """True if the object exists and the requested change is not possible in place."""
        return self.reason == "Invalid" and "field is immutable" in self.message


class UnknownKindError(PluginError):
    """The API server does not serve this kind: a custom resource definition may be missing."""


@dataclass(frozen=True)
class _Endpoint:
    prefix: str
    plural: str
    namespaced: bool


class Cluster:
    """The cluster that the provider's configuration points at; connects at the first request."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._endpoints: dict[Kind, _Endpoint] = {}

    @cached_property
    def kubeconfig(self) -> Kubeconfig:
        """The kubeconfig in use, with the provider's context and cluster in place."""
        return Kubeconfig.load(self._settings)

    @property
    def default_namespace(self) -> str:
        """The namespace of objects that name none: the provider's, else the kubeconfig context's, else empty."""
        return self._settings.namespace or self.kubeconfig.namespace

    def is_namespaced(self, kind: Kind) -> bool:
        """True if the kind is namespaced; assumed for a kind that is not served (yet)."""
        try:
            return self._endpoint(kind).namespaced
        except (UnknownKindError, UnreachableError):
            return True

    def serves(self, kind: Kind) -> bool:
        """True if the API server serves this kind."""
        try:
            self._endpoint(kind)
        except UnknownKindError:
            return False
        return True

    def forget_kinds(self) -> None:
        """Clear the lookup cache after changes to definitions."""
        self._endpoints.clear()

    def get(self, kind: Kind, namespace: str, name: str) -> dict[str, Any]:
        """The live object."""
        return self._request("GET", self._path(kind, namespace, name))

    def find(self, kind: Kind, namespace: str, name: str) -> dict[str, Any] | None:
        """The live object, or None if there is none."""
        try:
            return self.get(kind, namespace, name)
        except UnknownKindError:
            return None
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def labelled(self, kind: Kind, namespace: str, *, labels: str) -> list[dict[str, Any]]:
        """The objects of a namespace with these labels."""
        answer = self._request("GET", self._path(kind, namespace, ""), {"labelSelector": labels})
        return list(answer.get("items") or [])

    def named(self, kind: Kind, namespace: str, name: str) -> list[dict[str, Any]]:
        """The object of that name from a list of its collection: one, or none."""
        answer = self._request("GET", self._path(kind, namespace, ""), {"fieldSelector": f"metadata.name={name}"})
        return list(answer.get("items") or [])

    def may_follow(self, kind: Kind, namespace: str) -> bool:
        """True if the user may list and watch a collection, which is how upstream's plugin waits."""
        try:
            path = self._path(kind, namespace, "")
            self._request("GET", path, {"limit": "1"})
            self._request("GET", path, {"watch": "true", "timeoutSeconds": "1"}, opens_only=True)
        except UnknownKindError:
            return True
        except ApiError as error:
            if error.code == 403:
                return False
            raise
        return True

    def create(self, content: Mapping[str, Any], *, manager: str, dry_run: bool = False) -> dict[str, Any]:
        """Create an object; raises ApiError 409 if it exists."""
        kind = kind_of(content)
        path = self._path(kind, namespace_of(content), "")
        return self._request("POST", path, {"fieldManager": manager, **_dry(dry_run=dry_run)}, content)

    def apply(
        self, content: Mapping[str, Any], *, manager: str, force: bool = False, dry_run: bool = False, name: str = ""
    ) -> dict[str, Any]:
        """Server-side apply; raises ApiError 409 with the fields that other managers own."""
        kind = kind_of(content)
        path = self._path(kind, namespace_of(content), name or metadata(content).get("name", ""))
        query = {"fieldManager": manager, "force": str(force).lower(), **_dry(dry_run=dry_run)}
        return self._request("PATCH", path, query, content, content_type=_APPLY_PATCH)

    def replace(self, content: Mapping[str, Any], *, manager: str, dry_run: bool = False) -> dict[str, Any]:
        """Replace the live object as a whole."""
        path = self._path(kind_of(content), namespace_of(content), metadata(content)["name"])
        return self._request("PUT", path, {"fieldManager": manager, **_dry(dry_run=dry_run)}, content)

    def json_patch(self, live: Mapping[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any]:
        """Change single fields of a live object."""
        path = self._path(kind_of(live), namespace_of(live), metadata(live)["name"])
        return self._request("PATCH", path, {}, operations, content_type=_JSON_PATCH)

    def merge_patch(self, live: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
        """Merge a change into a live object."""
        path = self._path(kind_of(live), namespace_of(live), metadata(live)["name"])
        return self._request("PATCH", path, {}, change, content_type=_MERGE_PATCH)

    def delete(self, kind: Kind, namespace: str, name: str, *, propagation: str) -> None:
        """Request an object's deletion, which may take time."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        self._request("DELETE", self._path(kind, namespace, name), {}, body)

    def _path(self, kind: Kind, namespace: str, name: str) -> str:
        endpoint = self._endpoint(kind)
        path = endpoint.prefix
        if endpoint.namespaced:
            path += f"/namespaces/{quote(namespace or self.default_namespace or 'default')}"
        path += f"/{endpoint.plural}"
        return f"{path}/{quote(name)}" if name else path

    def _endpoint(self, kind: Kind) -> _Endpoint:
        if kind not in self._endpoints:
            self._discover(kind)
        if kind not in self._endpoints:
            raise UnknownKindError(
                f"the API server serves no {kind.name} in {kind.api_version}; "
                "create its CustomResourceDefinition first, or correct apiVersion and kind"
            )
        return self._endpoints[kind]

    def _discover(self, wanted: Kind) -> None:
        prefix = f"/apis/{wanted.api_version}" if wanted.group else f"/api/{wanted.version}"
        try:
            answer = self._request("GET", prefix)
        except ApiError as error:
            if error.code == 404:
                return
            raise
        for resource in answer.get("resources", []):
            if "/" not in resource["name"]:
                kind = Kind(wanted.group, wanted.version, resource["kind"])
                self._endpoints[kind] = _Endpoint(prefix, resource["name"], resource["namespaced"])

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        content_type: str = "application/json",
        opens_only: bool = False,
    ) -> dict[str, Any]:
        """The answer as JSON; with `opens_only` nothing, as soon as the answer's headers arrive."""
        from urllib3.exceptions import HTTPError

        client = self._client
        headers: dict[str, str] = {"Accept": "application/json", "User-Agent": "pulumi-resource-kubernetes"}
        # Read for each request: tokens of cloud providers expire.
        client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        if body is not None:
            headers["Content-Type"] = content_type
        url = f"{client.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            answer = client.rest_client.pool_manager.request(
                method,
                url,
                body=None if body is None else json.dumps(body),
                headers=headers,
                timeout=self._settings.kube_client_settings.timeout,
                retries=2 if method == "GET" else False,
                preload_content=not opens_only,
            )
        except HTTPError as error:
            raise UnreachableError(
                f"the API server {client.configuration.host} does not answer ({_short(error)}); "
                "check the kubeconfig's address and that the cluster runs"
            ) from None
        if answer.status >= 400:
            raise ApiError.of(answer.status, answer.data)
        if opens_only:
            answer.close()
            return {}
        return dict(json.loads(answer.data))

    @cached_property
    def _client(self) -> Any:
        # Imported late: it takes a quarter second, and not every start of the plugin needs the cluster.
        from kubernetes import config
        from kubernetes.client import Configuration
        from kubernetes.client.api_client import ApiClient

        configuration = Configuration()
        configuration.connection_pool_maxsize = 32
        if self.kubeconfig.content:
            config.load_kube_config_from_dict(self.kubeconfig.content, client_configuration=configuration)
        else:
            config.load_incluster_config(client_configuration=configuration)
        return ApiClient(configuration)


def kind_of(content: Mapping[str, Any]) -> Kind:
    """The kind of an object, from its apiVersion and kind."""
    return Kind.of(str(content.get("apiVersion", "")), str(content.get("kind", "")))


def namespace_of(content: Mapping[str, Any]) -> str:
    """The namespace in an object's metadata, or an empty string."""
    return str(metadata(content).get("namespace") or "")


def title(content: Mapping[str, Any]) -> str:
    """An object's kind, namespace and name, for messages."""
    name = str(metadata(content).get("name", ""))
    namespace = namespace_of(content)
    return f"{content.get('kind', 'object')} {join_id(namespace, name)}"


def _dry(*, dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def _short(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error).rpartition(": ")[2]
