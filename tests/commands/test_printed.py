"""Every command that the program prints is typed by a test, or stands in the short list with the reason."""

from pathlib import Path

import pytest

from tests.commands.elsewhere import ELSEWHERE, stale, untyped
from tests.commands.printed import Printed, commands_in, executed_by_tests, filled, printed_by, unfinished

# Typed, and seen to be, by the table of checks.
_OF_CHECKS = "components/checks/"


def test_every_command_that_is_printed_elsewhere_is_typed_by_a_test() -> None:
    assert [each for each in untyped("") if _OF_CHECKS not in each] == []


def test_no_mark_and_no_reason_is_for_what_nothing_prints() -> None:
    assert stale() == []


def test_the_reasons_are_few() -> None:
    assert len(ELSEWHERE) < 10
    assert not set(ELSEWHERE) & set(executed_by_tests())


def test_no_command_is_begun_in_one_text_and_ended_in_another() -> None:
    """It would be in nobody's list."""
    assert unfinished() == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('x = "look: `kubectl get pods`, then"', ["kubectl get pods"]),
        ('x = f"`kubectl -n {space} get pods`"', ["kubectl -n {} get pods"]),
        ('x = (f"`kubectl -n {space} " "get pods` and " f"`pulumi up`")', ["kubectl -n {} get pods", "pulumi up"]),
        (
            'x = "`pulumi config " + ("rm" if y else "`helm list -A`") + " waves`"',
            ["pulumi config {} waves", "helm list -A"],
        ),
        ('x = f"`kubectl label ns {{here}} {key}=x`"', ["kubectl label ns {} {}=x"]),
        ("x = f\"{'`kubectl get nodes`' if y else ''}: `helm ls -A`\"", ["helm ls -A", "kubectl get nodes"]),
        ('def x():\n    """Says `pulumi up`."""\n    return "`helm ls -A`"', ["helm ls -A"]),
        ('x = "`.venv/bin/python -m scripts.check`"', [".venv/bin/python -m scripts.check"]),
        ('x = "`kubectl` is missing, and `podCidr` set"', []),
    ],
)
def test_commands_are_found_in_any_literal(tmp_path: Path, source: str, found: list[str]) -> None:
    file = tmp_path / "x.py"
    file.write_text(source)
    assert list(printed_by(file)) == found


def test_a_hole_and_a_placeholder_fit_anything_and_the_rest_itself() -> None:
    assert Printed("kubectl -n {} get pods").fits("kubectl -n shop get pods")
    assert not Printed("kubectl -n {} get pods").fits("kubectl -n shop get pods -o wide")
    assert Printed("pulumi config set kubernetes:kubeconfig PATH").fits("pulumi config set kubernetes:kubeconfig /a/b")
    assert filled("pulumi config set kubernetes:context NAME", "it") == "pulumi config set kubernetes:context it"
    assert commands_in("none, `kubectl get nodes` tries them") == ["kubectl get nodes"]
