"""One run at a time on a cluster, wherever each operator keeps the state: a Lease, which a dead run loses by itself."""

import getpass
import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from components.names import NAMESPACE
from components.operations.api import Cluster, ClusterError
from components.operations.deadline import OperationError

NAME = "migration"
SECONDS = 20
_FOLDER = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
PATH = f"{_FOLDER}/{NAME}"
_RACES = 5
_lock = threading.Lock()
_keeper: threading.Thread | None = None


def _micro_now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def holder_of_this_run() -> str:
    """Who we are: every provider process of one engine says the same."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}/{os.getppid()}"


def _alive(process: int) -> bool:
    """Whether a process of this machine still runs; one that ended and was never waited for does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True  # no such file system here, or it ended just now: then the hold runs out by itself
    return state != "Z"


@dataclass(frozen=True, kw_only=True)
class Held:
    """The lease as read: who has it, and the seconds since it was renewed."""

    holder: str
    age: float
    version: str

    @property
    def free(self) -> bool:
        """Whether nobody has it any more: given back, run out, or of a process of this machine that is gone."""
        if not self.holder or self.age > SECONDS:
            return True
        place, _, process = self.holder.rpartition("/")
        if place.rpartition("@")[2] != socket.gethostname() or not process.isdigit():
            return False
        return not _alive(int(process))


def read(cluster: Cluster) -> Held | None:
    """The lease as it is now; None where there is none."""
    item = cluster.find(PATH)
    if item is None:
        return None
    spec = item.get("spec") or {}
    renewed = spec.get("renewTime") or "1970-01-01T00:00:00Z"
    age = (datetime.now(UTC) - datetime.fromisoformat(renewed.replace("Z", "+00:00"))).total_seconds()
    return Held(holder=spec.get("holderIdentity") or "", age=age, version=item["metadata"]["resourceVersion"])


def _take(cluster: Cluster, me: str) -> None:
    spec = {
        "holderIdentity": me,
        "leaseDurationSeconds": SECONDS,
        "renewTime": _micro_now(),
        "acquireTime": _micro_now(),
    }
    found = read(cluster)
    if found is None:
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": NAME}, "spec": spec}
        cluster.create(_FOLDER, body)
    elif found.holder == me or found.free:
        # The version makes it a race that only one can win.
        cluster.patch(PATH, {"metadata": {"resourceVersion": found.version}, "spec": spec})
    else:
        raise OperationError(
            f"another run works on this cluster: {found.holder}, seen {found.age:.0f} s ago; wait for it to end (a "
            f"dead run's hold ends by itself {SECONDS} s after it was last seen)"
        )


def _renew(cluster: Cluster, me: str) -> None:
    while True:
        time.sleep(SECONDS / 4)
        with suppress(ClusterError):
            found = read(cluster)
            if found and found.holder == me:
                cluster.patch(PATH, {"spec": {"renewTime": _micro_now()}})


def hold(cluster: Cluster) -> None:
    """Have the cluster for this run, from now until its process ends; asked again it makes sure of that.

    Raises OperationError if another run has it.
    """
    global _keeper  # noqa: PLW0603 (one for the process, whose threads share the hold)
    me = holder_of_this_run()
    with _lock:
        for _ in range(_RACES):
            try:
                _take(cluster, me)
                break
            except ClusterError as error:
                if error.status != 409:
                    raise
                time.sleep(0.2)  # another run was quicker; look again who has it
        else:
            raise OperationError("the cluster's lease changes hands too fast to be taken; run `pulumi up` again")
        if _keeper is None:
            _keeper = threading.Thread(target=_renew, args=(cluster, me), daemon=True, name="lease")
            _keeper.start()
