"""The `pulumi.com/` annotations by which a program controls the handling of one object."""

from collections.abc import Mapping
from typing import Any

AUTONAMED = "pulumi.com/autonamed"
SKIP_AWAIT = "pulumi.com/skipAwait"
WAIT_FOR = "pulumi.com/waitFor"
TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"
REPLACE_UNREADY = "pulumi.com/replaceUnready"
PATCH_FORCE = "pulumi.com/patchForce"
FIELD_MANAGER = "pulumi.com/patchFieldManager"
DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy"


def metadata(content: Mapping[str, Any]) -> dict[str, Any]:
    """The object's metadata; empty if it has none, or they are not known yet."""
    found = content.get("metadata")
    return found if isinstance(found, dict) else {}


def annotation(content: Mapping[str, Any], name: str) -> str:
    """One annotation's value, or an empty string."""
    annotations = metadata(content).get("annotations")
    value = annotations.get(name) if isinstance(annotations, dict) else None
    return value if isinstance(value, str) else ""


def is_set(content: Mapping[str, Any], name: str) -> bool:
    """True if the annotation is `true`."""
    return annotation(content, name) == "true"


def timeout_seconds(content: Mapping[str, Any], *, requested: float, default: float) -> float:
    """The time to wait: the resource option customTimeouts, else the annotation, else the default."""
    if requested > 0:
        return requested
    try:
        return float(annotation(content, TIMEOUT_SECONDS) or default)
    except ValueError:
        return default
