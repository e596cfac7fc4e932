"""HTTP requests to servers other than the cluster's API: limited in time and size, with no secret in errors."""

import re
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from requests.utils import get_auth_from_url, get_environ_proxies, prepend_scheme_if_needed, select_proxy
from urllib3 import PoolManager, ProxyManager, Timeout
from urllib3.exceptions import HTTPError
from urllib3.util import make_headers

from components.operations.deadline import OperationError
from stacks.sections.gates import Source
from stacks.sections.web import context_for, origin, token_of

SECONDS = 15.0
MOST_BYTES = 32 * 1024 * 1024
_SILENT_SECONDS = 10.0
_UNKNOWN, _FORBIDDEN = 401, 403
_USERINFO = re.compile(r"//[^\s/]*@")
T = TypeVar("T")


class WebError(Exception):
    """A server that could not be reached, or gave a bad answer; the text contains no credential."""


class UnusableError(Exception):
    """A setting that cannot be used: its key, and the fact without secrets."""

    def __init__(self, key: str, fact: str) -> None:
        super().__init__(f"{key}: {fact}")
        self.key = key


def unusable(source: Source) -> str:
    """The fault of a source's settings on this machine, such as a missing file; empty if there is none."""
    try:
        _headers(source)
        _trust(source)
    except UnusableError as error:
        return str(error)
    return ""


def ask(source: Source, path: str, *, seconds: float = SECONDS, most_bytes: int = MOST_BYTES) -> bytes:
    """The body at a path below the source's address; raises WebError for anything but a 200 in time.

    Redirects are not followed, as the credentials are only for the server that the setting names.
    """
    try:
        headers, trust = _headers(source), _trust(source)
    except UnusableError as error:
        raise WebError(str(error)) from None
    secrets = [headers.get("authorization", "").rpartition(" ")[2]]
    try:
        return _within(lambda: _get(source, path, headers, trust, seconds, most_bytes), seconds=seconds)
    except (HTTPError, OSError, ValueError) as error:
        raise WebError(_without(secrets, _why(error, source, seconds))) from None


def refused(source: Source, doing: str, error: WebError) -> OperationError:
    """The gate's error for a server that could not be queried: in doubt the gate is closed."""
    return OperationError(
        f"{source.title} at {origin(source.base)} {doing} ({error}); no node was touched: mend that, or "
        f"`pulumi config rm --path {source.key}Url`"
    )


def _get(
    source: Source, path: str, headers: dict[str, str], trust: ssl.SSLContext, seconds: float, most_bytes: int
) -> bytes:
    url = f"{source.base}{path}"
    silent = min(_SILENT_SECONDS, seconds)
    with _manager(url, trust) as manager:
        response = manager.request(
            "GET", url, headers=headers, redirect=False, retries=False, preload_content=False,
            timeout=Timeout(connect=silent, read=silent),
        )  # fmt: skip
        try:
            if response.status != 200:
                raise WebError(_refusal(source, response.status, response.headers.get("location", "")))
            body = response.read(most_bytes + 1)
        finally:
            response.close()
    if len(body) > most_bytes:
        raise WebError(f"it answers more than {most_bytes // 1024 // 1024} MiB; is that its address?")
    return body


def _manager(url: str, trust: ssl.SSLContext) -> PoolManager:
    """The connection pool of a server, through a proxy if the environment sets one (HTTPS_PROXY, NO_PROXY, …)."""
    proxy = select_proxy(url, get_environ_proxies(url, no_proxy=None))
    if not proxy:
        return PoolManager(ssl_context=trust)
    proxy = prepend_scheme_if_needed(proxy, "http")
    if proxy.startswith("socks"):
        from urllib3.contrib.socks import SOCKSProxyManager  # brings PySocks

        return SOCKSProxyManager(proxy, ssl_context=trust)
    user, password = get_auth_from_url(proxy)
    own = make_headers(proxy_basic_auth=f"{user}:{password}") if user else None
    return ProxyManager(proxy, proxy_headers=own, ssl_context=trust)


def _headers(source: Source) -> dict[str, str]:
    http = source.http
    user = source.user
    if http.basic_auth:
        if http.basic_auth.password is not None:
            password = http.basic_auth.password.get_secret_value()
        else:
            key = f"{source.key}Http.basicAuth.passwordFile"
            password = _read(key, http.basic_auth.password_file or "").rstrip("\r\n")
            if not password:
                raise UnusableError(key, "names a file that is empty")
        user = (http.basic_auth.username, password)
    if user:
        return {"authorization": f"Basic {b64encode(':'.join(user).encode()).decode()}"}
    if http.bearer_token is not None:
        return {"authorization": f"Bearer {http.bearer_token.get_secret_value()}"}
    if http.bearer_token_file is not None:
        key = f"{source.key}Http.bearerTokenFile"
        try:
            return {"authorization": f"Bearer {token_of(_read(key, http.bearer_token_file))}"}
        except ValueError as error:
            raise UnusableError(key, f"names a file whose content {error}") from None
    return {}


def _trust(source: Source) -> ssl.SSLContext:
    tls = source.http.tls_config
    if tls.ca is not None:
        return context_for(tls.ca)
    if tls.ca_file is None:
        return ssl.create_default_context()
    key = f"{source.key}Http.tlsConfig.caFile"
    try:
        return context_for(_read(key, tls.ca_file))
    except ValueError as error:
        raise UnusableError(key, f"names a file that {error}") from None


def _read(key: str, path: str) -> str:
    try:
        return Path(path).expanduser().read_text()
    except (OSError, ValueError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UnusableError(key, f"names a file that cannot be read: {why}") from None  # whose name may be a token


def _refusal(source: Source, status: int, location: str) -> str:
    token = f"{source.key}Http.bearerToken"
    credentials = f"{token} or .basicAuth"
    if status == _UNKNOWN and (source.user or source.http.ways):
        where = "Url" if source.user else f"Http.{source.http.ways[0]}"
        return f"it answers 401: it does not take who asks, {source.key}{where}"
    if status == _UNKNOWN:
        return (
            f"it answers 401: it does not know who asks; set {credentials}, a token by "
            f"`pulumi config set --secret --path {token}`, which asks for it"
        )
    if status == _FORBIDDEN:
        return f"it answers 403: who asks may not read there; give {credentials} that right"
    if 300 <= status < 400:
        where = f" to {origin(location)}" if "://" in location else ""
        return f"it answers {status} and points elsewhere{where}, where nothing is sent; name the address itself"
    return f"it answers {status}"


def _why(error: Exception, source: Source, seconds: float) -> str:
    root: BaseException = error
    while root.__cause__ or root.__context__:
        root = root.__cause__ or root.__context__ or root
    if isinstance(root, TimeoutError):
        return f"no answer in {seconds:.0f} s"
    text = " ".join(str(root).split())[:300] or type(root).__name__
    if isinstance(root, ssl.SSLCertVerificationError):
        return f"{text}; if its authority is your own: {source.key}Http.tlsConfig.caFile"
    return text


def _without(secrets: list[str], text: str) -> str:
    for secret in filter(None, secrets):
        text = text.replace(secret, "[secret]")
    return _USERINFO.sub("//[secret]@", text)


def _within(work: Callable[[], T], *, seconds: float) -> T:
    """The work's result; raises TimeoutError when it takes longer, even if bytes keep trickling in."""
    result: Future[Any] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 (raised again in the waiting thread)
            result.set_exception(error)

    threading.Thread(target=run, daemon=True, name="gate").start()
    answer: T = result.result(timeout=seconds)
    return answer
