"""Changes of the provider's own settings, and those among them that mean another cluster."""

from collections.abc import Mapping
from typing import Any

from scripts.lab.kubernetes_plugin.errors import PluginError
from scripts.lab.kubernetes_plugin.kubeconfig import Kubeconfig
from scripts.lab.kubernetes_plugin.objects.diff import Change, Difference
from scripts.lab.kubernetes_plugin.protocol.values import holds_unknown
from scripts.lab.kubernetes_plugin.settings import Settings, changed_keys

_WHERE = frozenset({"kubeconfig", "context", "cluster"})


def differences_of_settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """The changed settings; those that select another cluster replace the provider and all its resources."""
    changed = changed_keys(old, new)
    elsewhere = bool(_WHERE.intersection(changed)) and _server(old) != _server(new) and not holds_unknown(dict(new))
    identified = bool(old.get("clusterIdentifier") or new.get("clusterIdentifier"))
    return [
        Difference(
            (key,),
            Change.ADD if key not in old else Change.DELETE if key not in new else Change.UPDATE,
            replaces=key == "clusterIdentifier" if identified else elsewhere and key in _WHERE,
        )
        for key in changed
    ]


def _server(settings: Mapping[str, Any]) -> str:
    try:
        return Kubeconfig.load(Settings.parse(settings)).server
    except (PluginError, OSError):
        return ""
