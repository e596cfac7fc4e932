"""An API server that holds objects in memory and notes the right that each request to it needs."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.retries import Patience
from components.operations.rights.permissions import Need

Object = dict[str, Any]
_VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}


class Recording(Cluster):
    """Objects by the path of their collection; `asked` are the rights that were needed so far."""

    def __init__(self, objects: Mapping[str, Iterable[Object]], *, served: Iterable[str] = ()) -> None:
        self.objects = {
            f"{folder}/{item['metadata']['name']}": item for folder, items in objects.items() for item in items
        }
        self.served = set(served)  # "GROUP/VERSION/KIND/PLURAL"
        self.asked: set[Need] = set()
        self.server = "https://recording.example:6443"
        self.guard = None
        self._patience = Patience(self.server)

    def _send(self, method: str, path: str, query: Mapping[str, Any], body: Object | None, content_type: str) -> bytes:
        return json.dumps(self._answer(method, path, body)).encode()

    def _send_once(self, method: str, path: str, *rest: Any, **_how: Any) -> bytes:
        return json.dumps(self._answer(method, path, rest[1])).encode()

    def _answer(self, method: str, path: str, body: Object | None) -> Object:
        if path == "/version":
            return {"gitVersion": "v1.33.1"}
        if path == "/apis":
            return {"items": []}
        parts = path.strip("/").split("/")
        if parts[0] == "apis" and len(parts) < 4:
            return {"resources": self._resources(*parts[1:])}
        need, name = needed(method, path)
        if need.resource == "selfsubjectaccessreviews":
            return {"status": {"allowed": True}}
        self.asked.add(need)
        if method == "GET" and name:
            return self._found(path)
        if method == "GET":
            return {"metadata": {}, "items": [*self._below(path)]}
        if method == "DELETE":
            self._found(path)
            del self.objects[path]
        if method == "POST" and body and "dryRun" not in path:
            self.objects[f"{path}/{body['metadata'].get('name', 'made')}"] = body
        return self.objects.get(path, body or {})

    def _resources(self, group: str, version: str = "") -> list[Object]:
        found = [each.split("/") for each in self.served]
        kinds = [each for each in found if each[:2] == [group, version]]
        if not kinds:
            raise ClusterError(f"{group}/{version}: not there", status=404)
        return [{"kind": kind, "name": plural, "verbs": ["list"]} for _, _, kind, plural in kinds]

    def _found(self, path: str) -> Object:
        if path not in self.objects:
            raise ClusterError(f"{path}: not there", status=404)
        return self.objects[path]

    def _below(self, folder: str) -> Iterable[Object]:
        """The objects of a collection, those of all namespaces where it names none."""
        before, _, plural = folder.rpartition("/")
        for path, item in self.objects.items():
            place = path.rpartition("/")[0]
            if place == folder or (place.startswith(f"{before}/namespaces/") and place.endswith(f"/{plural}")):
                yield item


def needed(method: str, path: str) -> tuple[Need, str]:
    """The right for a request, and the name of the object that it is about; empty for a collection."""
    parts = path.strip("/").split("/")
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    space = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        space, rest = rest[1], rest[2:]
    name = rest[1] if len(rest) > 1 else ""
    resource = "/".join((rest[0], *rest[2:]))
    verb = _VERBS.get(method, "get" if name else "list")
    if resource == "namespaces":
        space = ""
    return Need(verb=verb, group=group, resource=resource, namespace=space), name
