"""Reads a kubeconfig, by path or by its contents: a client of the cluster, or one line that says what is wrong.

The client library continues without credentials if a plugin fails, and ends in a stack trace if a file is malformed;
this module checks for both first. No message contains a kubeconfig's secrets.
"""

import base64
import binascii
import logging
import os
import re
import shlex
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes import config as library
from kubernetes.client import ApiClient
from urllib3.exceptions import HTTPError

from stacks.sections.web import without_user

_WAYS = "set KUBECONFIG, or `pulumi config set kubernetes:kubeconfig PATH`"
_DEFAULT = "~/.kube/config"
_PLUGIN_SECONDS = 60
_BEGINNING = 60
_NAMED = 5
_LONGEST_PATH = 1000
_GONE = {
    "gcp": "install gke-gcloud-auth-plugin and run `gcloud container clusters get-credentials` again",
    "azure": "install kubelogin and run `az aks get-credentials` and `kubelogin convert-kubeconfig` again",
}
_DATA = ("certificate-authority-data", "client-certificate-data", "client-key-data")
_DICTIONARY = re.compile(r"\{.*\}", re.DOTALL)
Object = Mapping[str, Any]


class KubeconfigError(Exception):
    """A kubeconfig that leads to no cluster; one line, with what to do."""


def client_of(kubeconfig: str = "", context: str = "") -> ApiClient:
    """The client for a kubeconfig (a path, several paths as in KUBECONFIG, or its contents) and one of its contexts.

    Raises KubeconfigError for anything wrong with it, including a plugin that gives no credentials.
    """
    given = kubeconfig.strip()
    if is_contents(given):
        whole = _parsed(given, of="the kubeconfig in kubernetes:kubeconfig")
        return _client(whole, context, title="the kubeconfig in kubernetes:kubeconfig", folder=Path())
    if len(given) > _LONGEST_PATH:
        raise KubeconfigError(
            f"no usable kubeconfig: kubernetes:kubeconfig is neither a path nor a kubeconfig's contents ({len(given)} "
            f"characters; is it base64? decode it first); {_WAYS}"
        )
    files = [Path(each).expanduser() for each in (given or os.environ.get("KUBECONFIG") or _DEFAULT).split(os.pathsep)]
    there = [file for file in files if str(file) != "." and file.exists()]
    if not there:
        raise KubeconfigError(f"no usable kubeconfig: {', '.join(map(str, files))} does not exist; {_WAYS}")
    whole = _merged(there)
    return _client(
        whole, context, title=", ".join(map(str, there)), folder=there[0].parent, path=os.pathsep.join(map(str, there))
    )


def is_contents(text: str) -> bool:
    """True for a kubeconfig itself, False for a path, which has no line's end in it and begins with no key."""
    return "\n" in text or text.startswith("{") or bool(re.match(r"[A-Za-z-]+: ", text))


