"""`docs/rbac` and what `python -m scripts.rbac` prints: the permission table, no more and no less."""

import pytest

from components.operations.permissions import Aims, needs
from scripts.rbac.__main__ import FOLDER, documents
from scripts.rbac.roles import Recipient, roles
from stacks.phases import Phase

Right = tuple[str, str, str, str]


def given(recipient: Recipient) -> set[Right]:
    found: set[Right] = set()
    for phase in Phase:
        for role in roles(phase, recipient):
            space = role["metadata"].get("namespace", "")
            for rule in role.get("rules", []):
                found |= {
                    (space, group, resource, verb)
                    for group in rule["apiGroups"]
                    for resource in rule["resources"]
                    for verb in rule["verbs"]
                }
    return found


def test_the_files_are_up_to_date() -> None:
    written = {file.name: file.read_text() for file in FOLDER.iterdir()}
    assert written == documents(Recipient.in_documents()), (
        "run `python -m scripts.rbac --write`, and look at the change"
    )


@pytest.mark.parametrize(
    ("source", "home", "more"),
    [
        ("flannel", "kube-flannel", set()),
        ("canal", "kube-system", {"crd.projectcalico.org"}),
        ("calico", "kube-system", {"crd.projectcalico.org"}),
        ("calico-operator", "calico-system", {"crd.projectcalico.org", "operator.tigera.io"}),
        ("kindnet", "kube-system", set()),
    ],
)
def test_every_need_is_given_and_nothing_else(source: str, home: str, more: set[str]) -> None:
    recipient = Recipient(subject={"kind": "User", "name": "alice"}, source=source, home=home, cilium_namespace="net")
    aims = Aims(removes=True, source=source, home=home, prepares=source.startswith("calico"))
    wanted = {
        (each.namespace, each.group, each.resource, each.verb) for each in needs(cilium_namespace="net", aims=aims)
    }
    found = given(recipient)
    assert {right for right in found if right[2] != "*"} == wanted
    assert {group for _, group, resource, _ in found if resource == "*"} == more
