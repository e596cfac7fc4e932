"""Bad config of every kind through the program's own way: one fault is one line, and nothing else is said."""

from collections.abc import Mapping

import pytest

from components.operator_lines import Level
from components.plan import PlanError, make_plan
from scripts.lab.simulated.control_plane import ControlPlane
from tests.checks.config.bad import Bad
from tests.checks.config.bad_config import WRITTEN
from tests.checks.config.bad_pods import PODS
from tests.checks.config.unfit_config import UNFIT, Unfit
from tests.checks.site import Site

# English of pydantic's or of Python's own, which says nothing to an operator.
NOT_OURS = ("Input should", "Value error", "validation error", "Traceback", "JSONDecode", "model_type")


def refused(raw: Mapping[str, str], *, kubeconfig: str) -> str:
    with pytest.raises(PlanError) as caught:
        make_plan(raw, kubeconfig=kubeconfig)
    return str(caught.value)


def test_the_table_is_wide_enough() -> None:
    names = [*(case.name for case in (*WRITTEN, *PODS)), *(case.name for case in UNFIT)]
    assert len(set(names)) == len(names) >= 40


@pytest.mark.parametrize("case", [*WRITTEN, *PODS], ids=lambda case: case.name)
def test_what_is_written_wrongly_is_one_clear_line(case: Bad) -> None:
    line = refused(case.raw, kubeconfig="/nonexistent")  # told before any cluster is asked
    assert "\n" not in line
    assert line.startswith(case.line)
    assert case.remedy in line
    assert not [words for words in NOT_OURS if words in line]
    assert "hush" not in line  # the table's word for a credential
    assert len(line) < 500


@pytest.mark.apiserver
@pytest.mark.parametrize("case", UNFIT, ids=lambda case: case.name)
def test_what_does_not_fit_the_cluster_is_one_clear_line(site: Site, plane: ControlPlane, case: Unfit) -> None:
    case.make(site)
    head, *lines = refused(case.raw, kubeconfig=str(plane.kubeconfig)).splitlines()
    assert head == "refused, nothing was changed:"
    (line,) = lines
    assert line.strip().startswith(case.begins)
    assert line.endswith(case.ends)


@pytest.mark.apiserver
def test_a_version_that_is_not_known_is_one_warning(site: Site, plane: ControlPlane) -> None:
    site.nodes()
    plan = make_plan({"phase": "secondary", "cilium": '{"version": "1.15.3"}'}, kubeconfig=str(plane.kubeconfig))
    (line,) = [line.text for line in plan.lines(at_once=16) if line.level is Level.WARNING]
    assert "[cilium-version] cilium.version 1.15.3 is not one that this program knows" in line
    assert line.endswith("set cilium.version to a release of 1.16 to 1.20")


def test_several_faults_are_told_at_once_and_each_in_a_line_of_its_own() -> None:
    raw = {
        "phse": "migrate",
        "drain": '{"force": "perhaps", "timeoutSeconds": 0}',
        "cilium": '{"podCidr": "10.245.0.1/16"}',
        "waves": '[["a"], ["a"]]',
    }
    keys = ["phse", "cilium.podCidr", "drain.timeoutSeconds", "drain.force"]
    assert [line.split(":")[0] for line in refused(raw, kubeconfig="/nonexistent").splitlines()] == [
        f"config {key}" for key in keys
    ]


def test_faults_of_several_waves_are_told_at_once() -> None:
    lines = refused({"phase": "migrate", "waves": '[["a", "a"], [], ["b"], ["b"]]'}, kubeconfig="/nonexistent")
    assert [line.split(":")[0] for line in lines.splitlines()] == [
        "config waves[0][1]", "config waves[1]", "config waves[3][0]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [
        {"drain": '{"force": "true", "timeoutSeconds": "600"}', "cilium": '{"tunnelPort": "8473"}'},
        {"drain": '{"force": "yes", "timeoutSeconds": 600.0}', "cilium": '{"tunnelPort": 8473}'},
    ],
    ids=["texts", "numbers"],
)
def test_what_the_engine_makes_of_numbers_and_switches_is_understood(raw: Mapping[str, str]) -> None:
    assert "no usable kubeconfig" in refused(raw, kubeconfig="/nonexistent")
