"""Writes of one Kubernetes object: creation, server-side apply, and a second try while its kind is not served yet."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any

from scripts.lab.kubernetes_plugin.cluster import ApiError, Cluster, UnknownKindError, kind_of, namespace_of, title
from scripts.lab.kubernetes_plugin.errors import PluginError
from scripts.lab.kubernetes_plugin.objects import managers
from scripts.lab.kubernetes_plugin.objects.annotations import (
    metadata,
)
from scripts.lab.kubernetes_plugin.operations import Request
from scripts.lab.kubernetes_plugin.protocol.messages import EngineLog
from scripts.lab.kubernetes_plugin.protocol.tokens import parse_token, type_of
from scripts.lab.kubernetes_plugin.settings import Settings

_RETRY_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass
class Writer:
    """Writes objects of every kind; `cancelled` ends the waits."""

    cluster: Cluster
    settings: Settings
    log: EngineLog
    cancelled: Event

    def _make(self, inputs: dict[str, Any], manager: str, request: Request) -> dict[str, Any]:
        if is_patch(request.urn, inputs):
            name = metadata(inputs)["name"]
            if self.cluster.find(kind_of(inputs), namespace_of(inputs), name) is None:
                raise PluginError(f"{title(inputs)} does not exist, so there is nothing to patch; create it first")
            force = managers.is_forced(inputs, by_setting=self.settings.enable_patch_force)
            return self.cluster.apply(inputs, manager=manager, force=force)
        if self.settings.upsert_existing_objects:
            # A replacement's dry run sees the old object's fields; only a real run may fail on conflicts.
            force = request.preview or managers.is_forced(inputs, by_setting=self.settings.enable_patch_force)
            if not request.preview:
                found = self.cluster.find(kind_of(inputs), namespace_of(inputs), metadata(inputs).get("name", ""))
                if found:
                    managers.take_over(found, self.cluster, managers.Succession(manager))
            return self.cluster.apply(inputs, manager=manager, force=force, dry_run=request.preview)
        made = self.cluster.create(inputs, manager=manager, dry_run=request.preview)
        return made if request.preview else self._applied(made, manager)

    def _applied(self, made: dict[str, Any], manager: str) -> dict[str, Any]:
        # The object was created by POST, as apply cannot refuse an existing one. Its fields are recorded as applied at
        # once, or the next dry run would treat the plugin's own fields as another manager's.
        try:
            return managers.take_over(made, self.cluster, managers.Succession(manager))
        except ApiError:
            return made  # It changed in between; the next update tries again.

    def _retried(self, make: Callable[[], dict[str, Any]], request: Request) -> dict[str, Any]:
        # Namespaces and definitions may come from a step that has just ended.
        for pause in () if request.preview else _RETRY_PAUSES:
            try:
                return make()
            except (ApiError, UnknownKindError) as error:
                if isinstance(error, ApiError) and error.code != 404:
                    raise
                self.log.progress(request.urn, f"tries again in {pause:g} s: {error}")
                if self.cancelled.wait(pause):
                    raise
        return make()

    def _change(
        self, old: dict[str, Any], request: Request, inputs: dict[str, Any], manager: str, former: str
    ) -> dict[str, Any]:
        if kind_of(inputs).name == "CustomResourceDefinition" and not is_patch(request.urn, inputs):
            version = metadata(old)["resourceVersion"]
            content = {**inputs, "metadata": {**metadata(inputs), "resourceVersion": version}}
            changed = self.cluster.replace(content, manager=manager, dry_run=request.preview)
            self.cluster.forget_kinds()
            return changed
        force = managers.is_forced(inputs, by_setting=self.settings.enable_patch_force)
        # The other fields of a patched object belong to its owner, whatever the owner's name.
        whole = not is_patch(request.urn, inputs)
        succession = managers.Succession(manager, former_name=former, whole_object=whole)
        if request.preview:
            force = force or bool(succession.inherited(old))
        else:
            old = managers.take_over(old, self.cluster, succession)
        wanted = managers.with_ignored(inputs, old, manager, list(request.ignored))
        name = metadata(old)["name"]
        return self.cluster.apply(wanted, manager=manager, force=force, dry_run=request.preview, name=name)


def is_patch(urn: str, inputs: dict[str, Any]) -> bool:
    """True for a resource that changes fields of another's object."""
    token = type_of(urn)
    # A custom resource's kind may itself end in "Patch".
    return parse_token(token).is_patch and not token.endswith(f":{inputs.get('kind')}")


def not_created(error: ApiError, inputs: dict[str, Any], manager: str) -> PluginError:
    """The error of a create that the API server refused."""
    if error.reason == "AlreadyExists":
        return PluginError(
            f"{title(inputs)} already exists, so it was not created; import it, change it with a "
            f"{inputs.get('kind')}Patch, or set the provider option upsertExistingObjects to adopt it"
        )
    if error.code == 409:
        return managers.conflict(error, inputs, manager)
    return PluginError(f"{title(inputs)} was not created: {error}")


def not_changed(error: ApiError, inputs: dict[str, Any], manager: str) -> PluginError:
    """The error of a change that the API server refused."""
    if error.code == 409 and error.causes:
        return managers.conflict(error, inputs, manager)
    return PluginError(f"{title(inputs)} was not changed: {error}")
