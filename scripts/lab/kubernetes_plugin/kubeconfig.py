"""The kubeconfig of the provider's settings, or of the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scripts.lab.kubernetes_plugin.errors import PluginError
from scripts.lab.kubernetes_plugin.settings import Settings


@dataclass(frozen=True)
class Kubeconfig:
    """A kubeconfig's content; empty without one, as in a pod."""

    content: dict[str, Any]

    @staticmethod
    def load(settings: Settings) -> "Kubeconfig":
        """The kubeconfig of the settings (content or path), else of KUBECONFIG or the home folder."""
        content = _given(settings.kubeconfig) if settings.kubeconfig else _from_environment()
        if settings.context:
            content["current-context"] = settings.context
        if settings.cluster:
            for context in content.get("contexts") or []:
                if context["name"] == content.get("current-context"):
                    context["context"]["cluster"] = settings.cluster
        return Kubeconfig(content)

    @property
    def server(self) -> str:
        """The API server's address."""
        return str(self._named("clusters", "cluster", self._context.get("cluster", "")).get("server", ""))

    @property
    def namespace(self) -> str:
        """The current context's namespace, or an empty string."""
        return str(self._context.get("namespace") or "")

    @property
    def _context(self) -> Mapping[str, Any]:
        return self._named("contexts", "context", self.content.get("current-context", ""))

    def _named(self, section: str, entry: str, name: str) -> Mapping[str, Any]:
        for item in self.content.get(section) or []:
            if item.get("name") == name:
                found: Mapping[str, Any] = item.get(entry) or {}
                return found
        return {}


def _given(setting: str) -> dict[str, Any]:
    path = Path(setting).expanduser() if "\n" not in setting and not setting.lstrip().startswith("{") else None
    content = yaml.safe_load(path.read_text() if path and path.is_file() else setting)
    if not isinstance(content, dict):
        raise PluginError("provider setting kubeconfig is no kubeconfig's content and no file that exists")
    return content


def _from_environment() -> dict[str, Any]:
    from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION, KubeConfigMerger

    merged = KubeConfigMerger(KUBE_CONFIG_DEFAULT_LOCATION).config
    return dict(_plain(merged)) if merged is not None else {}


def _plain(node: Any) -> Any:
    """Plain data from the wrapper types of the library that merges several kubeconfig files."""
    value = getattr(node, "value", node)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
