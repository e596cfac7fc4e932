"""`pulumi preview` and what it refuses, by the real CLI: bad input is told in one line and changes nothing."""

from collections.abc import Callable

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.lease import Hold
from scripts.lab.session import Session, diagnostics
from scripts.lab.simulated.control_plane import ControlPlane
from tests.engine.conftest import as_secondary

pytestmark = [pytest.mark.engine, pytest.mark.apiserver]
Fingerprint = Callable[[], dict[str, str]]

REFUSED: list[tuple[dict[str, str], str]] = [
    ({"phase": "finalise"}, "config phase: 'finalise' is not one of"),
    ({"phase": "secondary", "cilium.podCidr": "10.244.128.0/17"}, "[pod-cidr-free] cilium.podCidr 10.244.128.0/17"),
    ({"phase": "secondary", "cilium.tunnelPort": "8472"}, "cilium.tunnelPort 8472 is the UDP port of Flannel"),
    ({"phase": "secondary", "cilium.values.policyEnforcementMode": "default"}, "sets policyEnforcementMode"),
    ({"phase": "migrate", "waves[0][0]": "worker-1"}, "phase 'migrate' moves nodes, but Cilium is not installed"),
    ({"phase": "secondary", "wavs[0][0]": "worker-1"}, "config wavs: there is no such setting"),
]

# As people write them into the stack's file, with YAML's own ideas of what is a text and what a number.
WRITTEN_BY_HAND: list[tuple[str, str]] = [
    ("cilium: {version: 1.19}", "config cilium.version: is 1.19, must be a text such as 1.19.7: in the stack's file"),
    ("drain: {force: perhaps}", "config drain.force: is 'perhaps', must be true or false"),
    (
        "drain: {timoutSeconds: 60}",
        "config drain.timoutSeconds: there is no such setting; did you mean timeoutSeconds?",
    ),
    ("cilium.podCidr: 10.1.0.0/16", "config 'cilium.podCidr': is one key with '.' in its name, which sets nothing"),
    # What is no list of lists is refused by the engine itself: "configuration key 'waves' must be of type ...".
    ("waves: [[Worker_1]]", "config waves[0][0]: 'Worker_1' is not the name of a node such as worker-1"),
    ("cilium: {podCidr: 10.245.0.1/16}", "config cilium.podCidr: '10.245.0.1/16' is not how a network is written; did"),
]


def told(output: str) -> list[str]:
    """The lines of the program's own error, without those that the engine puts around it."""
    lines = [line.strip().removeprefix("error: ") for line in diagnostics(output).splitlines()]
    ends = lines.index("Resources:") if "Resources:" in lines else len(lines)
    around = ("pulumi:pulumi:Stack", "Pulumi program", "an unhandled error occurred: program exited")
    return [line for line in lines[:ends] if line and not line.startswith(around)]


def test_what_is_written_by_hand_is_one_clear_line(stack: Session, fingerprint: Fingerprint) -> None:
    before = fingerprint()
    for text, line in WRITTEN_BY_HAND:
        stack.config.write_text(f"config:\n  cilium-live-migration:{text}\n")
        run = stack.preview(check=False)
        assert run.exit_code != 0
        assert [said[: len(line)] for said in told(run.output)] == [line]
    assert fingerprint() == before


def test_each_refusal_is_one_clear_line_and_changes_nothing(stack: Session, fingerprint: Fingerprint) -> None:
    before, plain = fingerprint(), stack.config.read_text()
    for settings, line in REFUSED:
        stack.config.write_text(plain)
        for path, value in settings.items():
            stack.set_path(path, value)
        for run in (stack.preview(check=False), stack.up(check=False)):
            assert run.exit_code != 0
            assert line in diagnostics(run.output)
            assert "Traceback" not in run.output
    assert fingerprint() == before


def test_finalize_straight_after_one_of_three_nodes_is_refused(
    plane: ControlPlane, stack: Session, fingerprint: Fingerprint
) -> None:
    as_secondary(plane, migrated=("worker-1",))
    before = fingerprint()
    stack.set_path("phase", "finalize")
    stack.set_path("waves[0][0]", "worker-1")
    for run in (stack.preview(check=False), stack.up(check=False)):
        assert run.exit_code != 0
        assert "needs every node on Cilium, but 1 of 3 are: worker-2, worker-3 are not" in run.output
    assert fingerprint() == before


def test_a_preview_changes_nothing_and_says_what_a_turn_will_do(
    plane: ControlPlane, stack: Session, fingerprint: Fingerprint
) -> None:
    before = fingerprint()
    run = stack.preview()
    assert "+ 16 to create" in run.output
    as_secondary(plane)
    before = fingerprint()
    stack.set_path("phase", "migrate")
    stack.set_path("waves[0][0]", "worker-2")
    # No CiliumNodeConfig is there: what `secondary` leaves is not complete.
    assert "there is no CiliumNodeConfig" in stack.preview(check=False).output
    assert fingerprint() == before


def test_a_second_operator_is_refused_in_preview(plane: ControlPlane, stack: Session) -> None:
    as_secondary(plane)
    alice = Hold(Cluster(kubeconfig=str(plane.kubeconfig)), run="alice@elsewhere/1")
    alice.take()
    stack.set_path("phase", "secondary")
    run = stack.preview(check=False)
    alice.give_back()
    assert "[one-run] another run works on this cluster: alice@elsewhere/1" in run.output
    assert "another run works" not in stack.preview(check=False).output


def test_no_cluster_is_one_clear_line(stack: Session) -> None:
    stack.environment["KUBECONFIG"] = "/nonexistent"
    run = stack.preview(check=False)
    assert run.exit_code != 0
    assert "no usable kubeconfig" in run.output
    assert "Traceback" not in run.output


def test_no_file_of_the_state_is_written_in_place(stack: Session) -> None:
    """A file of attributes beside the checkpoint would be: empty after a kill, it makes the state unreadable."""
    state = stack.folder / "pulumi-state"
    assert list(state.rglob(f"{stack.stack}.json"))
    assert not list(state.rglob("*.attrs"))
