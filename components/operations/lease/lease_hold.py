"""A run's hold of the Lease: taken before its first change, renewed in the background, checked before every change."""

import atexit
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import HoldLostError, OperationError, pause
from components.operations.lease.identity import is_over, this_run
from components.operations.lease.observer import LOOK_SECONDS, RENEW_DEADLINE_SECONDS, Observer, now
from components.operations.lease.record import FOLDER, LEASE_SECONDS, NAME, PATH, TITLE, Record, micro_now, read
from components.operations.progress import say_aloud

_RENEW_SECONDS = 4
_RACES, _RACE_SECONDS = 5, 0.2
_LAST_TRIES = 2
_GONE, _CONFLICT = 404, 409


class _OtherwiseError(Exception):
    """The Lease changed since it was read."""


class Hold:
    """The hold of one run on one cluster; once lost, it is lost for good."""

    def __init__(
        self, cluster: Cluster, *, run: str = "", clock: Callable[[], float] = now,
        sleep: Callable[[float], None] = pause, begin: Callable[["Hold"], None] | None = None,
    ) -> None:  # fmt: skip
        self._cluster, self._run = cluster, run or this_run()
        self._clock, self._sleep, self._begin = clock, sleep, begin or _beside
        self._taking, self._confirming, self._ended = threading.Lock(), threading.Lock(), threading.Event()
        self._record: Record | None = None
        self._renewed = 0.0
        self._lost = ""

    def take(self) -> None:
        """Take the Lease for this run, from now until its process ends.

        A Lease of another run that is neither free nor renewed is watched for its whole duration. Raises
        OperationError if another run is at work, HoldLostError if this one lost its hold.
        """
        with self._taking:
            if self._record or self._lost:
                self._assert_kept()
                return
            observer = Observer(clock=self._clock)
            for races in range(_RACES):
                try:
                    self._take_when_free(observer, first=races == 0)
                except _OtherwiseError:
                    self._sleep(_RACE_SECONDS)  # another run was quicker; read the holder again
                else:
                    self._begin(self)
                    return
        raise OperationError(f"{TITLE} changes hands too fast to be taken; run `pulumi up` again")

    def _take_when_free(self, observer: Observer, *, first: bool) -> None:
        while True:
            began, found = self._clock(), read(self._cluster)
            if found is None or found.free or found.holder == self._run:
                break
            observer.see(found)
            if observer.changed or found.waits_too_long:
                self._lost = (  # for other threads of this run that are about to change something
                    f"another run works on this cluster: {found.who} ({TITLE}); wait for it to end, then `pulumi up`; "
                    f"if there is no such run, `kubectl -n {NAMESPACE} delete lease {NAME}` first"
                )
                raise OperationError(self._lost)
            if observer.unchanged_seconds >= found.seconds:
                break
            if first:
                first = False
                say_aloud(f"{TITLE} is held by {found.who}: is that run alive? It is watched for {found.seconds} s")
            self._sleep(LOOK_SECONDS)
        if found is None:
            self._create(began, transitions=0)
        elif found.holder == self._run:
            self._write(found, began)
        else:
            self._write(found, began, acquireTime=micro_now(), leaseTransitions=found.transitions + 1)

    def _create(self, began: float, *, transitions: int) -> None:
        moment = micro_now()
        spec = {
            "holderIdentity": self._run, "leaseDurationSeconds": LEASE_SECONDS, "acquireTime": moment,
            "renewTime": moment, "leaseTransitions": transitions,
        }  # fmt: skip
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": NAME}, "spec": spec}
        try:
            item = self._cluster.create(FOLDER, body)
        except ClusterError as error:
            if error.status == _CONFLICT:
                raise _OtherwiseError from error
            raise
        self._note(item, began)

    def _write(self, found: Record, began: float, **more: Any) -> None:
        """Replace the record that was read; of two runs that try, one gets a conflict."""
        spec = {"holderIdentity": self._run, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": micro_now(), **more}
        body = {"metadata": {"resourceVersion": found.version}, "spec": spec}
        try:
            item = self._cluster.patch(PATH, body)
        except ClusterError as error:
            if error.status in (_GONE, _CONFLICT):
                raise _OtherwiseError from error
            raise
        self._note(item, began)

    def _note(self, item: dict[str, Any], began: float) -> None:
        # Counted from before the request, as other runs may count from its arrival.
        self._record, self._renewed = Record.read(item), max(began, self._renewed)

    def allow(self, path: str) -> None:
        """Raise HoldLostError unless a change at this path may be sent now; takes the hold if no step did so yet."""
        if path.startswith(FOLDER):
            return
        if self._record is None:
            self.take()
        self._assert_kept()

    def _assert_kept(self) -> None:
        if not self._lost and is_over(self._run):
            self._lose("the engine of this run has ended")
        elif not self._lost and self._silent_seconds >= RENEW_DEADLINE_SECONDS:
            self._confirm()
        if self._lost:
            raise HoldLostError(self._lost)

    @property
    def _silent_seconds(self) -> float:
        return self._clock() - self._renewed

    def _confirm(self) -> None:
        """Renew now: success on the record that this run wrote proves that no other run held it in between."""
        with self._confirming:
            if self._lost or self._silent_seconds < RENEW_DEADLINE_SECONDS:
                return
            try:
                self.renew()
            except ClusterError as error:
                self._lose(
                    f"it could not be renewed for {self._silent_seconds:.0f} s ({error}), and its holder is not known",
                    then=f"`kubectl -n {NAMESPACE} get lease {NAME}` says it once the API server answers, then",
                )

    def renew(self) -> None:
        """Renew the Lease. Raises ClusterError; a lost hold is reported at the next change."""
        for _ in range(_RACES):
            if self._record is None or self._lost:
                return
            try:
                self._write(self._record, self._clock())
            except _OtherwiseError:
                with suppress(_OtherwiseError):
                    self._look_again(self._record)
            else:
                return
        raise ClusterError(f"{TITLE} is changed by others faster than it can be renewed", status=_CONFLICT)

    def _look_again(self, ours: Record) -> None:
        """Read the Lease after a conflict: it was edited, deleted, or taken by another run."""
        found = read(self._cluster)
        if found is None:
            self._create(self._clock(), transitions=ours.transitions)
        elif found.holder not in ("", self._run):
            self._lose(f"{found.who} took the cluster over from this run", then="wait for that run to end, then")
        elif found.transitions != ours.transitions:
            self._lose("another run had the cluster in between", then="see with `pulumi preview` where it is, then")
        else:
            self._record = found

    def _lose(self, why: str, *, then: str = "") -> None:
        self._lost = (
            f"{TITLE}: {why}, so this run stops before its next change; {f'{then} `pulumi up`'.strip()} goes on"
        )

    def keep(self) -> None:
        """Renew regularly until the end of the run or the loss of the hold."""
        while not self._lost and not self._ended.wait(_RENEW_SECONDS):
            with suppress(ClusterError):
                self.renew()

    def give_back(self) -> None:
        """Release the Lease, so that the next run can start at once; this run can change nothing any more."""
        self._ended.set()
        if self._record is None or self._lost:
            return
        self._lose("this run gave its hold back")
        for _ in range(_LAST_TRIES):
            with suppress(ClusterError):
                found = read(self._cluster)
                if found and found.holder == self._run:
                    spec = {"holderIdentity": None, "renewTime": micro_now()}
                    self._cluster.patch(PATH, {"metadata": {"resourceVersion": found.version}, "spec": spec})
                return


def _beside(hold: Hold) -> None:
    threading.Thread(target=hold.keep, daemon=True, name="lease").start()
    atexit.register(hold.give_back)


_holds: dict[Cluster, Hold] = {}
_making = threading.Lock()


def hold_on(cluster: Cluster) -> Hold:
    """Create the hold that every change of this process to the cluster needs from now on."""
    with _making:
        if cluster not in _holds:
            _holds[cluster] = Hold(cluster)
            cluster.guard = _holds[cluster].allow
        return _holds[cluster]