def _parsed(text: str, *, of: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise KubeconfigError(f"no usable kubeconfig: {of} is not YAML{where}; {_WAYS}") from None
    if not isinstance(found, dict):
        begins = f"it begins with {text.strip()[:_BEGINNING]!r}" if text.strip()[:1] == "<" else "it has no keys"
        what = "is empty" if found is None else f"is no kubeconfig ({begins})"
        raise KubeconfigError(f"no usable kubeconfig: {of} {what}; {_WAYS}")
    return found


def _merged(files: list[Path]) -> dict[str, Any]:
    """All files merged into one; of entries with the same name the first counts."""
    whole: dict[str, Any] = {"clusters": [], "contexts": [], "users": []}
    for file in files:
        try:
            text = file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise KubeconfigError(f"no usable kubeconfig: {file} cannot be read: {why}; {_WAYS}") from None
        one = _parsed(text, of=str(file))
        whole["current-context"] = whole.get("current-context") or one.get("current-context")
        for key in ("clusters", "contexts", "users"):
            whole[key] += _list(one, key)
    return whole


def _list(whole: Object, key: str) -> list[Any]:
    entries = whole.get(key) or []
    if not isinstance(entries, list):
        raise KubeconfigError(f"no usable kubeconfig: its `{key}` is no list; {_WAYS}")
    return entries


def _named(whole: Object, key: str, name: str) -> Object | None:
    found = (each for each in _list(whole, key) if isinstance(each, dict) and each.get("name") == name)
    entry = next(found, None)
    return None if entry is None else entry.get(key.removesuffix("s")) or {}


def _names(whole: Object, key: str) -> list[str]:
    return [str(each.get("name")) for each in whole.get(key) or [] if isinstance(each, dict)]


def _client(whole: Object, context: str, *, title: str, folder: Path, path: str = "") -> ApiClient:
    name = context or str(whole.get("current-context") or "")
    chosen = _named(whole, "contexts", name)
    if chosen is None:
        said = f"has no context '{name}'" if name else "has no current-context"
        names = _names(whole, "contexts")
        ways = [f"`pulumi config set kubernetes:context {shlex.quote(each)}`" for each in names[:_NAMED]]
        raise KubeconfigError(
            f"no usable kubeconfig: {title} {said}, its contexts are {', '.join(names) or 'none'}: "
            f"{' or '.join(ways) or _WAYS}"
        )
    cluster = _named(whole, "clusters", str(chosen.get("cluster")))
    user = _named(whole, "users", str(chosen.get("user"))) if chosen.get("user") else {}
    for key, entry in (("cluster", cluster), ("user", user)):
        if entry is None:
            raise KubeconfigError(
                f"no usable kubeconfig: context '{name}' of {title} names {key} '{chosen.get(key)}', which is not in it"
            )
    assert cluster is not None
    assert user is not None
    for fault in (*_faults_of_cluster(cluster), *_faults_of_user(user)):
        raise KubeconfigError(f"no usable kubeconfig: context '{name}' of {title}: {fault}")
    client = _loaded(whole, name, title=title, path=path)
    configuration = client.configuration
    if user and not (configuration.api_key or configuration.cert_file or configuration.username):
        raise KubeconfigError(f"no usable kubeconfig: context '{name}' of {title}: {_why_no_credentials(user, folder)}")
    return client


def _faults_of_cluster(cluster: Object) -> Iterator[str]:
    server = str(cluster.get("server") or "")
    if not re.match(r"https?://[^/]", server):
        yield f"its server is '{without_user(server)}', which must be an address such as https://10.0.0.1:6443"
    yield from _faults_of_data(cluster)
    proxy = str(cluster.get("proxy-url") or "")
    if proxy and not re.match(r"(https?|socks5h?)://[^/]", proxy):
        yield "its proxy-url must begin with http://, https:// or socks5://"


def _faults_of_user(user: Object) -> Iterator[str]:
    yield from _faults_of_data(user)
    provider = (user.get("auth-provider") or {}).get("name")
    if provider in _GONE:
        yield f"auth-provider '{provider}' is no longer in Kubernetes' clients: {_GONE[provider]}"
    plugin = user.get("exec")
    if plugin is not None and not (isinstance(plugin, dict) and plugin.get("command")):
        yield "its `exec` has no command"


def _faults_of_data(entry: Object) -> Iterator[str]:
    for key in _DATA:
        if text := entry.get(key):
            try:
                data = base64.b64decode("".join(str(text).split()), validate=True)
            except (binascii.Error, ValueError):
                yield f"its {key} is no base64"
                continue
            if b"-----BEGIN " not in data:
                yield f"its {key} holds no PEM block"
            elif key == _DATA[0]:
                try:
                    ssl.create_default_context(cadata=data.decode())
                except (ssl.SSLError, ValueError):
                    yield f"its {key} is no certificate"


@contextmanager
def _without_log() -> Iterator[None]:
    """Silence the library's log, which repeats errors that this module reports itself."""
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@_without_log()
def _loaded(whole: Object, context: str, *, title: str, path: str) -> ApiClient:
    try:
        if path:  # so that what is named relative to the file is found, and a renewed token is kept in it
            return library.new_client_from_config(config_file=path, context=context)
        return library.new_client_from_config_dict(config_dict=dict(whole), context=context, persist_config=False)
    except library.ConfigException as error:
        raise KubeconfigError(f"no usable kubeconfig: {_DICTIONARY.sub('…', str(error))}; {_WAYS}") from None
    except ModuleNotFoundError as error:
        if error.name != "socks":
            raise
        raise KubeconfigError(
            "no usable kubeconfig: the way to the cluster is a SOCKS proxy, which needs PySocks: "
            "`.venv/bin/pip install --require-hashes -r requirements.lock`"
        ) from None
    except OSError as error:
        raise KubeconfigError(f"no usable kubeconfig: {title}: {error.filename or ''} {error.strerror}") from None
    except (HTTPError, ValueError, TypeError, AttributeError, KeyError) as error:
        text = _DICTIONARY.sub("…", " ".join(str(error).split()))
        raise KubeconfigError(f"no usable kubeconfig: {title} ({type(error).__name__}: {text})") from None


def _why_no_credentials(user: Object, folder: Path) -> str:
    """The reason why a user has no credentials; a plugin is run once more to learn it, as the library only logs it."""
    plugin = user.get("exec")
    if not plugin:
        return f"its user has no credentials ({', '.join(sorted(user))}): log in again; `kubectl get nodes` tries them"
    command = str(plugin["command"])
    if "/" in command and not Path(command).is_absolute():
        command = str(folder / command)
    hint = f": {' '.join(str(plugin['installHint']).split())}" if plugin.get("installHint") else ""
    own = {str(each["name"]): str(each["value"]) for each in plugin.get("env") or []}
    words = [command, *map(str, plugin.get("args") or [])]
    try:
        done = subprocess.run(
            words, env={**os.environ, **own}, capture_output=True, text=True, timeout=_PLUGIN_SECONDS, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError:
        return f"its credential plugin {plugin['command']} is not installed here{hint}"
    except (OSError, subprocess.TimeoutExpired) as error:
        why = f"did not end in {_PLUGIN_SECONDS} s" if isinstance(error, subprocess.TimeoutExpired) else error.strerror
        return f"its credential plugin {plugin['command']} cannot be run: {why}{hint}"
    said = " ".join(done.stderr.split())[-300:]
    if done.returncode != 0:
        return f"its credential plugin {plugin['command']} ended with {done.returncode}: {said or 'it says nothing'}"
    return f"its credential plugin {plugin['command']} gave no token or certificate of {plugin.get('apiVersion')}" + (
        f": {said}" if said else "; is it of another version?"
    )
