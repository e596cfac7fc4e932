"""The stack's state as the last run left it, read from inside the program."""

from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from collections.abc import Mapping

RELEASE_TYPE = "kubernetes:helm.sh/v3:Release"
_READ = "pulumi:pulumi:readStackResourceOutputs"  # what a StackReference is made of


def releases_in_state() -> frozenset[str]:
    """The Helm releases that the state holds, as NAMESPACE/NAME."""
    answer: Mapping[str, Any] = pulumi.runtime.invoke(_READ, {"stackName": pulumi.get_stack()}).value
    outputs = [each["outputs"] for each in answer["outputs"].values() if each.get("type") == RELEASE_TYPE]
    return frozenset(f"{each.get('namespace', '')}/{each.get('name', '')}" for each in outputs)
