"""Names of what is made for policies: none is another's, nobody's own policy is written over, none is too long."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from stacks.policies import Inventory
from stacks.policies.writing.cilium import MARK, WINDOW
from tests.policies.oracle.reference import Object
from tests.policies.test_reasons import IN, policy, rule, taken

FROM_API: Object = {"from": [{"podSelector": {"matchLabels": {"role": "a"}}}]}


def of_kubernetes(name: str, **spec: Any) -> Object:
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": {"podSelector": {}, "ingress": [FROM_API], **spec}}


def places(objects: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str, str]]:
    return [
        (
            each["apiVersion"].partition("/")[0],
            each["kind"],
            each["metadata"].get("namespace", ""),
            each["metadata"]["name"],
        )
        for each in objects
    ]


def made(found: Inventory) -> list[tuple[str, str, str, str]]:
    return places([*found.manifests, *found.window, *found.old_side])


def once(found: Inventory) -> bool:
    return max(Counter(made(found)).values()) == 1


def test_a_policy_called_like_another_ones_alternative_has_a_name_of_its_own() -> None:
    either = policy("deny", **IN, selector="role == 'a' || app == 'b'", ingress=[rule(source={"selector": "all()"})])
    first = policy("deny-1", **IN, selector="role == 'c'", ingress=[rule(source={"selector": "role == 'a'"})])
    found = taken(either, first)
    assert len(found.manifests) == 3
    assert once(found)


@pytest.mark.parametrize("more", [{}, {"order": 7}])
def test_a_policy_called_like_what_is_put_beside_another_is_not_written_over(more: Object) -> None:
    ours = [of_kubernetes("web"), of_kubernetes("web-window")]
    theirs = [
        policy("db", namespace="shop", **IN, **more, ingress=[rule(source={"selector": "role == 'a'"})]),
        policy("default.db-window", namespace="shop", **IN, ingress=[rule(source={"selector": "role == 'b'"})]),
    ]
    found = taken(*theirs, kubernetes=tuple(ours))
    assert once(found)
    names = {name.removeprefix("default.") for group, _, _, name in made(found) if group != "cilium.io"}
    assert len(names) == 4
    assert not names & {"web", "web-window", "db", "db-window"}


def test_names_stay_from_run_to_run_once_the_objects_are_there() -> None:
    ours = [of_kubernetes("web"), of_kubernetes("web-window")]
    before = taken(kubernetes=tuple(ours))
    again = taken(kubernetes=(*ours, *({**each, "spec": {}} for each in before.old_side)))
    assert made(again) == made(before)
    assert all(each["metadata"]["labels"] == {MARK: WINDOW} for each in again.old_side)


def test_a_name_that_would_be_too_long_is_cut() -> None:
    long = "a" * 250
    found = taken(
        policy(long, **IN, ingress=[rule(source={"selector": "role == 'a'"})]), kubernetes=(of_kubernetes(long),)
    )
    assert once(found)
    assert max(len(name) for _, _, _, name in made(found)) <= 253
