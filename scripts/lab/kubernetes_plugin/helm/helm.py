"""Runs the real helm program: installs, upgrades, uninstalls, renders and reads releases; passes on its error texts."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from threading import Event
from typing import IO, Any

from scripts.lab.kubernetes_plugin.cluster import Cluster
from scripts.lab.kubernetes_plugin.errors import CancelledError, PluginError
from scripts.lab.kubernetes_plugin.settings import Settings

_POLL_SECONDS = 0.2
_GRACE_SECONDS = 20.0


class HelmError(PluginError):
    """Helm failed; the text is its own error message."""


@dataclass(frozen=True)
class LiveRelease:
    """A release in Helm's records."""

    name: str
    namespace: str
    chart: str
    version: str
    app_version: str
    revision: int
    status: str
    values: Mapping[str, Any]
    manifest: str


class Helm:
    """Runs helm against the provider's cluster; `cancelled` makes it stop, which Helm records as a failure."""

    def __init__(self, cluster: Cluster, settings: Settings, cancelled: Event) -> None:
        self._cluster = cluster
        self._settings = settings
        self._cancelled = cancelled

    def run(
        self, *arguments: str, namespace: str, values: Mapping[str, Any] | None = None, only_reads: bool = False
    ) -> str:
        """Run helm and return its output; values go through its standard input, never through a file."""
        with_values = [] if values is None else ["--values=-"]
        command = [self._binary(), *arguments, *with_values, f"--namespace={namespace}"]
        inherited = [self._kubeconfig.fileno()] if self._kubeconfig else []
        command += [f"--kubeconfig=/proc/self/fd/{number}" for number in inherited]
        process = subprocess.Popen(
            command,
            env=self._environment(),
            pass_fds=inherited,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        given: str | None = "" if values is None else json.dumps(values)
        stopping = 0
        while True:
            try:
                output, errors = process.communicate(given, timeout=_POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                given = None
                # Reads go on after a cancel, so that the engine records the state that the operation left.
                if self._cancelled.is_set() and not only_reads:
                    stopping += 1
                    process.kill() if stopping * _POLL_SECONDS > _GRACE_SECONDS else process.terminate()
        if process.returncode != 0:
            failure = CancelledError if stopping else HelmError
            raise failure(_last_words(errors) or f"helm {arguments[0]} ended with exit code {process.returncode}")
        return output

    def find(self, name: str, namespace: str) -> LiveRelease | None:
        """The newest revision of a release, or None if it does not exist."""
        with ThreadPoolExecutor(max_workers=3) as pool:
            described = pool.submit(self._get, "metadata", name, "--output=json", namespace=namespace)
            given = pool.submit(self._get, "values", name, "--output=json", namespace=namespace)
            rendered = pool.submit(self._get, "manifest", name, namespace=namespace)
        try:
            known, manifest = json.loads(described.result()), rendered.result()
            values = json.loads(given.result()) or {}
        except HelmError as error:
            if "not found" in str(error):
                return None
            raise
        return LiveRelease(
            name=name,
            namespace=known.get("namespace", namespace),
            chart=known.get("chart", ""),
            version=known.get("version", ""),
            app_version=known.get("appVersion", ""),
            revision=int(known.get("revision", 0)),
            status=known.get("status", ""),
            values=values,
            manifest=manifest,
        )

    def _get(self, what: str, *arguments: str, namespace: str) -> str:
        return self.run("get", what, *arguments, namespace=namespace, only_reads=True)

    def _binary(self) -> str:
        wanted = os.environ.get("HELM_BINARY") or "helm"
        found = shutil.which(wanted)
        if found is None:
            raise PluginError(f"program {wanted} is not there; install Helm 4 on PATH, or set HELM_BINARY to its path")
        return found

    @cached_property
    def _kubeconfig(self) -> IO[bytes] | None:
        # In memory only, as it holds credentials, and helm reads them only from a file.
        content = self._cluster.kubeconfig.content
        if not content:
            return None
        file = os.fdopen(os.memfd_create("kubeconfig"), "wb")
        file.write(json.dumps(content).encode())
        file.flush()
        return file

    def _environment(self) -> dict[str, str]:
        wanted = self._settings.helm_release_settings
        chosen = {
            "HELM_DRIVER": wanted.driver,
            "HELM_PLUGINS": wanted.plugins_path,
            "HELM_REGISTRY_CONFIG": wanted.registry_config_path,
            "HELM_REPOSITORY_CACHE": wanted.repository_cache,
            "HELM_REPOSITORY_CONFIG": wanted.repository_config_path,
        }
        return {**os.environ, **{key: value for key, value in chosen.items() if value}}


def _last_words(errors: str) -> str:
    # Log lines come before; the error itself may have several lines (one a failed place in the values).
    said = errors[errors.find("Error: ") :] if "Error: " in errors else errors
    return re.sub(r"\s*\n\s*", "; ", said.removeprefix("Error: ").strip())
