"""Kubeconfigs as people have them: they work, or one line says what is wrong, and no secret is in it."""

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.cluster_api.kubeconfig import KubeconfigError, client_of

SECRET = "s3cr3t-t0k3n"
NOWHERE = "https://127.0.0.1:1"


@dataclass
class Server:
    """An API server that knows one token."""

    port: int = 0
    token: str = SECRET
    asked: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def server() -> Iterator[Server]:
    known = Server()

    class Answers(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            said = self.headers.get("authorization") or "nobody"
            known.asked.append(said)
            body = b'{"items": [], "metadata": {}}' if said == f"Bearer {known.token}" else b"{}"
            self.send_response(200 if said == f"Bearer {known.token}" else 401)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        known.port = running.server_port
        yield known
        running.shutdown()


def config(user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None, **top: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "Config", "current-context": "prod",
        "clusters": [{"name": "c", "cluster": cluster or {"server": NOWHERE}}],
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": SECRET} if user is None else user}],
        **top,
    }  # fmt: skip


def plugin(folder: Path, text: str, **more: Any) -> dict[str, Any]:
    program = folder / "plugin"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program), **more}}


_CREDENTIAL = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}


def credential(token: str) -> str:
    return f"echo '{json.dumps({**_CREDENTIAL, 'status': {'token': token}})}'"


