"""Reads the config for the read-only commands, from a stack or from a file."""

import json
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PROJECT = "cilium-live-migration"
_LIMIT_SECONDS = 60


class SettingsError(Exception):
    """The config cannot be read; the text is one line that says what to do."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """This project's settings, and the kubeconfig and context of its cluster; empty for those of the environment."""

    own: Mapping[str, Any] = field(default_factory=dict)
    kubeconfig: str = ""
    context: str = ""
    secret: frozenset[str] = frozenset()  # keys of this project that hold a secret

    @classmethod
    def read(cls, config: Mapping[str, Any], *, secret: Collection[str] = ()) -> "Settings":
        """Parse keys with their namespaces, as in a stack's file."""
        own = {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items() if key.startswith(f"{PROJECT}:")}
        return cls(
            own=own,
            kubeconfig=str(config.get("kubernetes:kubeconfig") or ""),
            context=str(config.get("kubernetes:context") or ""),
            secret=frozenset(key.removeprefix(f"{PROJECT}:") for key in secret) & own.keys(),
        )


def of_file(path: Path) -> Settings:
    """The config of a stack's file, such as Pulumi.prod.yaml."""
    try:
        read = yaml.safe_load(path.read_text()) or {}
        config = read.get("config") or {}
        sealed = [key for key, value in config.items() if _is_sealed(value)]
        if sealed:
            raise SettingsError(
                f"{path}: {', '.join(sealed)} {'is' if len(sealed) == 1 else 'are'} encrypted in it, for the engine "
                "alone to read: name the stack with --stack"
            )
        return Settings.read(config)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, AttributeError) as error:
        raise SettingsError(f"{path}: is not a stack's config file") from error


def of_stack(stack: str, *, folder: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """The config from the engine's CLI, with changes not deployed yet, and with secrets, which the checks need.

    Without a name it is the stack that is selected in `folder`.
    """
    command = ["pulumi", "config", "--show-secrets", "--json", *(["--stack", stack] if stack else [])]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LIMIT_SECONDS,
        )
    except FileNotFoundError as error:
        raise SettingsError(
            "`pulumi` is not on PATH: install it, or name the stack's file with --config-file"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise SettingsError(f"`{' '.join(command)}` did not end in {_LIMIT_SECONDS} s: is the backend up?") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"it ended with {done.returncode}"]
        raise SettingsError(f"`{' '.join(command)}` failed: {said[-1].removeprefix('error: ')}")
    entries = json.loads(done.stdout)
    return Settings.read(
        {key: entry.get("objectValue", entry.get("value")) for key, entry in entries.items()},
        secret=[key for key, entry in entries.items() if entry.get("secret")],
    )


def _is_sealed(value: Any) -> bool:
    """True if a value of a stack's file is encrypted, or contains an encrypted value."""
    if isinstance(value, Mapping):
        return set(value) == {"secure"} or any(map(_is_sealed, value.values()))
    return isinstance(value, list) and any(map(_is_sealed, value))
