"""Conversions of one object between the program's inputs, the API server's request and its answer."""

import base64
from typing import Any

from scripts.lab.kubernetes_plugin.objects.annotations import metadata
from scripts.lab.kubernetes_plugin.objects.diff import prune
from scripts.lab.kubernetes_plugin.objects.managers import STATE_KEY
from scripts.lab.kubernetes_plugin.operations import Properties
from scripts.lab.kubernetes_plugin.protocol.values import plain

# Entries that upstream adds to the live object in the state.
FIRST_VERSION = "__initialApiVersion"
OLD_STYLE_INPUTS = "__inputs"
_SERVER_FIELDS = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)


def as_sent(properties: Properties) -> dict[str, Any]:
    """The object for the API server: secrets unwrapped, without fields of the plugin or of the server."""
    content: dict[str, Any] = _with_dashes(plain(properties))
    for key in (STATE_KEY, FIRST_VERSION, OLD_STYLE_INPUTS):
        content.pop(key, None)
    known = content.get("metadata")
    if isinstance(known, dict):
        content["metadata"] = {key: value for key, value in known.items() if key not in _SERVER_FIELDS}
    return content


def _with_dashes(content: Any) -> Any:
    # The SDKs cannot have dashes in names, so a definition's OpenAPI extensions arrive with underscores.
    if isinstance(content, dict):
        return {
            key.replace("_", "-") if key.startswith("x_kubernetes_") else key: _with_dashes(value)
            for key, value in content.items()
        }
    return [_with_dashes(item) for item in content] if isinstance(content, list) else content


def live_inputs(live: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """The inputs with the live object's values, at the paths of the known inputs."""
    inputs: dict[str, Any] = prune(live, known)
    text = known.get("stringData")
    if live.get("kind") == "Secret" and isinstance(text, dict):
        data = live.get("data") or {}
        inputs["stringData"] = {
            key: base64.b64decode(data[key]).decode(errors="replace") for key in text if key in data
        }
    return inputs


def imported_inputs(live: dict[str, Any]) -> dict[str, Any]:
    """The inputs for an imported object: all fields except those that only the server writes."""
    content = as_sent({key: value for key, value in live.items() if key != "status"})
    annotations = metadata(content).get("annotations") or {}
    for key in ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"):
        annotations.pop(key, None)
    return content
