"""Access to a server outside the cluster's API: its address, credentials and CA, by Prometheus' names for them."""

import re
import ssl
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from stacks.notation.forms import KeyFault
from stacks.sections.base import Section

_EXAMPLE = "an address such as http://prometheus.monitoring:9090"
_TOKEN = re.compile(r"[\x21-\x7e]+")


def origin(url: str) -> str:
    """Scheme, host and port: the parts of an address that never hold a credential."""
    try:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or "…"
        return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return "…"


def without_user(text: str) -> str:
    """An address for messages: without parts that may be a credential, and shortened if it is long."""
    scheme, found, rest = text.partition("://")
    if "@" in text:
        rest = f"…@{(rest if found else text).rpartition('@')[2]}"
    elif not found:
        rest = text
    shown = (f"{scheme}://" if found else "") + re.split(r"[?#]", " ".join(rest.split()))[0]
    return shown if len(shown) <= 60 else f"{shown[:59]}…"


def _address(text: str) -> str:
    if not text:
        return text
    fault = ""
    try:
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", text) or not text.isascii():
            fault = f"is not {_EXAMPLE}"
        elif parts.port == 0 or "@" in parts.path or "@" in (parts.username or ""):
            fault = "is not an address: in a user's name or password write / as %2F and @ as %40"
        elif parts.query or parts.fragment or "?" in text or "#" in text:
            fault = f"has something behind its path: write it without, {_EXAMPLE}"
    except ValueError:
        fault = f"is not {_EXAMPLE}; in a user's name or password write / as %2F and @ as %40"
    if fault:
        raise ValueError(f"'{without_user(text)}' {fault}")
    return text


Address = Annotated[str, AfterValidator(_address)]


def token_of(text: str) -> str:
    """A bearer token as it is sent; raises ValueError, which does not show the token, if it is not valid."""
    if not text.strip():
        raise ValueError("is empty")
    if not _TOKEN.fullmatch(text.strip()):
        raise ValueError("is no token: it has spaces, line ends or signs beyond ASCII in it")
    return text.strip()


class BasicAuth(Section):
    """A user's name and password; `password_file` is read each time."""

    username: str
    password: SecretStr | None = None
    password_file: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> "BasicAuth":
        if not self.username.strip() or ":" in self.username or not self.username.isprintable():
            raise KeyFault("username", "cannot be sent: it must not be empty, and have neither ':' nor line ends in it")
        if self.password is None and self.password_file is None:
            raise KeyFault("password", "is needed beside username: set password with `--secret`, or passwordFile")
        if self.password is not None and self.password_file is not None:
            raise KeyFault("passwordFile", "is set, and so is password: keep one of the two")
        if self.password is not None and not self.password.get_secret_value():
            raise KeyFault("password", "is empty: set it with `--secret`")
        return self


class TlsConfig(Section):
    """The only certificate authorities to trust, as PEM or as a PEM file; without either, the machine's own."""

    ca: str | None = None
    ca_file: str | None = None

    @field_validator("ca")
    @classmethod
    def _is_pem(cls, text: str | None) -> str | None:
        if text is not None:
            context_for(text)
        return text

    @model_validator(mode="after")
    def _one_of_them(self) -> "TlsConfig":
        if self.ca is not None and self.ca_file is not None:
            raise KeyFault("caFile", "is set, and so is ca: keep one of the two")
        return self


def context_for(pem: str) -> ssl.SSLContext:
    """A TLS context that trusts only these authorities; raises ValueError if the text holds none."""
    if "-----BEGIN CERTIFICATE-----" not in pem:
        raise ValueError("holds no certificate as PEM (ca takes its contents, caFile a path)")
    try:
        return ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError("is no certificate, though it begins like one") from error


class HttpSettings(Section):
    """Credentials and trust for one server; at most one way to authenticate."""

    bearer_token: SecretStr | None = None
    bearer_token_file: str | None = None
    basic_auth: BasicAuth | None = None
    tls_config: TlsConfig = Field(default_factory=TlsConfig)

    @property
    def ways(self) -> list[str]:
        """The settings of authentication that are given."""
        given = {
            "bearerToken": self.bearer_token,
            "bearerTokenFile": self.bearer_token_file,
            "basicAuth": self.basic_auth,
        }
        return [key for key, value in given.items() if value is not None]

    @field_validator("bearer_token")
    @classmethod
    def _can_be_sent(cls, token: SecretStr | None) -> SecretStr | None:
        return None if token is None else SecretStr(token_of(token.get_secret_value()))

    @model_validator(mode="after")
    def _one_way(self) -> "HttpSettings":
        if len(self.ways) > 1:
            raise KeyFault(self.ways[1], f"is set, and so is {self.ways[0]}: keep one of the two")
        return self
