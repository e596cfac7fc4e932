"""Operations on one Kubernetes object or patch: create, read, change by server-side apply, and delete."""

import time
from collections.abc import Callable
from typing import Any

from scripts.lab.kubernetes_plugin.cluster import ApiError, UnknownKindError, kind_of, namespace_of, title
from scripts.lab.kubernetes_plugin.errors import InitializationError, PluginError, UnreachableError
from scripts.lab.kubernetes_plugin.objects import awaiting, managers
from scripts.lab.kubernetes_plugin.objects.annotations import (
    AUTONAMED,
    DELETION_PROPAGATION,
    REPLACE_UNREADY,
    SKIP_AWAIT,
    annotation,
    is_set,
    metadata,
    timeout_seconds,
)
from scripts.lab.kubernetes_plugin.objects.diff import Change, Difference, differences, immutable_places, parse_path
from scripts.lab.kubernetes_plugin.objects.shapes import (
    FIRST_VERSION,
    OLD_STYLE_INPUTS,
    as_sent,
    imported_inputs,
    live_inputs,
)
from scripts.lab.kubernetes_plugin.objects.writer import Writer, is_patch, not_changed, not_created
from scripts.lab.kubernetes_plugin.operations import Checked, Diffed, Made, Naming, Properties, Request
from scripts.lab.kubernetes_plugin.protocol.naming import name_object
from scripts.lab.kubernetes_plugin.protocol.tokens import Kind, join_id, parse_token, split_id, type_of
from scripts.lab.kubernetes_plugin.protocol.values import Secret, holds_unknown, plain, with_secrets_of


