"""Names for objects that the program leaves unnamed: the resource's name with a random suffix."""

import hashlib
import secrets
from typing import Any

from scripts.lab.kubernetes_plugin.errors import PluginError
from scripts.lab.kubernetes_plugin.objects.annotations import AUTONAMED, is_set, metadata
from scripts.lab.kubernetes_plugin.operations import Naming
from scripts.lab.kubernetes_plugin.protocol.tokens import name_of


def fresh_name(urn: str, naming: Naming) -> str:
    """A name for a new resource; the same seed gives the same name, so preview and update agree."""
    if naming.forbidden:
        raise PluginError(f"{name_of(urn)}: automatic names are off in this stack's configuration; give it a name")
    if naming.proposed:
        return naming.proposed
    end = hashlib.sha256(naming.seed + urn.encode()).hexdigest()[:8] if naming.seed else secrets.token_hex(4)
    return f"{name_of(urn).lower()}-{end}"


def name_object(inputs: dict[str, Any], old_inputs: dict[str, Any], urn: str, naming: Naming) -> None:
    """Name the object if it has no name: by its old automatic name, else by a new one."""
    known = inputs.setdefault("metadata", {})
    if not isinstance(known, dict) or known.get("name") is not None or known.get("generateName") is not None:
        return
    annotations = known.get("annotations")
    if annotations is not None and not isinstance(annotations, dict):
        return
    old_name = metadata(old_inputs).get("name")
    if old_name and not is_set(old_inputs, AUTONAMED):
        # The program used to set a name and no longer does: the object gets an automatic name.
        old_name = None
    known["name"] = old_name or fresh_name(urn, naming)
    known["annotations"] = {**(annotations or {}), AUTONAMED: "true"}
