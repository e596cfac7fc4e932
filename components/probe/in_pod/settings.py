"""Settings of a probe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields

from .flows.dns import resolver


@dataclass(frozen=True)
class Settings:
    """Settings of a probe; seconds are intervals between attempts of one flow. With zero neighbours it only serves.

    Without `echoes` it opens no long connections.
    """

    listen: str = "0.0.0.0"  # noqa: S104 (a pod's own address is its namespace's)
    http_port: int = 8080
    echo_port: int = 8081
    service_http_port: int = 80
    service_echo_port: int = 8081
    staying: str = "probe-staying"
    moving: str = "probe-moving"
    service: str = "probe"
    staying_neighbours: int = 2
    moving_neighbours: int = 1
    echoes: bool = True
    echo_seconds: float = 0.05
    full_seconds: float = 0.15
    http_seconds: float = 2.0
    service_http_seconds: float = 1.5
    dns_seconds: float = 0.15
    api_seconds: float = 10.0
    lame_duck_seconds: float = 3.0
    key_file: str = "/probe-key/key"
    name_server: str = ""
    name_server_port: int = 53
    domain: str = ""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """The settings in SETTINGS, a JSON object of values other than the defaults; ValueError for unknown ones."""
        given = json.loads(environment.get("SETTINGS") or "{}")
        unknown = set(given) - {each.name for each in fields(cls)}
        if unknown:
            raise ValueError(f"SETTINGS: the probe has no {', '.join(sorted(unknown))}")
        if not given.get("name_server"):
            given["name_server"], domain = resolver()
            given.setdefault("domain", domain)
        return cls(**given)
