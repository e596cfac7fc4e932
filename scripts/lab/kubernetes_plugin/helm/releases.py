"""Operations on one Helm release: implements `kubernetes:helm.sh/v3:Release` with the helm program."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from scripts.lab.kubernetes_plugin.cluster import Cluster
from scripts.lab.kubernetes_plugin.errors import InitializationError, PluginError
from scripts.lab.kubernetes_plugin.helm.helm import Helm, HelmError, LiveRelease
from scripts.lab.kubernetes_plugin.helm.rendering_cache import Rendering, kept
from scripts.lab.kubernetes_plugin.objects.diff import differences, parse_path
from scripts.lab.kubernetes_plugin.operations import Checked, Diffed, Made, Naming, Properties, Request
from scripts.lab.kubernetes_plugin.protocol.naming import fresh_name
from scripts.lab.kubernetes_plugin.protocol.tokens import join_id, split_id
from scripts.lab.kubernetes_plugin.protocol.values import TextFile, holds_unknown, plain, with_secrets_of

_DEFAULT_SECONDS = 300
_OLD_STYLE_INPUTS = "__inputs"
_IDENTITY = ("name", "namespace")
# Helm 4's messages that differ from those of upstream, which is built on Helm 3.
_NAME_IN_USE = re.compile(r"cannot re-?use a name that is still in use")
_REFUSED = ("lint", "postrender", "recreatePods")
_SWITCHES = {
    "atomic": "--rollback-on-failure",
    "dependencyUpdate": "--dependency-update",
    "devel": "--devel",
    "disableOpenapiValidation": "--disable-openapi-validation",
    "renderSubchartNotes": "--render-subchart-notes",
    "skipCrds": "--skip-crds",
    "takeOwnership": "--take-ownership",
}
_INSTALL_SWITCHES = {"createNamespace": "--create-namespace", "disableWebhooks": "--no-hooks", "replace": "--replace"}
_UPGRADE_SWITCHES = {
    "cleanupOnFail": "--cleanup-on-fail",
    "disableCRDHooks": "--no-hooks",
    "forceUpdate": "--force-replace",
    "reuseValues": "--reuse-values",
}
_REPOSITORY = {
    "repo": "--repo", "caFile": "--ca-file", "certFile": "--cert-file", "keyFile": "--key-file",
    "password": "--password", "username": "--username",
}  # fmt: skip


@dataclass
class Releases:
    """Operations on Helm releases."""

    helm: Helm
    cluster: Cluster

    def check(self, request: Request, naming: Naming) -> Checked:
        """Fill in the defaults and render the chart, so that wrong values fail before anything changes."""
        inputs = {key: value for key, value in request.inputs.items() if key != "compat"}
        refused = {key: "is not supported by this stand-in; leave it out" for key in _REFUSED if plain(inputs.get(key))}
        if inputs.get("name") is None:
            inputs["name"] = plain(request.old_inputs).get("name") or fresh_name(request.urn, naming)
        if not inputs.get("namespace"):
            inputs["namespace"] = self.cluster.default_namespace or "default"
        if not inputs.get("skipAwait"):
            inputs.setdefault("timeout", _DEFAULT_SECONDS)
        if refused or holds_unknown(inputs):
            return Checked(inputs, refused)
        if files := inputs.pop("valueYamlFiles", None):
            inputs["values"] = with_secrets_of(_merged(files, plain(inputs.get("values")) or {}), inputs.get("values"))
        try:
            rendering = self._render(plain(inputs))
        except HelmError as error:
            return Checked(inputs, {"chart": f"{error}; check the chart, its repository and the values"})
        inputs["checksum"] = rendering.checksum
        inputs["resourceNames"] = rendering.names
        return Checked(inputs)

    def diff(self, request: Request) -> Diffed:
        """Compare with the last inputs; another name or namespace is another release."""
        ignored = [parse_path(path) for path in request.ignored]
        found = differences(plain(_old_inputs(request)), plain(request.inputs), immutable=_IDENTITY)
        return Diffed([each for each in found if not any(each.path[: len(path)] == path for path in ignored)])

    def create(self, request: Request) -> Made:
        """Install; no release of that name may exist."""
        if request.preview:
            return Made("", request.inputs)
        return self._run(request, "install", _switches(plain(request.inputs), _INSTALL_SWITCHES))

    def read(self, request: Request) -> Made:
        """The newest revision in Helm's records, in whatever status; an empty id if there is none."""
        namespace, name = split_id(request.object_id)
        namespace = namespace or self.cluster.default_namespace or "default"
        live = self.helm.find(name, namespace)
        if live is None:
            return Made("", {})
        old = _old_inputs(request)
        inputs = dict(old) or {"chart": live.chart, "name": name, "namespace": namespace, "timeout": _DEFAULT_SECONDS}
        if not old or live.values != _given_values(plain(old)):
            inputs["values"] = with_secrets_of(dict(live.values), old.get("values"))
        if not old:
            inputs["version"] = live.version
        return Made(request.object_id, _state(inputs, live), inputs)

    def update(self, request: Request) -> Made:
        """Upgrade, also from a revision that failed; Helm refuses one that is pending."""
        if request.preview:
            return Made(request.object_id, request.inputs)
        namespace, name = split_id(request.object_id)
        live = self.helm.find(name, namespace)
        if live is None:
            raise PluginError(f"Release {namespace}/{name} is gone; run `pulumi refresh`, then it is installed anew")
        inputs = plain(request.inputs)
        history = f"--history-max={int(inputs.get('maxHistory') or 0)}"
        # Without it Helm reuses the last revision's values if the program gives none.
        reset = [] if inputs.get("reuseValues") and not inputs.get("resetValues") else ["--reset-values"]
        flags = [history, *reset, *_switches(inputs, _UPGRADE_SWITCHES)]
        return self._run(request, "upgrade", flags, before=live.revision)

    def delete(self, request: Request) -> None:
        """Uninstall and wait until its objects are gone, unless skipAwait is set; nothing to do if it is gone."""
        namespace, name = split_id(request.object_id)
        inputs = plain(_old_inputs(request) or request.state)
        waits = _waits(inputs)
        timeout = _timeout(inputs, request) if waits else []
        try:
            self.helm.run("uninstall", name, "--ignore-not-found", *waits, *timeout, namespace=namespace)
        except HelmError as error:
            raise PluginError(f"Release {namespace}/{name} was not uninstalled: {error}") from None

    def _run(self, request: Request, verb: str, flags: list[str], *, before: int = 0) -> Made:
        inputs = plain(request.inputs)
        name, namespace = inputs["name"], inputs["namespace"]
        waits = _waits(inputs)
        if waits and inputs.get("waitForJobs"):
            waits.append("--wait-for-jobs")
        if inputs.get("description"):
            flags.append(f"--description={inputs['description']}")
        # Upstream's library is Helm 3: the client merges changes, and a server-side apply of ours would meet conflicts
        # with every other owner of a field.
        command = [verb, name, *_chart(inputs), *_switches(inputs, _SWITCHES), *flags, *waits, "--server-side=false"]
        object_id = join_id(namespace, name)
        try:
            self.helm.run(*command, *_timeout(inputs, request), namespace=namespace, values=_given_values(inputs))
        except PluginError as error:
            if _NAME_IN_USE.search(str(error)):
                raise PluginError("cannot re-use a name that is still in use") from None
            live = self.helm.find(name, namespace)
            if live is None:
                raise PluginError(f"Release {object_id} was not installed: {error}") from None
            if live.revision == before:
                raise PluginError(str(error)) from None  # Helm changed nothing
            reason = f"Release {object_id} is {live.status} after helm {verb}: {error}"
            raise InitializationError(object_id, _state(request.inputs, live), [reason]) from None
        live = self.helm.find(name, namespace)
        if live is None:
            raise PluginError(f"Release {object_id} vanished right after helm {verb}; find out what deletes it")
        return Made(object_id, _state(request.inputs, live))

    def _render(self, inputs: Mapping[str, Any]) -> Rendering:
        flags = [] if inputs.get("skipCrds") else ["--include-crds"]
        if inputs.get("disableWebhooks"):
            flags.append("--no-hooks")
        for key in ("dependencyUpdate", "devel", "renderSubchartNotes"):
            flags += [_SWITCHES[key]] if inputs.get(key) else []
        command = ["template", inputs["name"], *_chart(inputs), *flags]
        namespace, values = inputs["namespace"], _given_values(inputs)

        def render() -> Rendering:
            manifest = self.helm.run(*command, namespace=namespace, values=values)
            return Rendering(checksum=hashlib.sha256(manifest.encode()).hexdigest(), names=_resource_names(manifest))

        return kept(render, chart=inputs["chart"], command=command, namespace=namespace, values=values)


