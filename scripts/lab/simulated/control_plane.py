"""One Kubernetes control plane on loopback: etcd, API server and controller manager, and simulated nodes."""

import base64
import json
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import yaml

from scripts.lab.console import LabError
from scripts.lab.simulated import FAULTS_FILE, PORTS_FILE
from scripts.lab.simulated.certificates import Certificates, make_certificates, read_certificates
from scripts.lab.simulated.faults import FaultFile
from scripts.lab.simulated.processes import Processes
from scripts.lab.toolchain import parts
from scripts.lab.toolchain.build import build_part

_SERVICE_NETWORK, _SERVICE_ADDRESS = "10.96.0.0/16", "10.96.0.1"
_PORTS = ("etcd", "etcd-peer", "kube-apiserver", "kubelet")
# The programs in order of their start; they stop in reverse order.
_TAINT_SECONDS, _NOT_READY = 30, "node.kubernetes.io/not-ready"
_PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "simulator")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@dataclass
class ControlPlane:
    """A control plane whose whole state is `folder`: `ControlPlane(folder).stop()` works from another process.

    Without a folder it uses a temporary one, which `stop` removes. A start in a folder that was used before restores
    the same cluster, on the same ports and with the same kubeconfig. `simulated_nodes` adds the scheduler and the
    simulator, which simulates every node, its kubelet and its pods; `faults` injects faults there.
    """

    folder: Path | None = None
    simulated_nodes: bool = False
    pod_network: str = "10.244.0.0/16"
    start_seconds: float = 90.0
    api_server_flags: Mapping[str, str] = field(default_factory=dict)
    _temporary: bool = field(default=False, init=False)
    _processes: Processes = field(init=False)

    def __post_init__(self) -> None:
        if self.folder is None:
            self._temporary = True
            self.folder = Path(tempfile.mkdtemp(prefix="control-plane-"))
        self._processes = Processes(self._folder / "processes")

    def __enter__(self) -> "ControlPlane":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig; it holds its certificates inline."""
        return self._folder / "kubeconfig.yaml"

    @property
    def faults(self) -> FaultFile:
        """The injected faults of simulated nodes: written by tests, read by the simulator before each step."""
        return FaultFile(self._folder / FAULTS_FILE)

    @property
    def kubectl_binary(self) -> Path:
        """The kubectl of the same version."""
        return self._kubernetes / "kubectl"

    def start(self) -> None:
        """Start every program and return once the API server is ready and the default service account exists."""
        certificates, ports = self._prepare()
        self._start_etcd(ports)
        self._start_api_server(certificates, ports)
        self._wait("kube-apiserver", "the API server to be ready", lambda: self.get("/readyz") == b"ok")
        self._start_clients(certificates)
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        self._wait("kube-controller-manager", "the default service account", lambda: bool(self.get(account)))

    def stop(self) -> None:
        """Stop every program of the folder, whichever process started it."""
        for name in reversed(_PROGRAMS):
            self._processes.stop(name)
        if self._temporary:
            shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self, program: str) -> None:
        """End one program at once, as a crash would: `etcd`, `kube-apiserver`, …; `start` brings it back."""
        self._processes.kill(program)

    def running(self) -> bool:
        """True if the API server's process runs."""
        return self._processes.alive("kube-apiserver")

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as the administrator and return its output; LabError with kubectl's message if it fails."""
        command = [str(self.kubectl_binary), f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def get(self, path: str) -> bytes:
        """The body of a GET as the administrator; empty on an error, or without an answer."""
        certificates = read_certificates(self._folder / "certificates")
        context = ssl.create_default_context(cafile=str(certificates.authority))
        context.load_cert_chain(certificates.admin.certificate, certificates.admin.key)
        try:
            with urllib.request.urlopen(f"{self._server}{path}", context=context, timeout=5) as answer:  # noqa: S310
                return bytes(answer.read())
        except (urllib.error.URLError, OSError):
            return b""

    def add_node(
        self, name: str, *, labels: Mapping[str, str] | None = None, taints: Sequence[Mapping[str, str]] = ()
    ) -> None:
        """Create one simulated node, and return once it is Ready."""
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", **(labels or {})},
            },
            "spec": {"taints": [dict(taint) for taint in taints]},
        }
        self.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(node))
        self.wait_for_nodes(f"node/{name}")

    def wait_for_nodes(self, *which: str) -> None:
        """Return once these nodes are Ready and take pods: `node/NAME`, or `node --all`."""
        try:
            self.kubectl("wait", *which, "--for=condition=Ready", "--timeout=60s")
        except LabError:
            self._processes.require_alive("simulator")
            raise
        # The controller manager takes off the taint of a new node some time after that.
        deadline = time.monotonic() + _TAINT_SECONDS
        asked = [word for word in which if word != "--all"]
        while _NOT_READY in self.kubectl("get", *asked, "--output=jsonpath={.spec.taints}{.items[*].spec.taints}"):
            if time.monotonic() > deadline:
                raise LabError(f"{' '.join(which)}: taint {_NOT_READY} stays for {_TAINT_SECONDS} s after Ready")
            time.sleep(0.1)

    @property
    def _folder(self) -> Path:
        assert self.folder is not None
        return self.folder

    @property
    def _kubernetes(self) -> Path:
        return build_part(parts.KUBERNETES)

    @property
    def _server(self) -> str:
        return f"https://127.0.0.1:{json.loads((self._folder / PORTS_FILE).read_text())['kube-apiserver']}"

    def _prepare(self) -> tuple[Certificates, dict[str, int]]:
        ports_file, certificates_folder = self._folder / PORTS_FILE, self._folder / "certificates"
        if self.kubeconfig.exists():
            return read_certificates(certificates_folder), json.loads(ports_file.read_text())
        self._folder.mkdir(parents=True, exist_ok=True)
        ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
        ports_file.write_text(json.dumps(ports))
        certificates = make_certificates(certificates_folder, service_address=_SERVICE_ADDRESS)
        self._write_kubeconfig(certificates)
        return certificates, ports

    def _write_kubeconfig(self, certificates: Certificates) -> None:
        def inline(file: Path) -> str:
            return base64.b64encode(file.read_bytes()).decode()

        cluster = {"server": self._server, "certificate-authority-data": inline(certificates.authority)}
        user = {
            "client-certificate-data": inline(certificates.admin.certificate),
            "client-key-data": inline(certificates.admin.key),
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "simulated", "cluster": cluster}],
            "users": [{"name": "admin", "user": user}],
            "contexts": [{"name": "simulated", "context": {"cluster": "simulated", "user": "admin"}}],
            "current-context": "simulated",
        }
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(yaml.safe_dump(config))

    def _start_etcd(self, ports: Mapping[str, int]) -> None:
        client, peer = (f"http://127.0.0.1:{ports[name]}" for name in ("etcd", "etcd-peer"))
        self._run(
            "etcd",
            build_part(parts.ETCD),
            {
                "data-dir": self._folder / "etcd",
                "listen-client-urls": client,
                "advertise-client-urls": client,
                "listen-peer-urls": peer,
                "initial-advertise-peer-urls": peer,
                "initial-cluster": f"default={peer}",
                # The data need not survive a crash of the machine, and disk flushes would take most of the time.
                "unsafe-no-fsync": "true",
                "log-level": "warn",
            },
        )

    def _start_api_server(self, certificates: Certificates, ports: Mapping[str, int]) -> None:
        self._run(
            "kube-apiserver",
            self._kubernetes,
            {
                "etcd-servers": f"http://127.0.0.1:{ports['etcd']}",
                "bind-address": "127.0.0.1",
                "secure-port": ports["kube-apiserver"],
                # A loopback address is no valid endpoint of the `kubernetes` service.
                "endpoint-reconciler-type": "none",
                "service-cluster-ip-range": _SERVICE_NETWORK,
                "authorization-mode": "Node,RBAC",
                "allow-privileged": "true",
                "client-ca-file": certificates.authority,
                "tls-cert-file": certificates.server.certificate,
                "tls-private-key-file": certificates.server.key,
                "service-account-issuer": "https://kubernetes.default.svc",
                "service-account-key-file": certificates.service_accounts.certificate,
                "service-account-signing-key-file": certificates.service_accounts.key,
                # Every node has an external address on loopback, where one server acts as the kubelet of all.
                "kubelet-preferred-address-types": "ExternalIP",
                "kubelet-certificate-authority": certificates.authority,
                "kubelet-client-certificate": certificates.admin.certificate,
                "kubelet-client-key": certificates.admin.key,
                **self.api_server_flags,
            },
        )

    def _start_clients(self, certificates: Certificates) -> None:
        client = {
            "kubeconfig": self.kubeconfig,
            "leader-elect": "false",
            "secure-port": 0,
            # With the default rate limits a thousand pods would take far longer.
            "kube-api-qps": 1000,
            "kube-api-burst": 2000,
        }
        self._run(
            "kube-controller-manager",
            self._kubernetes,
            {
                **client,
                "service-account-private-key-file": certificates.service_accounts.key,
                "root-ca-file": certificates.authority,
                "allocate-node-cidrs": "true",
                "cluster-cidr": self.pod_network,
                "service-cluster-ip-range": _SERVICE_NETWORK,
                # Simulated nodes report when they are not Ready, and send no heartbeats.
                "node-monitor-grace-period": "24h",
            },
        )
        if self.simulated_nodes:
            self._run("kube-scheduler", self._kubernetes, client)
            self._start_simulator()

    def _start_simulator(self) -> None:
        if not self._processes.alive("simulator"):
            command = [sys.executable, "-m", "scripts.lab.simulated.simulator", str(self._folder.absolute())]
            self._processes.start("simulator", command)

    def _run(self, name: str, binaries: Path, flags: Mapping[str, object]) -> None:
        if not self._processes.alive(name):
            self._processes.start(name, [str(binaries / name), *(f"--{key}={value}" for key, value in flags.items())])

    def _wait(self, program: str, what: str, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self.start_seconds
        while not done():
            self._processes.require_alive(program)
            if time.monotonic() > deadline:
                raise LabError(
                    f"waited {self.start_seconds:.0f} s for {what} in vain; see {self._processes.log(program)}"
                )
            time.sleep(0.1)
