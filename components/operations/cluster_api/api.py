"""A thin client of the cluster's API: JSON in and out, readable errors, commands run in pods."""

import builtins
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlencode

from kubernetes.client.exceptions import ApiException
from kubernetes.stream import ws_client
from urllib3 import PoolManager
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from websocket import WebSocketException

from components import timings
from components.operations.cluster_api.errors import (
    BEGINNINGS,
    NOT_EXECUTED,
    ClusterError,
    CommandResult,
    Object,
    beginning_of,
    error_of,
    exit_code,
    handshake_error,
    root,
)
from components.operations.cluster_api.kubeconfig import KubeconfigError, client_of
from components.operations.retries import Patience
from stacks.sections.web import without_user

T = TypeVar("T")
PAGE_SIZE = 500
_UNKNOWN_USER = 401
_JSON = "application/json"
_METADATA = f"{_JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# All groups with their kinds in one answer; a server that is too old for it names the groups alone.
_DISCOVERY = ",".join(
    [*(f"{_JSON};g=apidiscovery.k8s.io;v={each};as=APIGroupDiscoveryList" for each in ("v2", "v2beta1")), _JSON]
)


class Cluster:
    """One cluster, reached through a kubeconfig and context (empty: those of the environment)."""

    REQUEST_TIMEOUT_SECONDS = 15.0

    def __init__(self, *, kubeconfig: str = "", context: str = "") -> None:
        self._kubeconfig, self._context = kubeconfig, context
        self._login, self._logins = threading.Lock(), 0
        self._log_in()
        self.server: str = self._configuration.host
        self._patience = Patience(without_user(self.server))
        # Called with the path before each request that changes something, retries too; raises if this run may not.
        self.guard: Callable[[str], None] | None = None

    def _log_in(self) -> None:
        """Read the kubeconfig again: a token file may have been renewed, and a plugin has to run again."""
        try:
            api = client_of(self._kubeconfig, self._context)
        except KubeconfigError as error:
            raise ClusterError(str(error)) from error
        self._configuration = api.configuration
        self._pool = api.rest_client.pool_manager
        proxy = "" if type(self._pool) is PoolManager else without_user(str(self._configuration.proxy or ""))
        self._through = f" through the proxy {proxy}" if proxy else ""
        self._pool.connection_pool_kw["maxsize"] = 64
        self._logins += 1

    def _log_in_again(self, *, after: int) -> None:
        """Log in once for all threads whose requests were refused with the credentials of login `after`."""
        with self._login:
            if self._logins == after:
                self._log_in()

    def _headers(self) -> dict[str, str]:
        token = self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        return {"authorization": token} if token else {}

    def _send(self, method: str, path: str, query: Mapping[str, Any], body: Object | None, content_type: str) -> bytes:
        """Send a request, and retry it where that is safe and the server may recover soon."""
        began, number = time.monotonic(), 0
        while True:
            try:
                data = self._send_once(method, path, query, body, content_type)
            except ClusterError as error:
                if error.status == NOT_EXECUTED and path.endswith("/eviction"):
                    raise
                again = self._patience.wait(
                    method=method, status=error.status, sent=error.sent, why=str(error), since=began, number=number,
                    at_least=error.retry_after,
                )  # fmt: skip
                if not again:
                    raise
                number += 1
            else:
                self._patience.answered()
                return data

    def _send_once(
        self, method: str, path: str, query: Mapping[str, Any], body: Object | None, content_type: str, *,
        seconds: float | None = None,
    ) -> bytes:  # fmt: skip
        """Send once; after a 401, which means that nothing was executed, log in again and send once more."""
        login, seconds = self._logins, seconds or self.REQUEST_TIMEOUT_SECONDS
        try:
            return self._attempt(method, path, query, body, content_type, seconds=seconds)
        except ClusterError as error:
            if error.status != _UNKNOWN_USER:
                raise
            self._log_in_again(after=login)
            return self._attempt(method, path, query, body, content_type, seconds=seconds)

    def _attempt(
        self, method: str, path: str, query: Mapping[str, Any], body: Object | None, content_type: str, *,
        seconds: float,
    ) -> bytes:  # fmt: skip
        if method != "GET" and self.guard:
            self.guard(path)
        words = {key: value for key, value in query.items() if value is not None and value != ""}
        url = f"{self.server}{path}" + (f"?{urlencode(words)}" if words else "")
        began = time.monotonic()
        try:
            response = self._pool.request(
                method,
                url,
                headers={
                    **self._headers(),
                    "accept": f"{content_type if body is None else _JSON}, */*",
                    "content-type": content_type,
                },
                body=None if body is None else json.dumps(body).encode(),
                timeout=seconds,
                retries=False,
            )
        except (HTTPError, OSError) as error:
            raise ClusterError(
                f"{method} {path}: no answer from {without_user(self.server)}{self._through} ({root(error)})",
                sent=not isinstance(error, NewConnectionError | ConnectTimeoutError),
            ) from error
        timings.note("request", f"{method} {path}", seconds=time.monotonic() - began, size=len(response.data))
        if response.status >= 300:
            raise error_of(
                response.status,
                response.data,
                doing=f"{method} {path}",
                retry_after=response.headers.get("retry-after", ""),
            )
        return bytes(response.data)

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> Object:
        data = self._send(method, path, query or {}, body, content_type)
        return dict(json.loads(data)) if data else {}

    def get(self, path: str, **query: Any) -> Object:
        """The object at `path`; raises ClusterError (status 404 if there is none)."""
        return self._request("GET", path, query=query)

    def find(self, path: str, **query: Any) -> Object | None:
        """The object at `path`, or None if there is none."""
        try:
            return self.get(path, **query)
        except ClusterError as error:
            if error.status == 404:
                return None
            raise

    def list(self, path: str, **query: Any) -> list[Object]:
        """All items of a collection; a kind that the cluster doesn't serve has none."""
        return self.read_all(path, lambda item: item, **query)

    def discover(self) -> Object:
        """The API's groups: an APIGroupDiscoveryList or, of a server before Kubernetes 1.27, an APIGroupList."""
        return self._request("GET", "/apis", content_type=_DISCOVERY)

    def _metadata(self, path: str, **query: Any) -> Object:
        return self._request("GET", path, query=query, content_type=_METADATA)

    def read_all(
        self, path: str, make: Callable[[Object], T], *, metadata_only: bool = False, **query: Any
    ) -> builtins.list[T]:
        """The results of `make` for all items of a collection, read in pages so that only one is held as JSON.

        `metadata_only` leaves out the items' contents, which may be large or secret.

        If the resource version expires between pages (410), reading starts again from the beginning.
        """
        read = self._metadata if metadata_only else self.get
        items: builtins.list[T] = []
        token: str | None = None
        beginnings = 0
        while True:
            beginnings += token is None
            try:
                page = read(path, **{"limit": PAGE_SIZE, **query, "continue": token})
            except ClusterError as error:
                if error.status == 404 and token is None:
                    return []
                if error.status != 410 or beginnings >= BEGINNINGS:
                    raise
                items, token = [], None
                continue
            items += map(make, page.get("items") or [])
            token = page.get("metadata", {}).get("continue") or None
            if token is None:
                return items

    def create(self, path: str, body: Object) -> Object:
        """Create an object in the collection at `path`.

        A request refused for lack of a free seat (429) is retried; an eviction is not, as there 429 is the answer of
        a PodDisruptionBudget.
        """
        return self._request("POST", path, body=body)

    def try_out(self, path: str, body: Object) -> Object:
        """The object as the server would create it, without creating it; raises ClusterError as that would.

        Sent once, without retries.
        """
        return dict(json.loads(self._send_once("POST", path, {"dryRun": "All"}, body, "application/json")))

    def mention(self, path: str, body: Object) -> None:
        """Create an object that is not essential, such as an Event; one attempt, raises ClusterError."""
        self._send_once("POST", path, {}, body, "application/json")

    def patch(self, path: str, body: Object, *, strategic: bool = False) -> Object:
        """Merge-patch the object at `path`; a null value removes its key. `strategic` merges lists by their keys."""
        kind = "strategic-merge-patch" if strategic else "merge-patch"
        return self._request("PATCH", path, body=body, content_type=f"application/{kind}+json")

    def delete(self, path: str, *, uid: str = "", grace_period_seconds: int | None = None) -> bool:
        """Delete the object at `path` (only that very one if `uid` is given); False if it was gone already."""
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace_period_seconds is not None:
            options["gracePeriodSeconds"] = grace_period_seconds
        try:
            self._request("DELETE", path, body=options)
        except ClusterError as error:
            if error.status == 404 or (uid and error.status == 409):
                return False
            raise
        return True

    def logs(
        self,
        *,
        namespace: str,
        pod: str,
        container: str = "",
        tail_lines: int | None = None,
        previous: bool = False,
        since: datetime | None = None,
        most_bytes: int | None = None,
        timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
    ) -> str:
        """The log of a pod's (one) container, through the kubelet: all of it, the last lines, or from a time on.

        Sent once, without retries: an unreachable kubelet may stay so for long.
        """
        query = {"container": container, "tailLines": tail_lines, "previous": "true" if previous else ""}
        query |= {"sinceTime": since.strftime("%Y-%m-%dT%H:%M:%SZ") if since else "", "limitBytes": most_bytes}
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        data = self._send_once("GET", path, query, None, "application/json", seconds=timeout_seconds)
        return data.decode(errors="replace")

    def execute(
        self, *, namespace: str, pod: str, command: Sequence[str], container: str = "", timeout_seconds: float = 30
    ) -> CommandResult:
        """Run a command in a container, through the kubelet, so that it works where the pod network does not.

        Raises ClusterError if the container can't be reached or the command takes longer than the time-out.
        """
        where = f"command in pod {namespace}/{pod}"
        query = [*(("command", word) for word in command), ("stdout", "true"), ("stderr", "true")]
        if container:
            query.append(("container", container))
        try:
            socket = ws_client.websocket_call(
                self._configuration,
                "GET",
                f"{self.server}/api/v1/namespaces/{namespace}/pods/{pod}/exec",
                query_params=query,
                headers={**self._headers(), "sec-websocket-protocol": "v4.channel.k8s.io"},
                _preload_content=False,
            )
        except (ApiException, OSError) as error:
            raise handshake_error(str(error), where=where) from error
        try:
            socket.run_forever(timeout=timeout_seconds)
            if socket.is_open():
                raise ClusterError(f"{where}: `{beginning_of(command)}` did not end in {timeout_seconds:.0f} s")
            status = exit_code(socket)  # first: reading the output empties every channel, the status's too
            output = socket.read_all()
        except WebSocketException as error:
            raise ClusterError(f"{where}: the connection broke ({error})") from error
        finally:
            socket.close()
        if status is None:
            raise ClusterError(f"{where}: the connection ended before `{beginning_of(command)}` did")
        return CommandResult(exit_code=status, output=str(output or ""))


@lru_cache(maxsize=4)
def connect(*, kubeconfig: str = "", context: str = "") -> Cluster:
    """The client for a kubeconfig and context, made once a process."""
    return Cluster(kubeconfig=kubeconfig, context=context)