def _old_inputs(request: Request) -> Properties:
    kept = request.state.get(_OLD_STYLE_INPUTS)
    return request.old_inputs or (plain(kept) if kept else {})


def _chart(inputs: Mapping[str, Any]) -> list[str]:
    repository = inputs.get("repositoryOpts") or {}
    flags = [f"{flag}={repository[key]}" for key, flag in _REPOSITORY.items() if repository.get(key)]
    if inputs.get("version"):
        flags.append(f"--version={inputs['version']}")
    if inputs.get("verify"):
        flags += ["--verify", *([f"--keyring={inputs['keyring']}"] if inputs.get("keyring") else [])]
    return [inputs["chart"], *flags]


def _switches(inputs: Mapping[str, Any], table: Mapping[str, str]) -> list[str]:
    return [flag for key, flag in table.items() if inputs.get(key)]


def _waits(inputs: Mapping[str, Any]) -> list[str]:
    # Helm 3's rule of readiness, as upstream's plugin is built on Helm 3.
    return [] if inputs.get("skipAwait") and not inputs.get("atomic") else ["--wait=legacy"]


def _timeout(inputs: Mapping[str, Any], request: Request) -> list[str]:
    return [f"--timeout={inputs.get('timeout') or request.timeout or _DEFAULT_SECONDS}s"]


