"""A queue of evictions in which a blocked pod delays no other, and every pod left at the end has a reason."""

import re
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import Deadline, pause
from components.operations.draining.drain_plan import age_of_deletion, no_longer_awaited
from components.operations.objects.model import Pod
from components.operations.progress import Progress
from components.plurals import many
from stacks.sections.node import DrainSettings

_AT_ONCE = 20
_RETRY_SECONDS = 2.0
_FIRST_LOOK_SECONDS, _SLOWEST_LOOK_SECONDS = 0.1, 1.0
# A requested stop is noticed this soon, however long the API server takes to answer.
_HEED_SECONDS = 0.5
_COUNTS_SECONDS = 1.0
_NAMES_SHOWN = 5
_WEBHOOK = re.compile(r'admission webhook "([^"]+)" denied the request: (.*)', re.DOTALL)
_OVERLOADED = re.compile("too many requests", re.IGNORECASE)
_NUMBERS = re.compile(r"disruption budget (\S+) needs (\d+) healthy pods and has (\d+) currently")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The API server's answer to an eviction: accepted, to be retried after `again_seconds`, or refused for good."""

    why: str = ""
    again_seconds: float = 0
    refused: bool = False


@dataclass
class _Entry:
    """A pod to evict; `due` is on the monotonic clock."""

    pod: Pod
    due: float = 0
    why: str = "not asked yet"
    said: str = ""
    held: str = ""


def names(pods: Sequence[Pod]) -> str:
    """The first few by name, the others as a count."""
    shown = ", ".join(pod.title for pod in pods[:_NAMES_SHOWN])
    return shown + (f" and {len(pods) - _NAMES_SHOWN} more" if len(pods) > _NAMES_SHOWN else "")


def request_eviction(cluster: Cluster, pod: Pod, *, options: DrainSettings) -> Answer:
    """Request the eviction of that very pod (by UID) once; a later list of the node's pods shows whether it went."""
    try:
        if options.disable_eviction:
            cluster.delete(pod.path, uid=pod.uid, grace_period_seconds=options.grace_period_seconds)
        else:
            cluster.create(f"{pod.path}/eviction", _eviction(pod, options))
    except ClusterError as error:
        return judge(pod, error)
    return Answer()


def _eviction(pod: Pod, options: DrainSettings) -> dict[str, object]:
    delete_options: dict[str, object] = {"preconditions": {"uid": pod.uid}}
    if options.grace_period_seconds is not None:
        delete_options["gracePeriodSeconds"] = options.grace_period_seconds
    return {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod.name, "namespace": pod.namespace},
        "deleteOptions": delete_options,
    }


def judge(pod: Pod, error: ClusterError) -> Answer:
    """The meaning of an error for the pod: gone, going anyway, worth a retry, or refused for good."""
    again = error.retry_after or _RETRY_SECONDS
    words = " ".join(error.causes) or str(error)
    if error.status == 404:
        return Answer()
    if error.status == 409:  # another pod has its name, or the server met a conflict: the next list tells
        return Answer(why="the API server met a conflict")
    if error.status == 403 and "NamespaceTerminating" in error.cause_kinds:
        return Answer(why=f"namespace {pod.namespace} is being deleted, and the pod with it")
    if error.status == 429 and "DisruptionBudget" in error.cause_kinds:
        numbers = _NUMBERS.search(words)
        if numbers:
            name, needed, present = numbers.groups()
            words = f"budget {pod.namespace}/{name} needs {needed} available, has {present}"
        return Answer(why=words, again_seconds=again)
    if error.status == 429 and (webhook := _WEBHOOK.search(str(error))):
        # A webhook answers so while it works on the eviction, as KubeVirt's does during a live migration.
        return Answer(why=f"webhook {webhook[1]} has it wait: {webhook[2]}", again_seconds=again)
    if error.status == 429 and _OVERLOADED.search(str(error)):
        return Answer(why="the API server is overloaded and defers requests (429, no budget)", again_seconds=again)
    if error.status == 429:
        return Answer(why=f"the API server defers it (429): {words}", again_seconds=again)
    if error.status == 500 and "PodDisruptionBudget" in words:
        return Answer(why=f"the API cannot evict it: {words}; leave it one budget", refused=True)
    if error.status == 0:
        return Answer(why="the API server does not answer", again_seconds=again)
    if error.may_pass:
        return Answer(why=f"the API server is in trouble ({words})", again_seconds=again)
    return Answer(why=words, refused=True)