OTHER = {"cluster": "c", "user": "gone"}
FAULTS: dict[str, tuple[Any, str]] = {
    "empty": ("", "is empty"),
    "a password in the server's address": (
        config(cluster={"server": f"ftp://olga:{SECRET}@10.0.0.1"}), "its server is 'ftp://…@10.0.0.1', which must"
    ),
    "only a comment": ("# nothing yet", "is empty"),
    "no YAML": ("clusters: [{name: c", "is not YAML (line"),
    "a login page": ("<html><body>sign in</body></html>", "is no kubeconfig (it begins with '<html>"),
    "a list": ("- a\n- b", "is no kubeconfig"),
    "binary": (b"\xff\xfe\x00\x81", "it is no text"),
    "lists that are none": (config(contexts="prod"), "its `contexts` is no list"),
    "no context": (config() | {"current-context": ""}, "has no current-context, its contexts are prod"),
    "user is gone": (config(contexts=[{"name": "prod", "context": OTHER}]), "names user 'gone', which is not in it"),
    "no users": (config(users=None), "names user 'u', which is not in it"),
    "no clusters": (config(clusters=[]), "names cluster 'c', which is not in it"),
    "no scheme": (config(cluster={"server": "10.0.0.1:6443"}), "its server is '10.0.0.1:6443', which must be an"),
    "no server": (config(cluster={"insecure-skip-tls-verify": True}), "its server is ''"),
    "no base64": (config(cluster={"server": NOWHERE, "certificate-authority-data": "%%"}), "is no base64"),
    "no PEM": (config({"client-certificate-data": "aGVsbG8=", "client-key-data": "aGVsbG8="}), "holds no PEM block"),
    "no certificate": (
        config(cluster={"server": NOWHERE, "certificate-authority-data": base64.b64encode(
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").decode()}), "is no certificate",
    ),
    "key file is gone": (
        config({"client-certificate": "/nonexistent/c", "client-key": "/nonexistent/k"}), "/nonexistent/c"
    ),
    "token file is gone": (config({"tokenFile": "/nonexistent/token"}), "/nonexistent/token No such file"),
    "proxy without scheme": (config(cluster={"server": NOWHERE, "proxy-url": "proxy:3128"}), "its proxy-url must"),
    "old gcp": (config({"auth-provider": {"name": "gcp", "config": {"access-token": SECRET}}}), "gke-gcloud"),
    "old azure": (config({"auth-provider": {"name": "azure", "config": {"access-token": SECRET}}}), "kubelogin"),
    "oidc without a token": (
        config({"auth-provider": {"name": "oidc", "config": {"refresh-token": SECRET}}}), "no usable kubeconfig"
    ),
    "exec without command": (config({"exec": {"apiVersion": "v1"}}), "its `exec` has no command"),
    "exec is not installed": (
        config({"exec": {"apiVersion": "v1", "command": "no-such-login", "installHint": "see the\n wiki"}}),
        "no-such-login is not installed here: see the wiki",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_is_one_line_without_a_secret(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    text, told = FAULTS[name]
    file = tmp_path / "kubeconfig"
    file.write_bytes(
        text if isinstance(text, bytes) else (text if isinstance(text, str) else json.dumps(text)).encode()
    )
    with pytest.raises(ClusterError) as caught:
        Cluster(kubeconfig=str(file))
    said = str(caught.value)
    assert said.startswith("no usable kubeconfig: ")
    assert told in said
    assert "\n" not in said
    assert SECRET not in said + "".join(capfd.readouterr())


def test_a_file_that_is_none_or_is_not_there(tmp_path: Path) -> None:
    for path, told in ((tmp_path, "Is a directory"), (tmp_path / "no", "does not exist")):
        with pytest.raises(ClusterError, match=told):
            Cluster(kubeconfig=str(path))


def test_a_context_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "k").write_text(json.dumps(config()))
    with pytest.raises(
        ClusterError, match="has no context 'staging', its contexts are prod: `pulumi config set kubernetes"
    ):
        Cluster(kubeconfig=str(tmp_path / "k"), context="staging")


@pytest.mark.parametrize("text", [json.dumps, yaml.safe_dump, lambda made: f"# mine\n{yaml.safe_dump(made)}"])
def test_contents_do_as_a_path_does(server: Server, text: Callable[[Any], str]) -> None:
    cluster = Cluster(kubeconfig=text(config(cluster={"server": server.address})))
    assert cluster.list("/api/v1/nodes") == []


def test_contents_that_are_broken_are_told_without_them() -> None:
    with pytest.raises(ClusterError) as caught:
        Cluster(kubeconfig=f"users:\n- name: u\n  user: {{token: {SECRET}")
    assert "the kubeconfig in kubernetes:kubeconfig is not YAML" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_what_is_neither_contents_nor_a_path_is_told_without_it() -> None:
    text = base64.b64encode(yaml.safe_dump(config(top=SECRET * 100)).encode()).decode()
    with pytest.raises(ClusterError, match=r"is neither a path nor a kubeconfig's contents .*is it base64") as caught:
        Cluster(kubeconfig=text)
    assert text[:40] not in str(caught.value)


def test_several_files_are_one(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = config(cluster={"server": server.address})
    (tmp_path / "a").write_text(json.dumps({**whole, "users": None}))
    (tmp_path / "b").write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "users": whole["users"]}))
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'a'}:{tmp_path / 'gone'}:{tmp_path / 'b'}")
    assert Cluster().list("/api/v1/nodes") == []


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'session expired, run: sso login' >&2; exit 255", "ended with 255: session expired, run: sso login"),
        ("exit 3", "ended with 3: it says nothing"),
        ("echo nonsense", "gave no token or certificate"),
        (credential("x").replace("/v1", "/v1beta1"), "is it of another version?"),
    ],
)
def test_a_plugin_that_fails_says_why_and_nobody_goes_on_as_anonymous(
    tmp_path: Path, server: Server, script: str, told: str
) -> None:
    (tmp_path / "k").write_text(json.dumps(config(plugin(tmp_path, script), {"server": server.address})))
    with pytest.raises(ClusterError) as caught:
        Cluster(kubeconfig=str(tmp_path / "k"))
    assert told in str(caught.value)
    assert server.asked == []


def test_a_token_that_is_refused_later_is_asked_for_anew(tmp_path: Path, server: Server) -> None:
    """A file that is written anew, as a bound service account's is; and a plugin whose token was revoked."""
    (tmp_path / "token").write_text("one")
    (tmp_path / "credential").write_text(json.dumps({**_CREDENTIAL, "status": {"token": "TOKEN"}}))
    script = f'sed "s/TOKEN/$(cat {tmp_path}/token)/" {tmp_path}/credential'
    for user in ({"tokenFile": str(tmp_path / "token")}, plugin(tmp_path, script)):
        (tmp_path / "token").write_text("one")
        server.token = "one"
        (tmp_path / "k").write_text(json.dumps(config(user, {"server": server.address})))
        cluster = Cluster(kubeconfig=str(tmp_path / "k"))
        assert cluster.list("/api/v1/nodes") == []
        (tmp_path / "token").write_text("two")
        server.token = "two"
        assert cluster.list("/api/v1/nodes") == []
        server.token = "three"
        with pytest.raises(ClusterError, match="answered 401"):
            cluster.list("/api/v1/nodes")


