"""The lab's operations: up, down, status, reboot of a node, commands on a node."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Unpack

from scripts.lab import leftovers, machine
from scripts.lab.building import build_parts
from scripts.lab.cluster import cgroups, configuration, sources, state, sysctls
from scripts.lab.cluster.layout import CONTROL_PLANE, Layout, Unusual, lab_id
from scripts.lab.completing import complete
from scripts.lab.console import LabError, Step, console
from scripts.lab.images.store import copy_store, image_store
from scripts.lab.paths import CHECKOUT, lab_folder
from scripts.lab.reports import remove_all_but_reports
from scripts.lab.status import NodeStatus, Status, wait
from scripts.lab.toolchain import build
from scripts.lab.toolchain import parts as catalogue

_START_SECONDS = 20
_STOP_SECONDS = 30
_REBOOT_SECONDS = 60


class Lab:
    """The lab of one checkout (or of the folder given); its methods may be called from any process."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (folder or lab_folder()).resolve()
        self.lab_id = lab_id(self.folder)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, for use on this machine."""
        return self.folder / "kubeconfig"

    @property
    def kubectl_binary(self) -> Path:
        """The kubectl of the cluster's own version."""
        return build.build_part(catalogue.KUBERNETES) / "kubectl"

    def current(self) -> state.LabState | None:
        """The state of the running lab, or None."""
        known = state.read_state(self.folder)
        return known if known and known.supervisor.alive else None

    def layout(self) -> Layout:
        """The layout of the lab that is up, or was last."""
        try:
            return Layout.model_validate_json((self.folder / "layout.json").read_text())
        except FileNotFoundError:
            raise LabError("there is no lab here; start one with `up`") from None

    def log(self, node: str) -> Path:
        """The folder that the machine `node` has as /var/log, readable from outside; it outlives `down`."""
        return configuration.machine_folder(self.folder, node) / "log"

    def up(self, *, nodes: int = 3, source: str = "flannel", **unusual: Unpack[Unusual]) -> None:
        """Start the lab, or complete one that is up: its CNI and CoreDNS Ready on every node when this returns.

        A lab that is already up keeps its `unusual` settings.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        layout = Layout(lab_id=self.lab_id, node_count=nodes, source=sources.source(source).name, **unusual)
        with self._lock() as lock:
            if running := self.current():
                console.print(f"lab {self.lab_id} is up already: {', '.join(sorted(running.machines))}")
                self._grow(layout)
            else:
                machine.check(self.folder, nodes=nodes)
                parts = build_parts()
                store = self._store(layout)
                self._clear_remains()
                self._prepare(layout, parts, store)
                self._start_supervisor(lock)
            complete(self, self.layout())

    def down(self) -> None:
        """Stop the lab and remove its nodes' disks; the logs stay. Raises LabError if anything is left behind."""
        if not self.folder.exists():
            console.print("no lab here")
            return
        with self._lock():
            with Step(f"lab {self.lab_id} stopped"):
                left = self._clear_remains()
            if left:
                raise LabError(f"lab {self.lab_id} left behind:\n" + "\n".join(f"  - {line}" for line in left))
            console.print("nothing is left behind: no process, control group, mount or network device")

    def clean(self) -> None:
        """Run `down`, then remove the lab's folder with its logs; the reports of demos stay."""
        self.down()
        remove_all_but_reports(self.folder)

    def status(self) -> Status:
        """The status of the lab."""
        running = self.current()
        if running is None:
            return Status(lab_id=self.lab_id, running=False)
        api_ready = self.kubectl("get", "--raw", "/readyz", check=False).returncode == 0
        ready = self.ready_nodes() if api_ready else {}
        addresses = {known.name: str(known.address) for known in self.layout().machines}
        return Status(
            lab_id=self.lab_id,
            running=True,
            api_ready=api_ready,
            server=f"https://127.0.0.1:{running.port}",
            machines=tuple(
                NodeStatus(
                    name=name,
                    address=addresses.get(name, ""),
                    running=known.init is not None and known.init.alive,
                    process=known.init.pid if known.init else None,
                    boots=known.boots,
                    boot_id=known.boot_id,
                    ready=ready.get(name),
                )
                for name, known in running.machines.items()
            ),
        )

    def reboot(self, node: str) -> None:
        """Reboot one machine as by its reset button; returns when it has booted (its kubelet has not yet)."""
        before = self._machine(node)
        if before.init is None:
            raise LabError(f"{node} is powered off; start it with `node start {node}`")
        before.init.kill(signal.SIGKILL)

        def booted() -> bool:
            known = self._machine(node)
            return known.boots > before.boots and known.init is not None

        wait(booted, seconds=_REBOOT_SECONDS, what=f"{node} to boot again")

    def start(self, node: str) -> None:
        """Start a machine that powered itself off."""
        running = self.running()
        if self._machine(node).init is None:
            running.supervisor.kill(signal.SIGHUP)
            wait(lambda: self._machine(node).init is not None, seconds=_REBOOT_SECONDS, what=f"{node} to start")

    def exec(
        self, node: str, command: list[str], *, capture: bool = True, check: bool = True
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command on one machine, in all of its namespaces."""
        init = self._machine(node).init
        if init is None:
            raise LabError(f"{node} is powered off; start it with `node start {node}`")
        spaces = ["--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup"]
        done = subprocess.run(
            ["nsenter", "--target", str(init.pid), *spaces, "--", *command],
            capture_output=capture,
            text=True,
            check=False,
            env={**os.environ, "PATH": configuration.NODE_PATH} if node != CONTROL_PLANE else None,
        )
        if check and done.returncode != 0:
            said = (done.stderr or "").strip()[-400:]
            raise LabError(f"{' '.join(command)} on {node}: exit {done.returncode}: {said}")
        return done

    def kubectl(self, *words: str, stdin: str | None = None, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run kubectl against the lab."""
        done = subprocess.run(
            [str(self.kubectl_binary), "--kubeconfig", str(self.kubeconfig), *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise LabError(f"kubectl {' '.join(words)}: {done.stderr.strip()[-600:]}")
        return done

    @contextlib.contextmanager
    def _lock(self) -> Iterator[int]:
        """Allow one `up` or `down` at a time; the lock ends with its holder, however that ends."""
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                console.print(f"another up or down works on lab {self.lab_id}; waiting for it to end")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file.fileno()

    def running(self) -> state.LabState:
        """The state of the lab that is up; raises LabError if none is."""
        known = self.current()
        if known is None:
            raise LabError(f"lab {self.lab_id} is not up; start it with `up` (last log: {self.folder}/supervisor.log)")
        return known

    def _machine(self, name: str) -> state.MachineState:
        machines = self.running().machines
        if name not in machines:
            raise LabError(f"the lab has no machine {name}; it has {', '.join(sorted(machines))}")
        return machines[name]

    def file_of(self, node: str, path: str) -> Path:
        """The host's path of a file on a running machine."""
        init = self._machine(node).init
        return Path(f"/proc/{init.pid if init else 0}/root") / path.lstrip("/")

    def ready_nodes(self) -> dict[str, bool]:
        """The nodes, each with True if it is Ready."""
        nodes: list[dict[str, Any]] = json.loads(self.kubectl("get", "nodes", "--output=json").stdout)["items"]
        return {
            node["metadata"]["name"]: any(
                condition["type"] == "Ready" and condition["status"] == "True"
                for condition in node["status"].get("conditions", [])
            )
            for node in nodes
        }

    def _store(self, layout: Layout) -> Path:
        return image_store(besides=sources.source(layout.source).more_images)

    def _prepare(self, layout: Layout, parts: configuration.Parts, store: Path) -> None:
        with Step(f"disks and certificates of {layout.node_count} nodes"):
            for name in ("pki", "nodes"):
                shutil.rmtree(self.folder / name, ignore_errors=True)
            state.write_whole(self.folder / "layout.json", layout.model_dump_json(indent=2) + "\n")
            for node in layout.nodes:
                copy_store(store, configuration.machine_folder(self.folder, node.name) / "containerd")
            configuration.write_all(layout, parts=parts, folder=self.folder)
        sysctls.note(self.folder / "settings-before.json")
        state.write_whole(self.folder / "links-before.json", json.dumps(sorted(leftovers.machine_links())))

    def _grow(self, layout: Layout) -> None:
        """Add nodes to a lab that is up."""
        have = self.layout()
        if layout.source != have.source:
            raise LabError(
                f"lab {self.lab_id} is up with {have.source}, not {layout.source}; stop it first with `down`"
            )
        if layout.node_count <= have.node_count:
            return
        layout = have.model_copy(update={"node_count": layout.node_count})
        parts, store = build_parts(), self._store(layout)
        added = layout.nodes[have.node_count :]
        with Step(f"{len(added)} more nodes"):
            for node in added:
                copy_store(store, configuration.machine_folder(self.folder, node.name) / "containerd")
                configuration.write_node(layout, node, parts=parts, folder=self.folder)
            state.write_whole(self.folder / "layout.json", layout.model_dump_json(indent=2) + "\n")
            self.running().supervisor.kill(signal.SIGHUP)

    def _start_supervisor(self, lock: int) -> None:
        log = self.folder / "supervisor.log"
        with log.open("w") as sink:
            process = subprocess.Popen(
                [sys.executable, "-B", "-m", "scripts.lab.cluster.supervisor", str(self.folder), str(lock)],
                cwd=CHECKOUT,
                env={**os.environ, "LAB_ID": self.lab_id, "PYTHONPATH": str(CHECKOUT)},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                pass_fds=(lock,),
                start_new_session=True,
            )

        def started() -> bool:
            if process.poll() is not None:
                raise LabError(f"the supervisor ended at its start; see {log}")
            known = self.current()
            return known is not None and known.supervisor.pid == process.pid

        wait(started, seconds=_START_SECONDS, what="the supervisor")

    def _clear_remains(self) -> list[str]:
        """Stop all processes and remove everything that is left; returns what could not be removed."""
        known = state.read_state(self.folder)
        if known and known.supervisor.kill(signal.SIGTERM):
            with contextlib.suppress(LabError):
                wait(lambda: not known.supervisor.alive, seconds=_STOP_SECONDS, what="the supervisor to stop")
            known.supervisor.kill(signal.SIGKILL)
        deadline = time.monotonic() + _STOP_SECONDS
        while (pids := leftovers.lab_processes(self.lab_id)) and time.monotonic() < deadline:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    state.Process.of(pid).kill(signal.SIGKILL)
            time.sleep(0.1)
        cgroups.remove(self.lab_id, trees=cgroups.machine_hierarchies())
        for line in sysctls.put_back(self.folder / "settings-before.json"):
            console.print(f"[yellow]![/yellow] {line}")
        for home in (self.folder / "nodes").glob("*"):
            for name in ("disk", "containerd", "kubelet", "etcd"):
                shutil.rmtree(home / name, ignore_errors=True)
        (self.folder / "state.json").unlink(missing_ok=True)
        self.kubeconfig.unlink(missing_ok=True)
        before = self.folder / "links-before.json"
        links = set(json.loads(before.read_text())) if before.exists() else leftovers.machine_links()
        return list(leftovers.leftovers(self.lab_id, folder=self.folder, links_before=links))