class Objects(Writer):
    """Operations on objects of every kind; `cancelled` ends the waits."""

    def check(self, request: Request, naming: Naming) -> Checked:
        """Fill in the name and namespace; a patch must name its object."""
        inputs = as_sent(request.inputs)
        if is_patch(request.urn, inputs):
            if metadata(inputs).get("name") is None and isinstance(inputs.get("metadata", {}), dict):
                return Checked(inputs, {"metadata.name": "a patch must name the object that it changes"})
        else:
            name_object(inputs, plain(request.old_inputs), request.urn, naming)
        known, namespace = metadata(inputs), self.cluster.default_namespace
        if namespace and known and not known.get("namespace") and self.cluster.is_namespaced(kind_of(inputs)):
            known["namespace"] = namespace
        return Checked(with_secrets_of(inputs, request.inputs))

    def diff(self, request: Request) -> Diffed:
        """Compare with the last inputs, which a refresh has brought in line with the live object."""
        new, old = as_sent(request.inputs), _old_inputs(request)
        kind, patch = kind_of(new), is_patch(request.urn, new)
        for content in (old, new):
            self._name_namespace(content, kind)
        marked = bool(old.get("immutable"))
        places = immutable_places(kind, self.settings, is_patch=patch, marked_immutable=marked)
        ignored = [parse_path(path) for path in request.ignored]
        found = [
            each
            for each in differences(old, new, immutable=places)
            if not any(each.path[: len(path)] == path for path in ignored)
        ]
        if found and not patch and not holds_unknown(new) and not any(each.replaces for each in found):
            found = self._refused_in_place(found, new, request)
        if is_set(new, REPLACE_UNREADY) and kind.name == "Job" and self._is_unready(new):
            found.append(Difference(("metadata", "annotations", REPLACE_UNREADY), Change.UPDATE, replaces=True))
        same_object = all(metadata(old).get(key) == metadata(new).get(key) for key in ("name", "namespace"))
        delete_first = any(each.replaces for each in found) and same_object and not is_set(new, AUTONAMED)
        return Diffed(found, delete_first)

    def create(self, request: Request) -> Made:
        """Create the object and wait until it is ready; it must not exist unless upsertExistingObjects is set."""
        inputs = as_sent(request.inputs)
        if request.preview and not self._can_preview(request.urn, inputs):
            return Made("", request.inputs)
        manager = managers.manager_name(inputs, {})
        try:
            live = self._retried(lambda: self._make(inputs, manager, request), request)
        except ApiError as error:
            if request.preview and (error.is_missing_namespace or error.code == 403 or error.reason == "AlreadyExists"):
                # An earlier step of the same update may create or delete the object that the dry run found.
                return Made("", request.inputs)
            raise not_created(error, inputs, manager) from None
        if request.preview:
            live.pop("status", None)
            return Made("", self._state(live, request, manager))
        return self._when_ready(live, request, inputs, manager)

    def read(self, request: Request) -> Made:
        """The live object and the inputs that would create it; an empty id if it is gone."""
        namespace, name = split_id(request.object_id)
        old = _old_inputs(request) or as_sent(request.state)
        kind = kind_of(old) if old.get("kind") else parse_token(type_of(request.urn)).kind
        try:
            live = self.cluster.find(kind, namespace, name)
        except UnreachableError:
            if self.settings.delete_unreachable:
                return Made("", {})
            if self.settings.skip_update_unreachable:
                return Made(request.object_id, request.state, request.old_inputs)
            raise
        if live is None:
            return Made("", {})
        known = _old_inputs(request)
        inputs = live_inputs(live, known) if known else imported_inputs(live)
        manager = managers.manager_name(known, plain(request.state))
        state = self._state(live, request, manager)
        inputs = with_secrets_of(inputs, request.old_inputs)
        lacking = self._lacking(live, known) if known else []
        if lacking:
            raise InitializationError(request.object_id, state, [f"{title(live)}: {lacking[0]}", *lacking[1:]], inputs)
        return Made(request.object_id, state, inputs)

    def update(self, request: Request) -> Made:
        """Apply the inputs to the object and wait until it is ready again."""
        inputs = as_sent(request.inputs)
        if request.preview and (holds_unknown(inputs) or not self._is_served(inputs)):
            return Made(request.object_id, request.inputs)
        former = managers.manager_name(_old_inputs(request), plain(request.state))
        manager = managers.manager_name(inputs, plain(request.state))
        _, name = split_id(request.object_id)
        self._name_namespace(inputs, kind_of(inputs))
        old = self.cluster.find(kind_of(inputs), namespace_of(inputs), name)
        if old is None:
            raise PluginError(f"{title(inputs)} is gone from the cluster; run `pulumi refresh`, then it is made anew")
        try:
            live = self._change(old, request, inputs, manager, former)
        except ApiError as error:
            if request.preview and error.code == 403:
                return Made(request.object_id, request.inputs)
            raise not_changed(error, inputs, manager) from None
        if request.preview:
            return Made(request.object_id, self._state(live, request, manager))
        return self._when_ready(live, request, inputs, manager)

    def delete(self, request: Request) -> None:
        """Delete the object and wait until it is gone; a patch gives its fields back instead."""
        state, inputs = as_sent(request.state), _old_inputs(request)
        namespace, name = split_id(request.object_id)
        kind = kind_of(state) if state.get("kind") else parse_token(type_of(request.urn)).kind
        try:
            live = self.cluster.find(kind, namespace or namespace_of(state), name)
        except UnreachableError:
            if self.settings.delete_unreachable:
                return
            raise
        manager = managers.manager_name(inputs, plain(request.state))
        if is_patch(request.urn, inputs or state):
            # An empty apply to a missing object would create a stub (upstream does not check either).
            managers.relinquish(live or {**(inputs or state)}, self.cluster, manager)
            return
        if live is None:
            return
        policy = (annotation(inputs, DELETION_PROPAGATION) or "foreground").capitalize()
        try:
            self.cluster.delete(kind, namespace_of(live), name, propagation=policy)
        except ApiError as error:
            if error.code == 404:
                return
            if error.code == 403 and "may not be deleted" in error.message:
                managers.relinquish(live, self.cluster, manager)
                self.log.warn(request.urn, f"{title(live)} may not be deleted; its fields were given back instead")
                return
            raise PluginError(f"{title(live)} was not deleted: {error}") from None
        if is_set(inputs, SKIP_AWAIT):
            return
        seconds = timeout_seconds(inputs, requested=request.timeout, default=awaiting.DELETE_SECONDS)
        try:
            awaiting.wait_gone(
                live, self.cluster, seconds=seconds, cancelled=self.cancelled, say=self._progress(request.urn)
            )
        except awaiting.NotReadyError as error:
            raise PluginError(str(error)) from None

    def _when_ready(self, live: dict[str, Any], request: Request, inputs: dict[str, Any], manager: str) -> Made:
        object_id = join_id(namespace_of(live), metadata(live)["name"])
        seconds = timeout_seconds(inputs, requested=request.timeout, default=awaiting.DEFAULT_SECONDS)
        try:
            if not is_set(inputs, SKIP_AWAIT):
                live = awaiting.wait_ready(
                    live, self.cluster, seconds=seconds, cancelled=self.cancelled, say=self._progress(request.urn)
                )
        except awaiting.NotReadyError as error:
            raise InitializationError(object_id, self._state(error.live, request, manager), error.reasons) from None
        self.log.progress(request.urn, "")
        return Made(object_id, self._state(live, request, manager))

    def _progress(self, urn: str) -> Callable[[str], None]:
        last = [("", time.monotonic())]

        def say(message: str) -> None:
            if message != last[0][0]:
                last[0] = (message, time.monotonic())
                self.log.progress(urn, message)

        return say

    def _lacking(self, live: dict[str, Any], inputs: dict[str, Any]) -> list[str]:
        if is_set(inputs, SKIP_AWAIT):
            return []
        try:
            return awaiting.missing(live, self.cluster)
        except awaiting.HopelessError as error:
            return [str(error)]

    def _is_unready(self, inputs: dict[str, Any]) -> bool:
        live = self.cluster.find(kind_of(inputs), namespace_of(inputs), metadata(inputs).get("name", ""))
        return live is not None and bool(self._lacking(live, {}))

    def _refused_in_place(self, found: list[Difference], new: dict[str, Any], request: Request) -> list[Difference]:
        # The table of immutable fields cannot know every kind; the API server does.
        try:
            manager = managers.manager_name(new, plain(request.state))
            self.cluster.apply(new, manager=manager, force=True, dry_run=True)
        except ApiError as error:
            if error.is_immutable:
                refused = [cause.get("field", "") for cause in error.causes if cause.get("field")]
                marked = differences(_old_inputs(request), new, immutable=refused)
                if any(each.replaces for each in marked):
                    return marked
                return [Difference(each.path, each.change, replaces=True) for each in found]
        except (UnreachableError, UnknownKindError):
            pass
        return found

    def _can_preview(self, urn: str, inputs: dict[str, Any]) -> bool:
        return not (holds_unknown(inputs) or is_patch(urn, inputs)) and self._is_served(inputs)

    def _is_served(self, inputs: dict[str, Any]) -> bool:
        try:
            return self.cluster.serves(kind_of(inputs))
        except UnreachableError:
            return False

    def _name_namespace(self, content: dict[str, Any], kind: Kind) -> None:
        # The API server reads a missing namespace as "default", and ignores one on kinds without namespaces.
        known = content.get("metadata")
        if not isinstance(known, dict):
            return
        if not self.cluster.is_namespaced(kind):
            known.pop("namespace", None)
        elif not known.get("namespace"):
            known["namespace"] = self.cluster.default_namespace or "default"

    def _state(self, live: dict[str, Any], request: Request, manager: str) -> Properties:
        inputs = request.inputs or request.old_inputs
        state: Properties = with_secrets_of(live, inputs)
        if live.get("kind") == "Secret" and live.get("apiVersion") == "v1":
            state |= {key: Secret(live[key]) for key in ("data", "stringData") if key in live}
        first_version = plain(request.state).get(FIRST_VERSION) or live["apiVersion"]
        return {**state, managers.STATE_KEY: manager, FIRST_VERSION: first_version}


def _old_inputs(request: Request) -> dict[str, Any]:
    # Old versions of the engine did not send them; upstream kept a copy in the state for those.
    return as_sent(request.old_inputs or plain(request.state).get(OLD_STYLE_INPUTS) or {})
