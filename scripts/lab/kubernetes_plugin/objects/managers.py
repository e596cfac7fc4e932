"""Field managers of server-side apply: the plugin's own name, taking over older names, and giving up fields."""

import copy
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scripts.lab.kubernetes_plugin.cluster import ApiError, Cluster, title
from scripts.lab.kubernetes_plugin.errors import PluginError
from scripts.lab.kubernetes_plugin.objects.annotations import FIELD_MANAGER, PATCH_FORCE, annotation, is_set, metadata
from scripts.lab.kubernetes_plugin.objects.diff import Path, parse_path

STATE_KEY = "__fieldManager"
# Managers that count as the same owner: the plugin itself in other modes, and kubectl.
_PREDECESSORS = frozenset(
    {"kubectl", "kubectl-client-side-apply", "before-first-apply", "pulumi-kubernetes", "pulumi-resource-kubernetes"}
)


def manager_name(inputs: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """The object's field manager: that of the annotation, else of the state, else a random name.

    So, as with upstream, an object whose state was lost has two managers, which conflict at its next change.
    """
    kept = state.get(STATE_KEY)
    own = f"pulumi-kubernetes-{secrets.token_hex(4)}"
    return annotation(inputs, FIELD_MANAGER) or (kept if isinstance(kept, str) else "") or own


@dataclass(frozen=True)
class Succession:
    """A field manager, and earlier entries in an object's managedFields that count as the same owner."""

    manager: str
    former_name: str = ""
    whole_object: bool = True

    def _succeeds(self, entry: Mapping[str, Any]) -> bool:
        if entry.get("subresource"):
            return False
        if entry.get("operation") == "Apply":
            return entry.get("manager") == self.former_name != self.manager
        # A create is recorded as an update by the same name, which apply treats as another owner.
        return self.whole_object and entry.get("manager") in {self.manager, self.former_name, *_PREDECESSORS}

    def inherited(self, live: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The earlier entries; as long as there are any, apply would conflict with the plugin's own fields."""
        return [entry for entry in metadata(live).get("managedFields") or [] if self._succeeds(entry)]


def take_over(live: dict[str, Any], cluster: Cluster, succession: Succession) -> dict[str, Any]:
    """Move the earlier entries' fields to the manager's own entry, so that apply may change and remove them."""
    manager, ours = succession.manager, succession.inherited(live)
    if not ours:
        return live
    entries = metadata(live).get("managedFields") or []
    applied = [entry for entry in entries if entry.get("operation") == "Apply" and entry.get("manager") == manager]
    fields: dict[str, Any] = {}
    for entry in [*applied, *ours]:
        fields = _union(fields, entry.get("fieldsV1") or {})
    merged = {**(applied or ours)[0], "manager": manager, "operation": "Apply", "fieldsV1": fields}
    others = [entry for entry in entries if entry not in applied and entry not in ours]
    return cluster.json_patch(
        live,
        [
            {"op": "replace", "path": "/metadata/managedFields", "value": [*others, merged]},
            # Refused if the object changed in between.
            {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata(live)["resourceVersion"]},
        ],
    )


def relinquish(live: Mapping[str, Any], cluster: Cluster, manager: str) -> None:
    """Give up every field that `manager` owns; fields without another owner go back to their defaults."""
    identity = {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": {key: metadata(live)[key] for key in ("name", "namespace") if metadata(live).get(key)},
    }
    try:
        cluster.apply(identity, manager=manager)
    except ApiError as error:
        required = [cause.get("field", "") for cause in error.causes if cause.get("reason") == "FieldValueRequired"]
        if not required:
            raise
        raise PluginError(
            f"{title(live)}: this patch alone holds the required field {', '.join(required)}, so it cannot be taken "
            "back; let another field manager set it first, or use the resource option retainOnDelete"
        ) from None


def conflict(error: ApiError, content: Mapping[str, Any], manager: str) -> PluginError:
    """The error for a refused apply, which names the fields and their owners."""
    owned = [f"{cause.get('field')} ({cause.get('message')})" for cause in error.causes] or [error.message]
    return PluginError(
        f"{title(content)}: field manager {manager} cannot set what others own: {'; '.join(owned)}; take the fields "
        f'out of the program, or set the annotation {PATCH_FORCE}: "true" to take them over'
    )


def is_forced(inputs: Mapping[str, Any], *, by_setting: bool) -> bool:
    """True if apply overrides other managers: by the annotation, else by the provider's setting."""
    return is_set(inputs, PATCH_FORCE) if annotation(inputs, PATCH_FORCE) else by_setting


def with_ignored(inputs: dict[str, Any], live: Mapping[str, Any], manager: str, ignored: list[str]) -> dict[str, Any]:
    """The inputs with live values at the ignored paths; paths that others own are left out of the apply."""
    result = copy.deepcopy(inputs)
    for path in map(parse_path, ignored):
        found = _at(live, path)
        if found is None:
            continue
        _put(result, path, found if _owns(live, manager, path) else None)
    return result


def _union(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    return {**first, **{key: _union(first.get(key, {}), value) for key, value in second.items()}}


def _owns(live: Mapping[str, Any], manager: str, path: Path) -> bool:
    for entry in metadata(live).get("managedFields") or []:
        if entry.get("manager") == manager:
            fields: Any = entry.get("fieldsV1") or {}
            for part in path:
                # Only the schema knows the keys of list items; below a list all fields count as the plugin's own.
                if isinstance(part, int):
                    return True
                fields = fields.get(f"f:{part}") if isinstance(fields, Mapping) else None
            if fields is not None:
                return True
    return False


def _at(content: Any, path: Path) -> Any:
    for part in path:
        if isinstance(part, int):
            content = content[part] if isinstance(content, list) and part < len(content) else None
        else:
            content = content.get(part) if isinstance(content, Mapping) else None
    return content


def _put(content: Any, path: Path, value: Any) -> None:
    parent = _at(content, path[:-1])
    last = path[-1]
    if isinstance(parent, dict):
        if value is None:
            parent.pop(last, None)
        else:
            parent[last] = value
    elif isinstance(parent, list) and isinstance(last, int) and last < len(parent) and value is not None:
        parent[last] = value
