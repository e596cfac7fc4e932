"""The stack's state as the last run left it, read from inside the program."""

from typing import TYPE_CHECKING, Any

import pulumi

from components.checks import StackState

if TYPE_CHECKING:
    from collections.abc import Mapping

RELEASE_TYPE = "kubernetes:helm.sh/v3:Release"
_TURN_TYPES = tuple(f"pulumi-python:dynamic/migrate:{name}" for name in ("NodeTurn", "NodeCutOver", "NodeDrain"))
_CHECK_TYPE = "pulumi-python:dynamic/migrate:ConnectivityCheck"
_READ = "pulumi:pulumi:readStackResourceOutputs"  # what a StackReference is made of


def stack_state() -> StackState:
    """The Helm releases in the state, and the nodes that it would take back."""
    answer: Mapping[str, Any] = pulumi.runtime.invoke(_READ, {"stackName": pulumi.get_stack()}).value
    resources = [(each.get("type"), each.get("outputs") or {}) for each in answer["outputs"].values()]
    return StackState(
        releases=frozenset(
            f"{each.get('namespace', '')}/{each.get('name', '')}" for kind, each in resources if kind == RELEASE_TYPE
        ),
        turns=frozenset(str(each.get("node", "")) for kind, each in resources if kind in _TURN_TYPES),
        waves=frozenset(
            str(node) for kind, each in resources if kind == _CHECK_TYPE for node in each.get("nodes") or []
        ),
    )
