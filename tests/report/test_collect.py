"""The report put together from the engine's own JSON, a real API server, and files that may be wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.events import tell
from components.operations.turn_annotations import TurnStep, clear, mark
from scripts.lab.paths import CHECKOUT
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.report.changes import held_to
from scripts.report.cluster_record import read_cluster
from scripts.report.collect import assemble, read_measurement
from scripts.report.figures import headline
from scripts.report.helm_values import HIDDEN, value_changes
from scripts.report.model import Report
from scripts.report.stack_record import ReportError, StackRecord, read_stack
from stacks.config import parse_config
from tests.builders import make_cilium
from tests.report.samples import clean

# What `pulumi stack output --json` and `pulumi stack history --json` printed of a simulated migration, shortened.
OUTPUTS: dict[str, Any] = {
    "phase": "secondary",
    "source": "flannel",
    "strategy": "hybrid",
    "nodesDone": ["worker-1"],
    "nodesToDo": ["worker-2"],
    "nodes": {
        "worker-1": {
            "finished": "2026-11-21T04:09:08Z",
            "podsEvicted": 1,
            "podsRecycled": 1,
            "restarted": False,
            "seconds": {"agent": 0.6, "recycle": 0.5, "uncordon": 0.02, "verify": 0.38},
            "verified": {"address": "10.192.2.11", "flows": 10, "slowest": 0.003},
        }
    },
}


def _entry(start: int, phase: str, waves: list[list[str]], **more: Any) -> dict[str, Any]:
    return {
        "kind": "update",
        "startTime": f"2026-11-21T04:09:{start:02}.000Z",
        "endTime": f"2026-11-21T04:09:{start + 5:02}.000Z",
        "message": "Move the first node",
        "environment": {"git.head": "597736fa120ee9bffe09", "git.dirty": "true", "pulumi.version": "v3.259.0"},
        "config": {
            "cilium-live-migration:phase": {"value": phase, "secret": False},
            "cilium-live-migration:waves": {"value": json.dumps(waves), "objectValue": waves, "secret": False},
            "cilium-live-migration:cilium": {"secret": True},
            "kubernetes:context": {"value": "prod", "secret": False},
            "other-project:phase": {"value": "none of ours", "secret": False},
        },
        "result": "succeeded",
        "resourceChanges": {"create": 4, "same": 20},
        **more,
    }


HISTORY = [
    _entry(30, "secondary", [["worker-1"]]),
    _entry(20, "secondary", [], kind="refresh"),
    _entry(10, "secondary", []),
    {"kind": "update", "result": "in-progress", "startTime": "2026-11-21T04:09:00.000Z"},
]
RECORD = StackRecord(outputs=OUTPUTS, history=HISTORY)


def test_the_stacks_record_is_read() -> None:
    assert RECORD.config == {"phase": "secondary", "waves": [["worker-1"]]}
    assert RECORD.kubeconfig == ("", "prod")
    found = [(run.kind, run.phase, run.commit, run.changes) for run in RECORD.runs()]
    assert found == [
        ("update", "secondary", "597736fa12+", {"create": 4}),
        ("refresh", "secondary", "597736fa12+", {"create": 4}),
        ("update", "migrate", "597736fa12+", {"create": 4}),
    ]


def test_a_stack_that_never_ran_has_an_empty_report() -> None:
    report = assemble("dev", record=StackRecord(outputs={}, history=[]), config=None, cluster=None, measured=None)
    assert (report.turns, report.runs, report.values, report.source) == ((), (), (), "")
    assert headline(report).seconds is None


def test_without_the_cluster_the_report_has_what_the_stack_says() -> None:
    config = parse_config(RECORD.config)
    report = assemble("dev", record=RECORD, config=config, cluster=None, measured=None, left_out=["the cluster"])
    assert [(turn.node, turn.state) for turn in report.turns] == [("worker-1", "done"), ("worker-2", "to do")]
    assert (report.source, report.versions.pulumi, report.versions.kubernetes) == ("Flannel", "3.259.0", "")
    earlier = "steps of node worker-1, as the version that moved it recorded no times of them"
    assert report.left_out == ("the cluster", earlier)
    assert len(report.updates) == 2
    assert report.changes == ()


def test_a_wave_is_read_with_its_budget_and_who_broke_it() -> None:
    budget = "dns 3 lost 9000 ms; pod-http 0 lost 500 ms; pause 700 ms"
    judged = {"nodes": ["worker-1"], "budget": budget, "overBudget": ["worker-1 → b: lost"]}
    never = {"nodes": ["worker-2"], "budget": "", "overBudget": []}
    phases = {"finalize": judged, "secondary": {**judged, "nodes": None, "overBudget": []}}
    record = StackRecord(outputs={**OUTPUTS, "waves": [never, judged], "phases": phases}, history=HISTORY)
    before, wave, after = assemble("dev", record=record, config=None, cluster=None, measured=None).changes
    assert (wave.title, wave.nodes, wave.over_budget) == ("wave 1", ("worker-1",), ("worker-1 → b: lost",))
    assert (before.title, before.over_budget, after.title) == ("phase secondary", (), "phase finalize")
    assert held_to(wave) == [
        "pod to pod: 0 lost, 500 ms", "name lookups: 3 lost, 9,000 ms", "a probe's own pause: 700 ms",
    ]  # fmt: skip


@pytest.mark.apiserver
def test_the_cluster_is_read(control_plane: ControlPlane) -> None:
    """Marks and Events of real Node objects; a cluster without a CNI that we know has no findings, and no error."""
    cluster = Cluster(kubeconfig=str(control_plane.kubeconfig))
    mark(cluster, "simulated-1", TurnStep.DRAINING)
    try:
        tell(cluster, "simulated-1", reason="MigrationDrain", message="step 2 of 7")
        tell(cluster, "simulated-1", reason="MigrationFailed", message="1 of 3 pods could not be evicted", warning=True)
        record = read_cluster(cluster, parse_config({}))
    finally:
        clear(cluster, "simulated-1")
    assert record.marks["simulated-1"].step is TurnStep.DRAINING
    assert record.marks["simulated-2"].step is None
    assert record.operators == (record.marks["simulated-1"].by,)
    assert record.kubernetes.startswith("v1.")
    own = [each for each in record.told if each.node == "simulated-1"]
    assert {each.reason for each in own} >= {"MigrationDrain", "MigrationFailed"}
    report = assemble("dev", record=RECORD, config=parse_config({}), cluster=record, measured=None)
    assert next(turn for turn in report.turns if turn.node == "simulated-1").state == "failed"
    assert "1 of 3 pods could not be evicted" in [trouble.message for trouble in report.troubles]


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Invalid JSON"),
        ("{}", "start: Field required"),
        ('{"start": "2026-11-21T09:00:00", "end": "2026-11-21T09:00:00Z", "probes": 1}', "has no zone"),
        ('{"start": "2026-11-21T09:00:00Z", "end": "2026-11-21T09:00:00Z", "probes": 1, "colour": 2}', "colour: Extra"),
    ],
)
def test_a_measurement_that_is_none_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ReportError, match=said) as caught:
        read_measurement(_write(tmp_path / "measured.json", text))
    assert "\n" not in str(caught.value)


def test_a_measurement_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="No such file"):
        read_measurement(tmp_path / "measured.json")


def test_values_show_what_changes_and_hide_credentials() -> None:
    values = {"tls": {"ca": {"key": "c2VjcmV0"}}, "hubble": {"enabled": False}}
    cilium = make_cilium(values=values, finalValues={"hubble": {"enabled": True}})
    found = {change.path: change for change in value_changes(cilium)}
    assert (found["cni.customConf"].migration, found["cni.customConf"].final) == ("true", "false")
    assert (found["hubble.enabled"].migration, found["hubble.enabled"].final) == ("false", "true")
    assert found["tls.ca.key"].final == HIDDEN
    assert not found["routingMode"].changed
    assert "c2VjcmV0" not in str(found)
    changed = [change.changed for change in value_changes(cilium)]
    assert changed == sorted(changed, reverse=True)


def _engine(folder: Path, *, output: str, history: str, exit_code: int = 0) -> dict[str, str]:
    """An environment in which `pulumi` prints what the real one printed."""
    folder.mkdir()
    (folder / "output").write_text(output)
    (folder / "history").write_text(history)
    program = folder / "pulumi"
    end = f"echo 'error: no stack named gone found' >&2; exit {exit_code}" if exit_code else f'cat "{folder}/$2"'
    program.write_text(f"#!/bin/sh\n{end}\n")
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_the_engines_own_words_are_in_the_error(tmp_path: Path) -> None:
    environment = _engine(tmp_path / "bin", output="", history="", exit_code=255)
    with pytest.raises(ReportError, match="--stack gone` failed: no stack named gone found"):
        read_stack("gone", folder=tmp_path, environment=environment)


def test_a_machine_without_the_engine_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="not on PATH"):
        read_stack("dev", folder=tmp_path, environment={"PATH": str(tmp_path)})


def _run(*words: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.report", *words]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def test_the_command_writes_both_files_and_names_what_is_left_out(tmp_path: Path) -> None:
    """With a cluster that nobody answers for, and a measurement from a file."""
    environment = _engine(tmp_path / "bin", output=json.dumps(OUTPUTS), history=json.dumps(HISTORY))
    environment["KUBECONFIG"] = str(tmp_path / "none.yaml")
    measured = clean().measurement
    assert measured
    file = _write(tmp_path / "measured.json", measured.model_dump_json())
    html, written = tmp_path / "report.html", tmp_path / "report.json"
    done = _run(
        "--stack", "dev", "--measurement", str(file), "--html", str(html), "--json", str(written),
        environment=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "left out: versions, Helm values, checks" in done.stderr
    data = json.loads(written.read_text())
    assert data.pop("headline")["requests"] == sum(f.sent for f in measured.flows if "echo" not in f.kind)
    assert Report.model_validate(data).measurement == measured
    assert "Nothing was lost, 1 of 2 nodes are on Cilium." in html.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stack", "dev"], "nothing to write"),
        (["--stack", "dev", "--html", "/no/such/folder/x.html"], "/no/such/folder/x.html: cannot be written"),
        (["--stack", "dev", "--html", "x.html", "--measurement", "/none.json"], "measurement /none.json"),
    ],
)
def test_errors_are_one_line(tmp_path: Path, words: list[str], said: str) -> None:
    environment = _engine(tmp_path / "bin", output=json.dumps(OUTPUTS), history=json.dumps(HISTORY))
    done = _run(*words, environment={**environment, "KUBECONFIG": str(tmp_path / "none.yaml")})
    assert done.returncode == 1
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
