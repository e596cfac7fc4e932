"""The provider's configuration: from the program, the stack's `kubernetes:` settings, and the environment."""

import json
import os
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from scripts.lab.kubernetes_plugin.errors import PluginError
from scripts.lab.kubernetes_plugin.protocol.values import UNKNOWN, holds_unknown, plain

_FROM_ENVIRONMENT = {
    "deleteUnreachable": "PULUMI_K8S_DELETE_UNREACHABLE",
    "skipUpdateUnreachable": "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE",
    "upsertExistingObjects": "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
}


class _Section(BaseModel):
    # Upstream has settings that this plugin does not need, and newer versions add more.
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


class ClientSettings(_Section):
    """Settings of the API client; upstream's request rate limits are not applied."""

    timeout: float = 32.0


class HelmSettings(_Section):
    """Helm's folders and files; empty means Helm's own default."""

    driver: str = ""
    plugins_path: str = ""
    registry_config_path: str = ""
    repository_cache: str = ""
    repository_config_path: str = ""
    suppress_beta_warning: bool = False


class Settings(_Section):
    """One provider's validated configuration."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    cluster_identifier: str = ""
    namespace: str = ""
    enable_server_side_apply: bool = True
    enable_patch_force: bool = False
    upsert_existing_objects: bool = False
    enable_config_map_mutable: bool = False
    enable_secret_mutable: bool = False
    delete_unreachable: bool = False
    skip_update_unreachable: bool = False
    suppress_deprecation_warnings: bool = False
    suppress_helm_hook_warnings: bool = False
    render_yaml_to_directory: str = ""
    kube_client_settings: ClientSettings = ClientSettings()
    helm_release_settings: HelmSettings = HelmSettings()

    @staticmethod
    def parse(given: Mapping[str, Any]) -> "Settings":
        """Parse the engine's properties; settings that the program leaves open come from the environment."""
        content = {key: _decoded(key, value) for key, value in plain(given).items() if not holds_unknown(value)}
        for key, variable in _FROM_ENVIRONMENT.items():
            if key not in content and os.environ.get(variable):
                content[key] = os.environ[variable]
        try:
            settings = Settings.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            setting = ".".join(str(part) for part in first["loc"])
            raise PluginError(f"provider setting {setting} is not valid: {first['msg']}") from None
        settings._refuse_unsupported()
        return settings

    def _refuse_unsupported(self) -> None:
        if self.render_yaml_to_directory:
            raise PluginError("provider setting renderYamlToDirectory is not supported here; use the upstream plugin")
        if not self.enable_server_side_apply:
            raise PluginError("provider setting enableServerSideApply=false is not supported here; leave it out")


def _decoded(key: str, value: Any) -> Any:
    # The SDK sends all values but texts as JSON in a string; a kubeconfig may be JSON and stays a text.
    if key in ("kubeconfig", "namespace", "context", "cluster", "clusterIdentifier") or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The settings that differ; settings not known yet count as changed."""
    keys = {*old, *new} - {"version"}
    return sorted(key for key in keys if new.get(key) is UNKNOWN or plain(old.get(key)) != plain(new.get(key)))
