"""An API server's objects in memory, and the program's own client on them: no socket, no process, no waiting.

The client is the real one down to the request, so errors, preconditions and paging are read as on a cluster.
"""

import json
import re
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import CommandResult, error_of
from components.operations.retries import Patience
from components.operations.selectors import matches
from scripts.lab.simulated.nodes.pod_status import is_ready, now
from stacks.notation.labels import parse_selector, selects

Object = dict[str, Any]
_PATH = re.compile(
    r"^(?P<group>/api/v1|/apis/[^/]+/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<kind>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<part>[^/]+))?$"
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in the API a path leads; without a name to a collection."""

    group: str
    namespace: str | None
    kind: str
    name: str | None
    part: str | None


@cache
def place_of(path: str) -> Place | None:
    """None for what this API does not serve, such as the list of a group's kinds."""
    found = _PATH.match(path)
    return Place(**found.groupdict()) if found else None


class KilledError(BaseException):
    """The run was killed: whatever of it still runs does nothing more."""


class RefusedError(Exception):
    """The API server's answer to a request that it does not carry out."""

    def __init__(self, status: int, message: str, causes: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.body = json.dumps({"message": message, "details": {"causes": [dict(each) for each in causes]}}).encode()


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request that changes something."""

    method: str
    path: str
    body: Object

    @property
    def words(self) -> str:
        """The request in short, such as `DELETE pods/web-1`."""
        return f"{self.method} {'/'.join(self.path.split('/')[-2:])}"


def merged(target: Any, patch: Any) -> Any:
    """A JSON merge patch; lists of conditions are laid over each other by type, as a strategic one does."""
    if isinstance(patch, list) and isinstance(target, list) and all("type" in each for each in patch):
        return list({each["type"]: each for each in (*target, *patch)}.values())
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


def _nothing() -> None:
    return None


@dataclass
class Objects:
    """All objects by path. `react` is called after each change, for the controllers and kubelets to do theirs."""

    by_path: dict[str, Object] = field(default_factory=dict)
    react: Callable[[], None] = _nothing
    logs: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    version: int = 0
    _collections: defaultdict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    def copy(self, react: Callable[[], None]) -> "Objects":
        """The same objects once more, for others to react to."""
        collections = defaultdict(set, {key: set(paths) for key, paths in self._collections.items()})
        return Objects(
            by_path=deepcopy(self.by_path), react=react, logs=dict(self.logs), version=self.version,
            _collections=collections,
        )  # fmt: skip

    def select(self, path: str, *, labels: str = "", fields: str = "") -> list[Object]:
        """A collection's items; of one namespace or of all, as the path says."""
        where = place_of(path)
        assert where, path
        selector = parse_selector(labels)
        found = (self.by_path[each] for each in sorted(self._collections[where.group, where.kind]))
        return [
            item
            for item in found
            if where.namespace in (None, item["metadata"].get("namespace"))
            and fields in ("", f"spec.nodeName={item.get('spec', {}).get('nodeName', '')}")
            and selects(selector, item["metadata"].get("labels") or {})
        ]

    def put(self, path: str, item: Object) -> Object:
        """Write the object and have everybody react to it."""
        where = place_of(path)
        assert where, path
        self._collections[where.group, where.kind].add(path)
        self.version += 1
        metadata = item["metadata"]
        metadata["resourceVersion"] = str(self.version)
        metadata.setdefault("uid", secrets.token_hex(6))
        metadata.setdefault("creationTimestamp", now())
        self.by_path[path] = item
        self.react()
        return item

    def add(self, folder: str, body: Object) -> Object:
        """Create an object in a collection."""
        where = place_of(folder)
        assert where, folder
        path = f"{folder}/{body['metadata']['name']}"
        if path in self.by_path:
            raise RefusedError(409, f"{path} already exists")
        item = json.loads(json.dumps(body))
        if where.namespace:
            item["metadata"]["namespace"] = where.namespace
        return self.put(path, item)

    def remove(self, path: str, *, uid: str = "") -> None:
        """Delete an object at once: nothing of a pod's end takes time here."""
        item = self.by_path.get(path)
        if item is None:
            raise RefusedError(404, f"{path} not found")
        if uid and item["metadata"]["uid"] != uid:
            raise RefusedError(409, f"{path} is another one by now")
        where = place_of(path)
        assert where, path
        del self.by_path[path]
        self._collections[where.group, where.kind].remove(path)
        self.version += 1
        self.react()

    def change(self, path: str, patch: Object) -> Object:
        """Merge a patch into an object."""
        if path not in self.by_path:
            raise RefusedError(404, f"{path} not found")
        version = patch.get("metadata", {}).get("resourceVersion")
        if version not in (None, self.by_path[path]["metadata"]["resourceVersion"]):
            raise RefusedError(409, f"{path} was changed in between")
        return self.put(path, merged(self.by_path[path], patch))

    def evict(self, path: str, body: Object) -> None:
        """Delete a pod if its budgets let it go."""
        item = self.by_path.get(path)
        if item is None:
            raise RefusedError(404, f"{path} not found")
        space, labels = item["metadata"]["namespace"], item["metadata"].get("labels") or {}
        for budget in self.select(f"/apis/policy/v1/namespaces/{space}/poddisruptionbudgets"):
            selector, needed = budget["spec"]["selector"], int(budget["spec"]["minAvailable"])
            pods = self.select(f"/api/v1/namespaces/{space}/pods")
            healthy = sum(is_ready(pod) and matches(selector, pod["metadata"].get("labels") or {}) for pod in pods)
            if matches(selector, labels) and is_ready(item) and healthy <= needed:
                name = budget["metadata"]["name"]
                said = f"The disruption budget {name} needs {needed} healthy pods and has {healthy} currently"
                raise RefusedError(429, "Cannot evict pod", [{"reason": "DisruptionBudget", "message": said}])
        self.remove(path, uid=(body["deleteOptions"].get("preconditions") or {}).get("uid", ""))


class Client(Cluster):
    """One run's client. After `writes` requests that changed something the run is killed: nothing it does counts."""

    def __init__(
        self,
        objects: Objects,
        *,
        writes: int | None = None,
        run: Callable[[str, list[str]], CommandResult] | None = None,
    ) -> None:
        self.server = "https://in-memory"
        self.guard = None
        self._patience = Patience(self.server)
        self._objects, self._writes, self._run = objects, writes, run
        self.requests: list[Request] = []

    @property
    def killed(self) -> bool:
        """True once it was."""
        return self._writes is not None and len(self.requests) >= self._writes

    def _send_once(
        self, method: str, path: str, query: Mapping[str, Any], body: Object | None, content_type: str, *,
        seconds: float | None = None,
    ) -> bytes:  # fmt: skip
        with self._objects.lock:
            if self.killed:
                raise KilledError
            try:
                answer = self._answer(method, path, query, body or {})
            except RefusedError as refused:
                raise error_of(refused.status, refused.body, doing=f"{method} {path}", retry_after="") from None
            if method != "GET" and "dryRun" not in query and not path.endswith("/events"):
                self.requests.append(Request(method=method, path=path, body=body or {}))
                if self.killed:
                    raise KilledError
            return answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def _answer(self, method: str, path: str, query: Mapping[str, Any], body: Object) -> Object | bytes:
        objects = self._objects
        where = place_of(path)
        if where is None:
            raise RefusedError(404, f"{path} is not served")
        if where.part == "log":
            return objects.logs[path.removesuffix("/log")].encode()
        if where.part == "eviction":
            objects.evict(path.removesuffix("/eviction"), body)
            return {}
        path = path.removesuffix("/status")
        match method:
            case "GET" if where.name is None:
                labels, fields = query.get("labelSelector") or "", query.get("fieldSelector") or ""
                return {"metadata": {}, "items": objects.select(path, labels=labels, fields=fields)}
            case "GET":
                if path not in objects.by_path:
                    raise RefusedError(404, f"{path} not found")
                return objects.by_path[path]
            case "POST" if "dryRun" in query:
                return body
            case "POST":
                return objects.add(path, body)
            case "PATCH":
                return objects.change(path, body)
            case "DELETE":
                objects.remove(path, uid=(body.get("preconditions") or {}).get("uid", ""))
                return {}
        raise RefusedError(405, f"{method} {path}")

    def execute(
        self, *, namespace: str, pod: str, command: Iterable[str], container: str = "", timeout_seconds: float = 30
    ) -> CommandResult:
        with self._objects.lock:
            if self.killed:
                raise KilledError
            assert self._run, "nothing runs here"
            return self._run(f"{namespace}/{pod}", list(command))