def what_holds(pod: Pod, now: datetime) -> str:
    """The reason why a terminating pod is still there, as the end of a sentence; empty if none is known."""
    if pod.finalizers:
        return f", held by finalizers {', '.join(pod.finalizers)}"
    return f", its grace period ends {pod.terminating_since}" if age_of_deletion(pod, now) < 0 else ""


@dataclass
class EvictionQueue:
    """Evicts the pods of one node. `look` lists the node's pods: one request for all, not one each.

    Requests run side by side in threads; all bookkeeping is in the thread that calls `run`.
    """

    cluster: Cluster
    pods: Sequence[Pod]
    options: DrainSettings
    deadline: Deadline
    progress: Progress
    look: Callable[[], list[Pod]]
    request: Callable[..., Answer] = request_eviction
    faults: dict[str, str] = field(default_factory=dict)
    _queue: list[_Entry] = field(default_factory=list)
    _asked: dict[Future[Answer], _Entry] = field(default_factory=dict)
    _leaving: dict[str, _Entry] = field(default_factory=dict)
    _looking: Future[list[Pod]] | None = None
    _looked_for: set[str] = field(default_factory=set)
    _look_at: float = 0
    _look_seconds: float = _FIRST_LOOK_SECONDS
    _trouble: str = ""
    _counted: tuple[int, float] = (0, 0)

    def run(self) -> list[str]:
        """Evict all pods and wait until they are gone; returns a line with the reason for each that is left.

        Raises StoppedError within a second when the run is asked to stop, ClusterError if the node can't be read.
        """
        self._queue = [_Entry(pod) for pod in self.pods]
        workers = ThreadPoolExecutor(max_workers=_AT_ONCE + 1, thread_name_prefix="drain")
        try:
            while (self._queue or self._asked or self._leaving) and not self.deadline.passed:
                self._ask_those_due(workers)
                self._look_if_due(workers)
                self._wait()
                self._collect()
                self._speak()
        finally:
            workers.shutdown(wait=False, cancel_futures=True)
        left = [*self._queue, *self._asked.values(), *self._leaving.values()]
        return [
            *(f"pod {title}: {why}" for title, why in self.faults.items()),
            *sorted(f"pod {entry.pod.title}: {self._why_left(entry)}" for entry in left),
        ]

    def _ask_those_due(self, workers: ThreadPoolExecutor) -> None:
        now = time.monotonic()
        due = [entry for entry in self._queue if entry.due <= now][: _AT_ONCE - len(self._asked)]
        for entry in due:
            self._queue.remove(entry)
            self._asked[workers.submit(self.request, self.cluster, entry.pod, options=self.options)] = entry

    def _look_if_due(self, workers: ThreadPoolExecutor) -> None:
        if self._leaving and self._looking is None and time.monotonic() >= self._look_at:
            self._looked_for = set(self._leaving)
            self._looking = workers.submit(self.look)

    def _wait(self) -> None:
        """Wait until an answer comes or a request is due; never for long, so that a stop is noticed."""
        now = time.monotonic()
        dues = [entry.due for entry in self._queue] if len(self._asked) < _AT_ONCE else []
        if self._leaving and self._looking is None:
            dues.append(self._look_at)
        seconds = max(0.0, min([_HEED_SECONDS, self.deadline.left, *(due - now for due in dues)]))
        under_way: set[Future[Any]] = {*self._asked, *([self._looking] if self._looking else [])}
        if under_way:
            wait(under_way, timeout=seconds, return_when=FIRST_COMPLETED)
        pause(0 if under_way else seconds)

    def _collect(self) -> None:
        for job in [job for job in self._asked if job.done()]:
            entry, answer = self._asked.pop(job), job.result()
            entry.why = answer.why
            if answer.refused:
                self.faults[entry.pod.title] = answer.why
            elif answer.again_seconds:
                self._put_back(entry, seconds=answer.again_seconds)
            else:
                self._leaving[entry.pod.uid] = entry
                now = time.monotonic()
                self._look_seconds = _FIRST_LOOK_SECONDS
                self._look_at = min(max(self._look_at, now), now + _FIRST_LOOK_SECONDS)
        if self._looking and self._looking.done():
            self._heed_look(self._looking)
            self._looking = None

    def _heed_look(self, look: Future[list[Pod]]) -> None:
        try:
            present = {pod.uid: pod for pod in look.result()}
        except ClusterError as error:
            if not error.may_pass:
                raise
            self._troubled("the API server does not answer" if error.status == 0 else str(error))
            self._look_at = time.monotonic() + _RETRY_SECONDS
            return
        self._troubled("")
        before, now = len(self._leaving), datetime.now(UTC)
        for uid in self._looked_for & set(self._leaving):
            pod = present.get(uid)
            if pod is None or no_longer_awaited(pod, options=self.options, now=now):
                del self._leaving[uid]
            elif not pod.terminating_since:
                entry = self._leaving.pop(uid)
                entry.why = entry.why or "its eviction had no effect"
                self._put_back(entry, seconds=_RETRY_SECONDS)
            else:
                self._leaving[uid].held = what_holds(pod, now)
        moved = len(self._leaving) < before
        self._look_seconds = _FIRST_LOOK_SECONDS if moved else min(self._look_seconds * 1.5, _SLOWEST_LOOK_SECONDS)
        self._look_at = time.monotonic() + self._look_seconds

    def _put_back(self, entry: _Entry, *, seconds: float) -> None:
        entry.due = time.monotonic() + min(seconds, self.deadline.left)
        self._queue.append(entry)

    def _troubled(self, why: str) -> None:
        if why and not self._trouble:
            self.progress.say(f"{why}; waiting for it, {self.deadline.left:.0f} s left")
        elif self._trouble and not why:
            self.progress.say("the API server answers again")
        self._trouble = why

    def _speak(self) -> None:
        """Report changes: each reason once for all pods that have it, and the number of pods gone."""
        news: dict[str, list[Pod]] = defaultdict(list)
        for entry in self._queue:
            if entry.due and entry.why != entry.said:
                news[entry.why].append(entry.pod)
                entry.said = entry.why
        for why, pods in news.items():
            self.progress.say(f"{many(len(pods), 'pod')} waiting ({names(pods)}): {why}")
        left = [*self._queue, *self._asked.values(), *self._leaving.values()]
        gone, now = len(self.pods) - len(left) - len(self.faults), time.monotonic()
        if gone > self._counted[0] and (now - self._counted[1] >= _COUNTS_SECONDS or not left):
            self._counted = gone, now
            self.progress.say(
                f"{gone} of {many(len(self.pods), 'pod')} gone"
                + (f", left: {names([each.pod for each in left])}" if left else "")
            )

    def _why_left(self, entry: _Entry) -> str:
        allowed = f"{self.deadline.allowed:.0f} s"
        if entry.pod.uid in self._leaving:
            why = f"evicted, but still terminating after {allowed}{entry.held}"
        else:
            why = f"not evicted within {allowed}: {entry.why or 'the API server does not answer'}"
        return why + (f"; {self._trouble}" if self._trouble and self._trouble not in why else "")
