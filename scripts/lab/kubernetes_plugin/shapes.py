"""The shapes of one object: as the program gives it, as the API server gets it, as it comes back."""

import base64
from typing import Any

from scripts.lab.kubernetes_plugin.annotations import metadata
from scripts.lab.kubernetes_plugin.diff import prune
from scripts.lab.kubernetes_plugin.managers import STATE_KEY
from scripts.lab.kubernetes_plugin.operations import Properties
from scripts.lab.kubernetes_plugin.values import plain

# What upstream keeps beside the live object in the state.
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
    """The object as the API server gets it: no secrets' wrapping, no fields of ours or its own."""
    content: dict[str, Any] = _with_dashes(plain(properties))
    for key in (STATE_KEY, FIRST_VERSION, OLD_STYLE_INPUTS):
        content.pop(key, None)
    known = content.get("metadata")
    if isinstance(known, dict):
        content["metadata"] = {key: value for key, value in known.items() if key not in _SERVER_FIELDS}
    return content


def _with_dashes(content: Any) -> Any:
    # The SDKs cannot have dashes in names, so the OpenAPI extensions of a definition come with underscores.
    if isinstance(content, dict):
        return {
            key.replace("_", "-") if key.startswith("x_kubernetes_") else key: _with_dashes(value)
            for key, value in content.items()
        }
    return [_with_dashes(item) for item in content] if isinstance(content, list) else content


def live_inputs(live: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """The inputs as the live object would have them: what it holds where the known inputs say something."""
    inputs: dict[str, Any] = prune(live, known)
    text = known.get("stringData")
    if live.get("kind") == "Secret" and isinstance(text, dict):
        data = live.get("data") or {}
        inputs["stringData"] = {
            key: base64.b64decode(data[key]).decode(errors="replace") for key in text if key in data
        }
    return inputs


def imported_inputs(live: dict[str, Any]) -> dict[str, Any]:
    """The inputs of an object that no program made: all but what only the server writes."""
    content = as_sent({key: value for key, value in live.items() if key != "status"})
    annotations = metadata(content).get("annotations") or {}
    for key in ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"):
        annotations.pop(key, None)
    return content
