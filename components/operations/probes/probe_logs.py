"""Reads the records of all probes from their logs through the kubelets, which works with a broken pod network too."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime

from components import probe
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import Deadline, OperationError, pause
from components.operations.objects.model import Pod
from components.probe.records import Key, Reading, Record

_PODS = f"/api/v1/namespaces/{probe.NAMESPACE}/pods"
_AT_ONCE = 24
_FEW_LINES = 4
_MOST_LINES = 2000
_LINES_A_RECORD = 2
_LINES_A_PAST = 40  # a probe prints its own every 15 records, the inherited ones in turn every 5
_LINES_AN_OLD_PAST = 20
_SECONDS = 10.0
_ALL_SECONDS = 120.0
_NAMED = 12
_MOST_BYTES = 64 * 1024
STALE_SECONDS = 20.0  # a probe writes every 2 s; nodes' clocks may differ a little
_log = logging.getLogger(__name__)
_Log = tuple[Pod, bool]  # True if the pod has an earlier log, from before a restart


def _lines(cluster: Cluster, pod: Pod, *, lines: int, previous: bool = False) -> list[str]:
    text = cluster.logs(
        namespace=pod.namespace,
        pod=pod.name,
        container=probe.NAME,
        tail_lines=lines,
        previous=previous,
        timeout_seconds=_SECONDS,
    )
    return text.splitlines()


def _restarts(item: dict[str, object]) -> bool:
    status = item.get("status")
    containers = status.get("containerStatuses") if isinstance(status, dict) else None
    return any(each.get("restartCount") for each in containers or [])


def _of_pod(cluster: Cluster, pod: Pod, *, restarted: bool, lines: int) -> list[str]:
    """The last lines of a pod's log, and of the log before its restart; none if they cannot be read."""
    try:
        found = _lines(cluster, pod, lines=lines)
    except ClusterError as error:
        _log.debug("probe %s on %s: %s", pod.title, pod.node, error)
        return []
    if restarted:
        try:
            found += _lines(cluster, pod, lines=lines, previous=True)
        except ClusterError as error:  # the kubelet may have deleted it
            _log.debug("probe %s on %s before its restart: %s", pod.title, pod.node, error)
    return found


def _each(logs: list[_Log], read: Callable[[_Log], list[str]], *, deadline: Deadline) -> Iterator[list[str]]:
    """The lines of each log, in the order of arrival; raises OperationError with the unread nodes at the deadline."""
    pool = ThreadPoolExecutor(max_workers=_AT_ONCE)
    left = {pool.submit(read, log): log[0] for log in logs}
    try:
        for done in as_completed(left, timeout=deadline.left):
            pause(0)
            del left[done]
            yield done.result()
    except TimeoutError as error:
        nodes, one = sorted({pod.node for pod in left.values()}), min(left.values(), key=lambda pod: pod.node)
        more = f" and {len(nodes) - _NAMED} more" if len(nodes) > _NAMED else ""
        raise OperationError(
            f"probes: {len(left)} of {len(logs)} were not read in {deadline.allowed:.0f} s, those of "
            f"{', '.join(nodes[:_NAMED])}{more}: `kubectl -n {one.namespace} logs {one.name} --tail=1` says whether "
            f"the kubelet of {one.node} answers; mend that, or allow more time in traffic.deadlineSeconds, and run "
            "this again"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def read_probes_at(cluster: Cluster, moment: datetime, *, deadline_seconds: float = _ALL_SECONDS) -> Reading:
    """The first record of every run after a moment, as far back as the logs go, from pods that still exist.

    Raises OperationError if not all are read before the deadline.
    """
    items = cluster.list(_PODS, labelSelector=f"app.kubernetes.io/name={probe.NAME}")

    def first(log: _Log) -> list[str]:
        pod, restarted = log
        found: dict[Key, str] = {}
        for previous in [False, True][: 1 + restarted]:
            try:
                text = cluster.logs(
                    namespace=pod.namespace, pod=pod.name, container=probe.NAME, since=moment, previous=previous,
                    most_bytes=_MOST_BYTES, timeout_seconds=_SECONDS,
                )  # fmt: skip
            except ClusterError as error:
                _log.debug("probe %s on %s at %s: %s", pod.title, pod.node, moment, error)
                continue
            for line in text.splitlines():
                record = Record.read(line)
                if record and not record.by:  # an inherited record has the run's final counts
                    found.setdefault(record.key, line)
        return list(found.values())

    reading = Reading()
    for lines in _each(list(_with_a_log(items)), first, deadline=Deadline(deadline_seconds)):
        reading.add(lines)
    return reading


def _with_a_log(items: list[dict[str, object]]) -> Iterator[_Log]:
    for item in items:
        pod = Pod.read(item)
        if pod.node and pod.phase == "Running":
            yield pod, _restarts(item)


def read_probes(
    cluster: Cluster,
    *,
    lines: int = _FEW_LINES,
    keep_all: bool = False,
    with_pasts: bool = False,
    deadline_seconds: float = _ALL_SECONDS,
) -> tuple[Reading, list[str]]:
    """(the records of all probes, the nodes whose probes could not be read or stopped writing).

    `lines` are read of each log; more if a probe announces more inherited records than these contain. With `with_pasts`
    the reading suffices for a timeline. Raises OperationError if there is no probe, or not all are read before the
    deadline.
    """
    deadline = Deadline(deadline_seconds)
    items = cluster.list(_PODS, labelSelector=f"app.kubernetes.io/name={probe.NAME}")
    pods = list(_with_a_log(items))
    if not pods:
        raise OperationError(
            f"no probe runs in namespace {probe.NAMESPACE}: `pulumi up` in phase preflight brings it; "
            f"`kubectl -n {probe.NAMESPACE} get pods` says what became of it"
        )
    reading = Reading(keep_all=keep_all, with_pasts=with_pasts)
    lines = max(lines, _LINES_A_PAST) if with_pasts else lines

    def read(wanted: list[_Log], *, lines: int) -> None:
        def one(log: _Log) -> list[str]:
            return _of_pod(cluster, log[0], restarted=log[1], lines=lines)

        for text in _each(wanted, one, deadline=deadline):
            reading.add(text)

    read(pods, lines=lines)
    missing = {pod.name: reading.missing_inherited(pod.name) for pod, _ in pods}
    more = [(pod, restarted) for pod, restarted in pods if missing[pod.name]]
    if more:
        most = max(missing[pod.name] for pod, _ in more)
        read(more, lines=min(_MOST_LINES, (_LINES_AN_OLD_PAST if with_pasts else _LINES_A_RECORD) * (most + lines) + 2))
    own = [record for record in reading.latest.values() if not record.by]
    newest = max((record.at for record in own), default=0.0)
    heard = {record.node for record in own if record.at > newest - STALE_SECONDS}
    nodes = {str(each["metadata"]["name"]) for each in cluster.list("/api/v1/nodes")}
    return reading, sorted(nodes - heard)
