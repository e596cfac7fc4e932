"""Servers that gates ask, real ones on the loopback: who asks, whom one trusts, and answers that are none."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from components.operations.deadline import OperationError
from components.operations.gates.alerts import assert_none_firing
from components.operations.gates.web import WebError, ask, unusable
from stacks.config import ConfigError, parse_config
from stacks.sections.gates import Source
from tests.operations.gates.web_server import Answer, Web, says, serving

QUIET = json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}})
TOKEN, PASSWORD = "eyJhbGciOi.tok-word.xyz", "pass-word%&"
Make = Callable[[Path], dict[str, Any]]


def source(url: str, **http: Any) -> Source:
    """As the stack's config has it."""
    gates = {"prometheusUrl": url, **({"prometheusHttp": http} if http else {})}
    return parse_config({"gates": json.dumps(gates)}).gates.prometheus


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def quiet() -> Iterator[Web]:
    with serving(says(QUIET)) as web:
        yield web


def _file(folder: Path, text: str) -> str:
    file = folder / "credential"
    file.write_text(text)
    return str(file)


BASIC = "Basic " + base64.b64encode(f"olga:{PASSWORD}".encode()).decode()


@pytest.mark.parametrize(
    ("make", "sent"),
    [
        (lambda _: {}, ""),
        (lambda _: {"bearerToken": TOKEN}, f"Bearer {TOKEN}"),
        (lambda _: {"bearerToken": f"{TOKEN}\n"}, f"Bearer {TOKEN}"),
        (lambda folder: {"bearerTokenFile": _file(folder, f"{TOKEN}\n")}, f"Bearer {TOKEN}"),
        (lambda _: {"basicAuth": {"username": "olga", "password": PASSWORD}}, BASIC),
        (lambda folder: {"basicAuth": {"username": "olga", "passwordFile": _file(folder, f"{PASSWORD}\n")}}, BASIC),
    ],
    ids=["nobody", "token", "token with a line's end", "token file", "basic", "basic by file"],
)
def test_who_asks_is_said(quiet: Web, tmp_path: Path, make: Make, sent: str) -> None:
    assert_none_firing(source(f"{quiet.url}/under/a/path/", **make(tmp_path)), ignore="")
    ((line, authorization),) = quiet.asked
    assert (line[:36], authorization) == ("GET /under/a/path/api/v1/query?query", sent)


def test_a_user_in_the_address_is_who_asks(quiet: Web) -> None:
    assert_none_firing(source(quiet.url.replace("//", "//olga:pass-word%25%26@")), ignore="")
    assert quiet.authorizations == [BASIC]


def test_a_file_is_read_each_time(quiet: Web, tmp_path: Path) -> None:
    asked = source(quiet.url, bearerTokenFile=_file(tmp_path, "first"))
    ask(asked, "/")
    _file(tmp_path, "second")
    ask(asked, "/")
    assert quiet.authorizations == ["Bearer first", "Bearer second"]


