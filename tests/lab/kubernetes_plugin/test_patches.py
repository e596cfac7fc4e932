import json
from typing import Any

import pytest

from scripts.lab.simulated.control_plane import ControlPlane
from tests.lab.kubernetes_plugin.engine import Engine, RefusedError

pytestmark = pytest.mark.apiserver

NODE_PATCH, CONFIG_MAP_PATCH = "kubernetes:core/v1:NodePatch", "kubernetes:core/v1:ConfigMapPatch"
DAEMON_SET_PATCH = "kubernetes:apps/v1:DaemonSetPatch"


def node_labels(control_plane: ControlPlane) -> dict[str, str]:
    found = json.loads(control_plane.kubectl("get", "node", "simulated-1", "-o", "json"))
    return dict(found["metadata"]["labels"])


def node_patch(**labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "simulated-1", "labels": labels}}


def data_patch(namespace: str, *, annotations: dict[str, str] | None = None, **data: str) -> dict[str, Any]:
    metadata = {"namespace": namespace, "name": "theirs", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


@pytest.fixture
def theirs(control_plane: ControlPlane, namespace: str) -> str:
    """A namespace with a config map that somebody else applied."""
    applied = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}, "data": {"owned": "by them"}}
    arguments = ("-n", namespace, "apply", "--server-side", "--field-manager=them", "-f", "-")
    control_plane.kubectl(*arguments, stdin=json.dumps(applied))
    return namespace


def data(control_plane: ControlPlane, namespace: str) -> dict[str, str]:
    found = json.loads(control_plane.kubectl("-n", namespace, "get", "configmap", "theirs", "-o", "json"))
    return dict(found["data"])


def test_a_patch_sets_its_fields_and_gives_them_back(engine: Engine, control_plane: ControlPlane) -> None:
    made = engine.create(NODE_PATCH, "mark", node_patch(lab="one", more="one"))
    assert made.object_id == "simulated-1"
    assert {"lab": "one", "more": "one"}.items() <= node_labels(control_plane).items()
    found = engine.diff(made, node_patch(lab="two"))
    assert found.changes == {"metadata.labels.lab": "UPDATE", "metadata.labels.more": "DELETE"}
    changed = engine.update(made, node_patch(lab="two"))
    assert node_labels(control_plane)["lab"] == "two"
    assert "more" not in node_labels(control_plane)
    refreshed = engine.refresh(changed)
    assert refreshed is not None
    assert refreshed.inputs == changed.inputs
    engine.delete(changed)
    assert "lab" not in node_labels(control_plane)
    assert node_labels(control_plane)["kubernetes.io/hostname"] == "simulated-1"


def test_fields_are_given_back_to_an_object_that_is_gone_by_making_a_stub_of_it(
    engine: Engine, control_plane: ControlPlane, theirs: str
) -> None:
    made = engine.create(CONFIG_MAP_PATCH, "patch", data_patch(theirs, ours="1"))
    control_plane.kubectl("-n", theirs, "delete", "configmap", "theirs")
    engine.delete(made)
    stub = json.loads(control_plane.kubectl("-n", theirs, "get", "configmap", "theirs", "-o", "json"))
    assert "data" not in stub


def test_a_field_taken_away_shows_after_a_refresh(engine: Engine, control_plane: ControlPlane) -> None:
    made = engine.create(NODE_PATCH, "mark", node_patch(drifting="yes"))
    control_plane.kubectl("label", "node", "simulated-1", "drifting-")
    refreshed = engine.refresh(made)
    assert refreshed is not None
    assert engine.diff(refreshed, made.inputs).changes == {"metadata.labels.drifting": "ADD"}


def test_a_preview_of_a_patch_changes_nothing(engine: Engine, control_plane: ControlPlane, theirs: str) -> None:
    engine.create(CONFIG_MAP_PATCH, "patch", data_patch(theirs, ours="1"), preview=True)
    assert data(control_plane, theirs) == {"owned": "by them"}