def _given_values(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return dict(inputs.get("values") or {})


def _merged(files: Any, values: dict[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for file in plain(files):
        if not isinstance(file, TextFile):
            raise PluginError("valueYamlFiles takes files and texts (FileAsset, StringAsset) only")
        merged = _over(merged, yaml.safe_load(file.read()) or {})
    return _over(merged, values)


def _over(base: dict[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    both = {key: _over(base[key], value) if isinstance(value, Mapping) and isinstance(base.get(key), dict) else value
            for key, value in top.items()}  # fmt: skip
    return {**base, **both}


def _resource_names(manifest: str) -> dict[str, list[str]]:
    names: dict[str, set[str]] = {}
    for content in yaml.load_all(manifest, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if not isinstance(content, dict) or "kind" not in content:
            continue
        group, _, _ = content["apiVersion"].rpartition("/")
        kind = f"{content['kind']}.{group}" if group else content["kind"]
        known = content.get("metadata") or {}
        names.setdefault(f"{kind}/{content['apiVersion']}", set()).add(
            join_id(known.get("namespace", ""), known.get("name", ""))
        )
    return {kind: sorted(found) for kind, found in sorted(names.items())}


def _state(inputs: Properties, live: LiveRelease) -> Properties:
    status = {
        "appVersion": live.app_version,
        "chart": live.chart,
        "name": live.name,
        "namespace": live.namespace,
        "revision": live.revision,
        "status": live.status,
        "version": live.version,
    }
    return {**inputs, "version": live.version, "resourceNames": _resource_names(live.manifest), "status": status}
