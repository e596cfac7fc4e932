import json

import pytest

from scripts.lab.console import LabError
from scripts.lab.simulated.control_plane import ControlPlane

pytestmark = pytest.mark.apiserver


def _pod(name: str, stays: str = "") -> str:
    labels = {"simulated/stays": stays} if stays else {}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": labels},
            "spec": {"containers": [{"name": "main", "image": "none"}]},
        }
    )


def test_pods_run_and_a_job_completes(control_plane: ControlPlane) -> None:
    control_plane.kubectl("create", "namespace", "stages")
    control_plane.kubectl("-n", "stages", "create", "deployment", "web", "--image=none", "--replicas=3")
    control_plane.kubectl("-n", "stages", "create", "job", "once", "--image=none")
    control_plane.kubectl("-n", "stages", "rollout", "status", "deployment/web", "--timeout=20s")
    control_plane.kubectl("-n", "stages", "wait", "job/once", "--for=condition=Complete", "--timeout=20s")


def test_a_pod_can_be_told_to_stay_unready(control_plane: ControlPlane) -> None:
    control_plane.kubectl("create", "namespace", "broken")
    control_plane.kubectl("-n", "broken", "create", "-f", "-", stdin=_pod("crashing", "crashing"))
    waiting = "jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff"
    control_plane.kubectl("-n", "broken", "wait", "pod/crashing", f"--for={waiting}", "--timeout=20s")


def test_an_error_of_kubectl_is_told_in_its_own_words(control_plane: ControlPlane) -> None:
    with pytest.raises(LabError, match='namespaces "missing" not found'):
        control_plane.kubectl("get", "namespace", "missing")