def test_a_conflict_names_the_field_and_its_owner(engine: Engine, control_plane: ControlPlane, theirs: str) -> None:
    with pytest.raises(
        RefusedError, match=r'ConfigMap .*/theirs: .*\.data\.owned \(conflict with "them"\).*patchForce'
    ):
        engine.create(CONFIG_MAP_PATCH, "patch", data_patch(theirs, owned="by us"))
    forced = data_patch(theirs, annotations={"pulumi.com/patchForce": "true"}, owned="by us")
    made = engine.create(CONFIG_MAP_PATCH, "patch", forced)
    assert data(control_plane, theirs) == {"owned": "by us"}
    engine.delete(made)
    assert "data" not in json.loads(control_plane.kubectl("-n", theirs, "get", "configmap", "theirs", "-o", "json"))


def test_two_patches_share_an_object(engine: Engine, control_plane: ControlPlane, theirs: str) -> None:
    one = engine.create(CONFIG_MAP_PATCH, "one", data_patch(theirs, one="1"))
    two = engine.create(CONFIG_MAP_PATCH, "two", data_patch(theirs, two="2"))
    assert one.state["__fieldManager"] != two.state["__fieldManager"]
    engine.delete(one)
    assert data(control_plane, theirs) == {"owned": "by them", "two": "2"}


def test_the_field_manager_can_be_chosen_and_changed(engine: Engine, control_plane: ControlPlane, theirs: str) -> None:
    def named(name: str) -> dict[str, Any]:
        return data_patch(theirs, annotations={"pulumi.com/patchFieldManager": name}, ours="1")

    made = engine.create(CONFIG_MAP_PATCH, "patch", named("migration"))
    assert made.state["__fieldManager"] == "migration"
    changed = engine.update(made, named("renamed"))
    managers = [each["manager"] for each in changed.state["metadata"]["managedFields"]]
    assert "renamed" in managers
    query = ("get", "configmap", "theirs", "-o", "json", "--show-managed-fields")
    live = json.loads(control_plane.kubectl("-n", theirs, *query))
    assert sorted(each["manager"] for each in live["metadata"]["managedFields"]) == ["renamed", "them"]


def test_items_of_lists_are_patched_by_name(engine: Engine, control_plane: ControlPlane, namespace: str) -> None:
    daemons = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"namespace": namespace, "name": "agents"},
        "spec": {
            "selector": {"matchLabels": {"app": "agents"}},
            "template": {
                "metadata": {"labels": {"app": "agents"}},
                "spec": {"containers": [{"name": "first", "image": "none"}, {"name": "second", "image": "none"}]},
            },
        },
    }
    control_plane.kubectl("create", "-f", "-", stdin=json.dumps(daemons))
    second = {"name": "second", "env": [{"name": "MODE", "value": "chained"}]}
    patch = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"namespace": namespace, "name": "agents"},
        "spec": {"template": {"spec": {"containers": [second], "nodeSelector": {"no-such": "node"}}}},
    }
    made = engine.create(DAEMON_SET_PATCH, "patch", patch, timeout=30)
    assert [each["name"] for each in made.state["spec"]["template"]["spec"]["containers"]] == ["first", "second"]
    refreshed = engine.refresh(made)
    assert refreshed is not None
    assert refreshed.inputs == made.inputs


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        (
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "none"}},
            "Node none does not exist.*nothing to patch",
        ),
        ({"apiVersion": "v1", "kind": "Node", "metadata": {}}, "metadata.name: a patch must name the object"),
    ],
)
def test_a_patch_needs_its_object(engine: Engine, patch: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        engine.create(NODE_PATCH, "patch", patch)


def test_another_object_is_another_patch(engine: Engine) -> None:
    made = engine.create(NODE_PATCH, "mark", node_patch(lab="one"))
    wanted = node_patch(lab="one")
    wanted["metadata"]["name"] = "simulated-2"
    found = engine.diff(made, wanted)
    assert found.changes == {"metadata.name": "UPDATE_REPLACE"}
    assert not found.delete_first
    engine.delete(made)