def test_many_requests_that_are_refused_at_once_log_in_once(tmp_path: Path, server: Server) -> None:
    script = f"echo run >> {tmp_path}/runs; {credential('one')}"
    server.token = "one"
    (tmp_path / "k").write_text(json.dumps(config(plugin(tmp_path, script), {"server": server.address})))
    cluster = Cluster(kubeconfig=str(tmp_path / "k"))
    server.token = "two"
    plugin(tmp_path, f"echo run >> {tmp_path}/runs; {credential('two')}")
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: cluster.list("/api/v1/nodes"), range(8))) == [[]] * 8
    assert (tmp_path / "runs").read_text().count("run") == 2


def test_a_socks_proxy_is_gone_through(server: Server) -> None:
    """As `ssh -D` makes one to a bastion."""
    through: list[int] = []

    def serve() -> None:
        client, _ = listener.accept()
        client.recv(262)
        client.sendall(b"\x05\x00")
        head = client.recv(4)
        size = {1: 4, 3: client.recv(1)[0] if head[3] == 3 else 0}[head[3]]
        client.recv(size)
        through.append(int.from_bytes(client.recv(2)))
        client.sendall(b"\x05\x00\x00\x01" + b"\x00" * 6)
        with socket.create_connection(("127.0.0.1", server.port)) as upstream:
            upstream.sendall(client.recv(65536))
            while data := upstream.recv(65536):
                client.sendall(data)
        client.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        proxy = f"socks5h://127.0.0.1:{listener.getsockname()[1]}"
        reached = {"server": f"http://api.internal:{server.port}", "proxy-url": proxy}
        assert Cluster(kubeconfig=json.dumps(config(cluster=reached))).list("/api/v1/nodes") == []
    assert through == [server.port]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([], "its contexts are none: set KUBECONFIG, or"),
        (["one"], "its contexts are one: `pulumi config set kubernetes:context one`"),
        (["a", "b c"], "`pulumi config set kubernetes:context a` or `pulumi config set kubernetes:context 'b c'`"),
        ([f"c{number}" for number in range(9)], "c7, c8: `pulumi config set kubernetes:context c0`"),
    ],
)
def test_contexts_that_may_be_meant_are_in_the_command(names: list[str], told: str) -> None:
    contexts = [{"name": name, "context": {"cluster": "x", "user": "x"}} for name in names]
    with pytest.raises(KubeconfigError) as caught:
        client_of(yaml.safe_dump({"kind": "Config", "contexts": contexts, "clusters": [], "users": []}))
    assert told in str(caught.value)
    assert str(caught.value).count("kubernetes:context") <= 5


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "socks5h://127.0.0.1:1", "http://127.0.0.1:1"])
@pytest.mark.parametrize("by", ["the kubeconfig", "the environment", "neither, for this server"])
def test_an_answer_that_does_not_come_names_the_proxy_on_the_way(
    monkeypatch: pytest.MonkeyPatch, proxy: str, by: str
) -> None:
    """The proxy of a tunnel that has ended may be what refuses the connection, and not the cluster."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    own = {"proxy-url": proxy.replace("://", f"://alice:{SECRET}@")} if by == "the kubeconfig" else {}
    if not own:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
    if by.startswith("neither"):
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    cluster = Cluster(kubeconfig=json.dumps(config(cluster={"server": NOWHERE, **own})))
    with pytest.raises(ClusterError, match=f"no answer from {NOWHERE}") as told:
        cluster._send_once("GET", "/api/v1/nodes", {}, None, "application/json")
    shown = proxy.replace("://", "://…@") if own else proxy
    assert (f"through the proxy {shown} (" in str(told.value)) == (not by.startswith("neither"))
    assert SECRET not in str(told.value)
