"""`docs/rbac` and what `python -m scripts.rbac` prints: the permission table, no more and no less."""

import pytest

from components.operations.rights.permissions import Aims, needs
from components.sources import SOURCES
from components.sources.calico.objects import NATIVE, READ_OF_NATIVE
from components.sources.calico.rights import RIGHTS
from scripts.rbac.__main__ import FOLDER, documents
from scripts.rbac.roles import Recipient, roles
from stacks.strategies import DEFAULT

Right = tuple[str, str, str, str]


def given(recipient: Recipient) -> set[Right]:
    found: set[Right] = set()
    for phase in DEFAULT.phases:
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
    rights = SOURCES[source].rights
    aims = Aims(removes=True, source=rights, home=home, prepares=source.startswith("calico"), policies_beside=True)
    wanted = {
        (each.namespace, each.group, each.resource, each.verb) for each in needs(cilium_namespace="net", aims=aims)
    }
    if more:
        wanted |= {("", NATIVE, resource, "list") for resource in READ_OF_NATIVE}
        wanted |= {
            ("", group, resource, verb)
            for group, resources, verbs in RIGHTS.policies
            for resource in resources.split()
            for verb in verbs.split()
        }
    found = given(recipient)
    assert {right for right in found if right[2] != "*"} == wanted
    assert {group for _, group, resource, _ in found if resource == "*"} == more