def test_a_netrc_is_no_setting(quiet: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    ask(source(quiet.url), "/")
    ask(source(quiet.url, bearerToken=TOKEN), "/")
    assert quiet.authorizations == ["", f"Bearer {TOKEN}"]


def test_only_the_authority_that_is_named_is_trusted(tmp_path: Path) -> None:
    with serving(says(QUIET), folder=tmp_path / "own") as web, serving(says(QUIET), folder=tmp_path / "other") as other:
        file = tmp_path / "own" / "authority.crt"
        for tls in ({"caFile": str(file)}, {"ca": file.read_text()}):
            ask(source(web.url, tlsConfig=tls, bearerToken=TOKEN), "/")
            with pytest.raises(WebError, match="CERTIFICATE_VERIFY_FAILED"):
                ask(source(other.url, tlsConfig=tls, bearerToken=TOKEN), "/")
        assert web.authorizations == [f"Bearer {TOKEN}"] * 2
        with pytest.raises(WebError, match=r"VERIFY_FAILED.*gates\.prometheusHttp\.tlsConfig\.caFile"):
            ask(source(web.url, bearerToken=TOKEN), "/")
        assert (len(web.asked), other.asked) == (2, [])


def test_a_certificate_of_another_host_is_not_trusted(tmp_path: Path) -> None:
    with serving(says(QUIET), folder=tmp_path, host="127.0.0.2") as web:
        asked = source(web.url, tlsConfig={"caFile": str(tmp_path / "authority.crt")}, bearerToken=TOKEN)
        with pytest.raises(WebError, match=r"VERIFY_FAILED.*127\.0\.0\.2"):
            ask(asked, "/")
        assert web.asked == []


def test_a_proxy_of_the_environment_is_the_way(quiet: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", quiet.url.replace("//", "//me:proxy-word@"))
    ask(source("http://prometheus.monitoring:9090", bearerToken=TOKEN), "/x")
    assert quiet.asked == [("GET http://prometheus.monitoring:9090/x HTTP/1.1", f"Bearer {TOKEN}")]
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8,127.0.0.0/8")
    ask(source(quiet.url), "/y")
    assert quiet.asked[1:] == [("GET /y HTTP/1.1", "")]


@pytest.mark.parametrize(
    ("proxy", "told"),
    [
        ("http://me:proxy-word@127.0.0.1:9", "Connection refused"),
        ("127.0.0.1:9", "Connection refused"),
        ("socks5h://me:proxy-word@127.0.0.1:9", "refused"),
        ("ftp://me:proxy-word@127.0.0.1:9", "ftp"),
        ("http://me:proxy-word@[::1:9", "."),
    ],
)
def test_a_proxy_that_is_none_closes_the_gate(proxy: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(WebError, match=told) as caught:
        ask(source("https://prometheus.monitoring", bearerToken=TOKEN), "/")
    _holds_no_secret(str(caught.value))


def test_a_proxy_learns_no_credential_of_a_server_with_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(says("", status=407)) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        with pytest.raises(WebError, match="407"):
            ask(source("https://prometheus.monitoring", bearerToken=TOKEN), "/")
        ((line, authorization),) = proxy.asked
        assert (line[:35], authorization) == ("CONNECT prometheus.monitoring:443 H", "")


def _slowly(*, head: bool) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        if not head:
            handler.send_response(200)
            handler.end_headers()
        else:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(100):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)

    return answer


def _cut_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(QUIET.encode())


def _as_ssh(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")


ANSWERS: dict[str, tuple[Answer, str]] = {
    "401": (says(QUIET, status=401), r"answers 401: it does not take who asks, gates\.prometheusHttp\.bearerToken"),
    "403": (says(QUIET, status=403), r"answers 403: who asks may not read there"),
    "404": (says(QUIET, status=404), "answers 404"),
    "503": (says(QUIET, status=503), "answers 503"),
    "204": (says("", status=204), "answers 204"),
    "304": (says("", status=304), "answers 304"),
    "no JSON": (says("<html>Sign in</html>"), r"otherwise than Prometheus' API does; is a login before it\?"),
    "nothing": (says(""), "otherwise than Prometheus"),
    "null": (says("null"), "otherwise than Prometheus"),
    "a list": (says("[]"), "otherwise than Prometheus"),
    "an error with 200": (says(json.dumps({**json.loads(QUIET), "status": "error"})), "otherwise than Prometheus"),
    "no result": (says('{"status": "success", "data": {"resultType": "vector"}}'), "otherwise than Prometheus"),
    "no vector": (says(QUIET.replace("vector", "matrix")), "otherwise than Prometheus"),
    "no labels": (says(QUIET.replace("[]", '[{"metric": 1}]')), "otherwise than Prometheus"),
    "nested too deeply": (says("[" * 100_000), "otherwise than Prometheus"),
    "no text": (says(b"\xff\xfe\x00"), "otherwise than Prometheus"),
    "a part": (
        says(json.dumps({**json.loads(QUIET), "warnings": ["No StoreAPIs matched"]})),
        "knows a part of them only: No StoreAPIs matched",
    ),
    "cut off": (_cut_off, "cannot be asked"),
    "no HTTP": (_as_ssh, "cannot be asked"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_none_closes_the_gate(name: str) -> None:
    answer, told = ANSWERS[name]
    with serving(answer) as web, pytest.raises(OperationError, match=told) as caught:
        assert_none_firing(source(web.url, bearerToken=TOKEN), ignore="")
    assert "no node was touched" in str(caught.value)
    _holds_no_secret(str(caught.value))


@pytest.mark.parametrize("head", [True, False])
def test_a_byte_now_and_then_is_no_answer(head: bool) -> None:
    with serving(_slowly(head=head)) as web, pytest.raises(WebError, match="no answer in 0 s"):
        ask(source(web.url), "/", seconds=0.4)


def test_an_answer_without_end_is_none() -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65_536)

    with serving(endless) as web, pytest.raises(WebError, match="more than 1 MiB"):
        ask(source(web.url), "/", most_bytes=1 << 20)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_credentials_go_nowhere_else(status: int) -> None:
    with serving(says(QUIET)) as other:
        to = other.url.replace("//", "//x:loc-word@") + "/api?token=loc-word"
        told = f"answers {status} and points elsewhere to {other.url}, where"
        with serving(says("", status=status, Location=to)) as web, pytest.raises(OperationError, match=told) as caught:
            assert_none_firing(source(web.url, bearerToken=TOKEN), ignore="")
        assert other.asked == []
    assert "loc-word" not in str(caught.value)


def test_nobody_there_is_told_without_the_password() -> None:
    with pytest.raises(OperationError, match=r"Prometheus at http://127\.0\.0\.1:9 .*Connection refused") as caught:
        assert_none_firing(source("http://olga:pass-word@127.0.0.1:9/secret-path"), ignore="")
    _holds_no_secret(str(caught.value))


def _holds_no_secret(text: str) -> None:
    for word in ("tok-word", "pass-word", "proxy-word", "secret-path", base64.b64encode(b"olga")[:5].decode()):
        assert word not in text


@pytest.mark.parametrize(
    ("http", "told"),
    [
        ({"bearerTokenFile": "/nonexistent/tok-word"}, "bearerTokenFile: names a file that cannot be read: No such"),
        ({"bearerTokenFile": "/tmp"}, "bearerTokenFile: names a file that cannot be read: Is a directory"),
        ({"bearerTokenFile": "tok-word" * 100}, "bearerTokenFile: names a file that cannot be read: File name too"),
        ({"bearerTokenFile": "/dev/null"}, "bearerTokenFile: names a file whose content is empty"),
        ({"bearerTokenFile": __file__}, "bearerTokenFile: names a file whose content is no token"),
        ({"basicAuth": {"username": "x", "passwordFile": "/nonexistent"}}, "passwordFile: names a file that cannot"),
        ({"basicAuth": {"username": "x", "passwordFile": "/dev/null"}}, "passwordFile: names a file that is empty"),
        ({"tlsConfig": {"caFile": "/nonexistent"}}, "tlsConfig.caFile: names a file that cannot be read: No such"),
        ({"tlsConfig": {"caFile": __file__}}, "tlsConfig.caFile: names a file that holds no certificate as PEM"),
    ],
)
def test_files_are_looked_at_beforehand(http: dict[str, Any], told: str) -> None:
    asked = source("https://prometheus", **http)
    assert told in unusable(asked)
    _holds_no_secret(unusable(asked))
    with pytest.raises(OperationError, match="no node was touched"):
        assert_none_firing(asked, ignore="")


def test_a_fault_of_a_secret_key_shows_nothing_of_it() -> None:
    raw = {
        "cilium": '{"version": "v1-tok-word", "tunnelProtocol": "tok-word", "values": "tok-word"}',
        "drain": "tok-word",
        "waves": '[["tok-word_"], "tok-word"]',
    }
    with pytest.raises(ConfigError) as caught:
        parse_config(raw, secret=set(raw))
    assert len(str(caught.value).splitlines()) == 6
    _holds_no_secret(str(caught.value))
