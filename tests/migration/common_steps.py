"""The steps that migrations from every CNI share, for tests of whole migrations on the real lab."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from scripts.lab import assertions
from scripts.lab.images import catalogue
from tests.migration.lab_with_traffic import Stage

_SECONDS = 60
_QUIET = timedelta(seconds=8)


def until(condition: Callable[[], bool], *, what: str, seconds: float = _SECONDS) -> None:
    """Wait for it; fails with `what` was waited for."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(0.5)


def begin(stage: Stage) -> None:
    """Phase `preflight`; looks at the flows for a shorter time than users do, as there are few of them here."""
    stage.session.set(traffic__baselineSeconds="6")
    stage.up(phase="preflight")


def move_every_node(stage: Stage) -> None:
    """A wave for each node, one after the other."""
    for number, node in enumerate(stage.nodes):
        stage.session.set_path(f"waves[{number}][0]", node)
        stage.session.up()
        assertions.node_is_on_cilium(stage.lab, node)
    assert stage.outputs()["nodesDone"] == stage.nodes


def finish(stage: Stage, *, consent: str) -> None:
    """Phases `finalize` and `cleanup`; then nothing of the old CNI is left, and nothing is to be done."""
    stage.up(phase="finalize")
    stage.up(phase="cleanup", cleanup__consent=consent)
    assertions.no_source_left(stage.lab, stage.nodes)
    preview = stage.session.preview().output
    assert "to create" not in preview
    assert "to update" not in preview


def assert_no_loss(stage: Stage, *, since: datetime | None = None) -> None:
    """Neither a request nor a connection was lost without a planned cause."""
    report = stage.report(since)
    totals = report.totals()
    through_services = [totals.of("service-http"), totals.of("dns"), totals.of("echo-service")]
    assert all(kind.sent > 100 for kind in through_services)
    assert [kind.lost for kind in through_services] == [0, 0, 0], report.explain()
    assert totals.lost == 0, report.explain()


def wait_until_nothing_is_lost(stage: Stage) -> None:
    """Wait for a stretch of time without any loss, after something that did harm."""
    end = time.monotonic() + _SECONDS
    since = datetime.now(UTC)
    while stage.report(since).totals().lost or datetime.now(UTC) - since < _QUIET:
        assert time.monotonic() < end, stage.report(since).explain()
        if stage.report(since).totals().lost:
            since = datetime.now(UTC)


def assert_policies_are_enforced(stage: Stage) -> None:
    """A NetworkPolicy that lets nobody in does so, and only as long as it is there; no sample flow is touched."""
    stage.lab.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": _GUARDED}))
    stage.lab.kubectl("-n", _NAMESPACE, "rollout", "status", "deployment/guarded", "--timeout=60s")
    until(lambda: _lets_in(stage), what="a pod without policies to be reached")
    stage.lab.kubectl("apply", "-f", "-", stdin=json.dumps(_NOBODY))
    try:
        until(lambda: not _lets_in(stage), what="a policy to be enforced")
    finally:
        stage.lab.kubectl("-n", _NAMESPACE, "delete", "networkpolicy", "nobody")
    until(lambda: _lets_in(stage), what="the pod to be reached again")


def _lets_in(stage: Stage) -> bool:
    pods = stage.objects("-n", _NAMESPACE, "get", "pods")["items"]
    address = next(pod["status"]["podIP"] for pod in pods if not pod["metadata"].get("deletionTimestamp"))
    program = f"import socket; socket.create_connection(('{address}', 8000), timeout=2)"
    command = ("-n", "lab-workloads", "exec", "store-0", "--", "python3", "-c", program)
    return stage.lab.kubectl(*command, check=False).returncode == 0


_NAMESPACE = "guarded"
_LABELS = {"app": "guarded"}
_GUARDED = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}},
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "guarded", "namespace": _NAMESPACE},
        "spec": {
            "selector": {"matchLabels": _LABELS},
            "template": {
                "metadata": {"labels": _LABELS},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [
                        {"name": "web", "image": catalogue.PYTHON, "command": ["python3", "-m", "http.server", "8000"]}
                    ],
                },
            },
        },
    },
]
_NOBODY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "nobody", "namespace": _NAMESPACE},
    "spec": {"podSelector": {"matchLabels": _LABELS}, "policyTypes": ["Ingress"]},
}
