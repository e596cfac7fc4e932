"""Calico by its operator, on the real engine: what preview says of its preparation, and what it refuses."""

import json

import pytest

from components.operations.cluster_api.api import Cluster
from scripts.lab.session import Session, diagnostics
from scripts.lab.simulated.control_plane import ControlPlane
from tests.sources.conftest import define_kinds
from tests.sources.making_clusters import VXLAN
from tests.sources.upstream import operator

pytestmark = [pytest.mark.engine, pytest.mark.apiserver]


@pytest.fixture
def calico(plane: ControlPlane) -> ControlPlane:
    """The cluster with Calico's operator and what it made, where Flannel was."""
    plane.kubectl("delete", "namespace", "kube-flannel", "--wait=false")
    plane.kubectl("-n", "kube-flannel", "delete", "daemonset", "--all")
    define_kinds(Cluster(kubeconfig=str(plane.kubeconfig)))
    made = operator(VXLAN)
    for each in made:
        each["metadata"].pop("ownerReferences", None)  # of an Installation that has another uid by then
    for items in ([each for each in made if each["kind"] == "Namespace"], made):
        together = {"apiVersion": "v1", "kind": "List", "items": items}
        plane.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(together))
    return plane


def test_preview_says_that_the_address_detection_moves_first(calico: ControlPlane, stack: Session) -> None:
    stack.set_path("phase", "secondary")
    run = stack.preview()
    assert "[autodetection] Calico's address detection is 'first-found'; Cilium's installation moves it" in diagnostics(
        run.output
    )
    assert "secondary:SourcePreparation source create" in run.output.replace("  ", " ").replace("  ", " ")

    # Pinned by the user: nothing to prepare, and nothing to say.
    body = {"spec": {"calicoNetwork": {"nodeAddressAutodetectionV4": {"interface": "eth.*"}}}}
    calico.kubectl("patch", "installation.operator.tigera.io", "default", "--type=merge", "-p", json.dumps(body))
    run = stack.preview()
    assert "[autodetection]" not in run.output
    assert "SourcePreparation" not in diagnostics(run.output)

    plane = {"spec": {"calicoNetwork": {"linuxDataplane": "BPF"}}}
    calico.kubectl("patch", "installation.operator.tigera.io", "default", "--type=merge", "-p", json.dumps(plane))
    run = stack.preview(check=False)
    assert run.exit_code != 0
    assert "[source-data-plane] Calico's data plane is ebpf" in diagnostics(run.output)
