"""A node re-created under its name is another node: its turn begins anew, and what is kept of the old one is let go."""

from typing import Any

import pytest

from components.operations.deadline import OperationError
from components.providers.node_cut_over import NodeCutOverProvider
from components.providers.node_turn import NodeTurnProvider

PROVIDERS = (NodeTurnProvider, NodeCutOverProvider)
Provider = type[NodeTurnProvider] | type[NodeCutOverProvider]


class Nodes:
    """The API's answers for the one node that is there, and a work that must not be done."""

    def __init__(self, uid: str) -> None:
        self.uid, self.cluster = uid, self

    def find(self, _path: str) -> dict[str, Any] | None:
        return {"metadata": {"name": "worker-4", "uid": self.uid}} if self.uid else None

    def get(self, path: str) -> dict[str, Any]:
        found = self.find(path)
        assert found is not None
        return found

    def working_cluster(self) -> "Nodes":
        return self


def of(provider: Provider, *, live: str) -> NodeTurnProvider | NodeCutOverProvider:
    made = provider()
    made.__dict__["work"] = Nodes(live)
    return made


def props(uid: str | None, **more: Any) -> dict[str, Any]:
    return {"node": "worker-4", "sealed": False, "state": "migrated", **({} if uid is None else {"uid": uid}), **more}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("kept", "seen", "anew"),
    [("a", "b", True), ("a", "a", False), (None, "b", False), ("", "b", False), ("a", "", False), ("a", None, False)],
)
def test_another_uid_begins_the_turn_anew_and_an_unknown_one_does_not(
    provider: Provider, kept: str | None, seen: str | None, *, anew: bool
) -> None:
    found = provider().diff("worker-4", props(kept), props(seen))
    assert (found.changes, found.replaces) == (anew, ["uid"] if anew else [])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_replaced_node_is_not_taken_back_in_the_old_ones_place(provider: Provider) -> None:
    of(provider, live="b").delete("worker-4", props("a"))  # any work would fail: there is nothing to do it with
    of(provider, live="").delete("worker-4", props("a"))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("live", "stays"), [("a", True), ("b", False), ("", False)])
def test_a_refresh_lets_go_of_the_node_that_was_replaced(provider: Provider, live: str, *, stays: bool) -> None:
    found = of(provider, live=live).read("worker-4", props("a", sealed=True))
    assert found.id == ("worker-4" if stays else "")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_refresh_learns_the_uid_that_an_earlier_version_did_not_keep(provider: Provider) -> None:
    outs = of(provider, live="b").read("worker-4", props(None, sealed=True)).outs
    assert outs is not None
    assert outs["uid"] == "b"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_node_replaced_since_the_run_began_is_not_touched(provider: Provider) -> None:
    with pytest.raises(OperationError, match=r"node worker-4 was re-created under its name .*`pulumi up` again"):
        of(provider, live="b").create(props("a", __provider="code"))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_sealing_keeps_the_uid(provider: Provider) -> None:
    outs = provider().update("worker-4", props("a"), props("", sealed=True)).outs
    assert outs is not None
    assert (outs["uid"], outs["sealed"]) == ("a", True)
