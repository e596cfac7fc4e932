"""External gates of a node's turn: the Prometheus and Goldpinger servers to ask, and access to them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator, model_validator

from stacks.notation.forms import Faults, KeyFault, shown
from stacks.sections.base import Section
from stacks.sections.web import Address, HttpSettings


@dataclass(frozen=True, kw_only=True)
class Source:
    """A server that a gate asks; `key` is the common prefix of its settings, such as gates.prometheus."""

    title: str
    key: str
    url: str
    http: HttpSettings

    @property
    def user(self) -> tuple[str, str] | None:
        """User name and password from the address."""
        parts = urlsplit(self.url)
        return (unquote(parts.username or ""), unquote(parts.password or "")) if "@" in parts.netloc else None

    @property
    def base(self) -> str:
        """The address without user and password, and without a slash at its end."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")

    def faults(self) -> Iterator[KeyFault]:
        """Settings that contradict each other, by their names."""
        name = self.key.rpartition(".")[2]
        if not self.url and (self.http.ways or self.http.tls_config.model_fields_set):
            yield KeyFault(f"{name}Http", f"is set, but {name}Url is not: set that too, or remove it")
        if self.url and self.user and self.http.ways:
            yield KeyFault(
                f"{name}Http.{self.http.ways[0]}",
                f"is set, and {name}Url has a user's name in it: keep one of the two",
            )


class GateSettings(Section):
    """External gates of a node's turn, asked in addition to the cluster itself."""

    prometheus_url: Address = ""
    prometheus_http: HttpSettings = Field(default_factory=HttpSettings)
    ignore_alerts: str = "Watchdog|InfoInhibitor"
    goldpinger_url: Address = ""
    goldpinger_http: HttpSettings = Field(default_factory=HttpSettings)

    @property
    def prometheus(self) -> Source:
        """The source of alerts; not asked if it has no address."""
        return Source(title="Prometheus", key="gates.prometheus", url=self.prometheus_url, http=self.prometheus_http)

    @property
    def goldpinger(self) -> Source:
        """The source of nodes' health; not asked if it has no address."""
        return Source(title="Goldpinger", key="gates.goldpinger", url=self.goldpinger_url, http=self.goldpinger_http)

    @property
    def sources(self) -> list[Source]:
        """The servers that have an address, and so are asked."""
        return [each for each in (self.prometheus, self.goldpinger) if each.url]

    @model_validator(mode="after")
    def _go_together(self) -> "GateSettings":
        found = [fault for source in (self.prometheus, self.goldpinger) for fault in source.faults()]
        if found:
            raise Faults(found)
        return self

    @field_validator("ignore_alerts")
    @classmethod
    def _is_expression(cls, text: str) -> str:
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(
                f"{shown(text)} is not a regular expression such as Watchdog|InfoInhibitor ({error})"
            ) from error
        return text
