import json
from typing import Any

import pytest

from scripts.lab.kubernetes_plugin.protocol.values import UNKNOWN, Secret
from scripts.lab.simulated.control_plane import ControlPlane
from tests.lab.kubernetes_plugin.engine import Engine, RefusedError

pytestmark = pytest.mark.apiserver

CONFIG_MAP, SECRET = "kubernetes:core/v1:ConfigMap", "kubernetes:core/v1:Secret"
DEPLOYMENT, SERVICE = "kubernetes:apps/v1:Deployment", "kubernetes:core/v1:Service"


def config_map(namespace: str, name: str | None = "settings", **data: Any) -> dict[str, Any]:
    metadata = {"namespace": namespace} | ({"name": name} if name else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def service(namespace: str, port: int = 80, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": namespace, "name": "web"},
        "spec": {"ports": [{"port": port}], **spec},
    }


def live(control_plane: ControlPlane, namespace: str, what: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        control_plane.kubectl("-n", namespace, "get", what, "-o", "json", "--show-managed-fields")
    )
    return found


def test_an_object_is_created_read_changed_and_deleted(
    engine: Engine, control_plane: ControlPlane, namespace: str
) -> None:
    made = engine.create(SERVICE, "web", service(namespace))
    assert made.object_id == f"{namespace}/web"
    assert made.state["spec"]["clusterIP"].startswith("10.96.")
    assert engine.diff(made, made.inputs).changes == {}

    wanted = service(namespace, port=81)
    assert engine.diff(made, wanted).changes == {"spec.ports[0].port": "UPDATE"}
    changed = engine.update(made, wanted)
    assert live(control_plane, namespace, "service/web")["spec"]["ports"][0]["port"] == 81
    assert len(live(control_plane, namespace, "service/web")["spec"]["ports"]) == 1
    assert changed.state["__fieldManager"] == made.state["__fieldManager"]

    refreshed = engine.refresh(changed)
    assert refreshed is not None
    assert refreshed.inputs == changed.inputs

    engine.delete(changed)
    assert engine.refresh(changed) is None
    engine.delete(changed)


def test_fields_that_leave_the_program_leave_the_object(
    engine: Engine, control_plane: ControlPlane, namespace: str
) -> None:
    before, after = service(namespace), service(namespace)
    before["metadata"]["labels"] = {"stays": "yes", "goes": "yes"}
    after["metadata"]["labels"] = {"stays": "yes"}
    made = engine.create(SERVICE, "web", before)
    assert engine.diff(made, after).changes == {"metadata.labels.goes": "DELETE"}
    engine.update(made, after)
    assert live(control_plane, namespace, "service/web")["metadata"]["labels"] == {"stays": "yes"}


def test_preview_asks_the_server_and_changes_nothing(
    engine: Engine, control_plane: ControlPlane, namespace: str
) -> None:
    shown = engine.create(SERVICE, "web", service(namespace), preview=True)
    assert shown.object_id == ""
    assert shown.state["spec"]["type"] == "ClusterIP", "the server's defaults are in a dry run's answer"
    assert "status" not in shown.state
    assert control_plane.kubectl("-n", namespace, "get", "services", "-o", "name") == ""

    with pytest.raises(RefusedError, match=f"Service {namespace}/web was not created: .*spec.ports.*port"):
        engine.create(SERVICE, "web", service(namespace, port=-1), preview=True)

    made = engine.create(SERVICE, "web", service(namespace))
    engine.update(made, service(namespace, port=81), preview=True)
    assert live(control_plane, namespace, "service/web")["spec"]["ports"][0]["port"] == 80


def test_preview_with_unknown_values_returns_them(engine: Engine, namespace: str) -> None:
    inputs = config_map(namespace, key=UNKNOWN)
    shown = engine.create(CONFIG_MAP, "settings", inputs, preview=True)
    assert shown.state["data"] == {"key": UNKNOWN}


def test_preview_in_a_namespace_that_comes_with_the_update(engine: Engine) -> None:
    assert engine.create(CONFIG_MAP, "settings", config_map("not-yet", key="1"), preview=True).state["data"] == {
        "key": "1"
    }


def test_an_existing_object_is_not_taken_over_unless_asked(
    engine: Engine, control_plane: ControlPlane, namespace: str
) -> None:
    control_plane.kubectl("-n", namespace, "create", "configmap", "settings", "--from-literal=key=theirs")
    with pytest.raises(RefusedError, match=f"ConfigMap {namespace}/settings already exists.*upsertExistingObjects"):
        engine.create(CONFIG_MAP, "settings", config_map(namespace, key="ours"))
    engine.configure(kubeconfig=control_plane.kubeconfig.read_text(), upsertExistingObjects="true")
    try:
        made = engine.create(CONFIG_MAP, "settings", config_map(namespace, key="theirs", more="ours"))
        assert made.state["data"] == {"key": "theirs", "more": "ours"}
    finally:
        engine.configure(kubeconfig=control_plane.kubeconfig.read_text())


@pytest.mark.parametrize("forced", [False, True])
def test_an_adopted_object_is_changed_with_force_alone(
    engine: Engine, control_plane: ControlPlane, namespace: str, forced: bool
) -> None:
    """After a run that was cut off two field managers, each drawn by chance, hold the same fields."""
    made = {"kubeconfig": control_plane.kubeconfig.read_text(), "upsertExistingObjects": "true"}
    engine.create(SERVICE, "web", service(namespace, 80))
    engine.configure(**made, **({"enablePatchForce": "true"} if forced else {}))
    try:
        again = engine.create(SERVICE, "web", service(namespace, 80))
        if forced:
            engine.update(again, service(namespace, 80, sessionAffinity="ClientIP", type="NodePort"))
            assert live(control_plane, namespace, "service/web")["spec"]["type"] == "NodePort"
        else:
            with pytest.raises(RefusedError, match="cannot set what others own"):
                engine.update(again, service(namespace, 80, type="NodePort"))
    finally:
        engine.configure(kubeconfig=control_plane.kubeconfig.read_text())


def test_an_unnamed_object_keeps_its_automatic_name(engine: Engine, namespace: str) -> None:
    inputs = config_map(namespace, None, key="1")
    made = engine.create(CONFIG_MAP, "settings", inputs)
    name = made.inputs["metadata"]["name"]
    assert name.startswith("settings-")
    assert made.inputs["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
    again = engine.check(CONFIG_MAP, "settings", inputs, made.inputs)
    assert again["metadata"]["name"] == name
    replaced = engine.diff(
        made, engine.check(CONFIG_MAP, "settings", config_map(namespace, None, key="2"), made.inputs)
    )
    assert replaced.replaces == ["data.key"]
    assert not replaced.delete_first


@pytest.mark.parametrize(
    ("place", "value", "path"),
    [("name", "other", "metadata.name"), ("namespace", "default", "metadata.namespace")],
)
def test_another_identity_is_another_object(engine: Engine, namespace: str, place: str, value: str, path: str) -> None:
    made = engine.create(SERVICE, "web", service(namespace))
    wanted = service(namespace)
    wanted["metadata"][place] = value
    found = engine.diff(made, wanted)
    assert found.changes == {path: "UPDATE_REPLACE"}
    assert not found.delete_first


def test_a_config_map_with_other_data_is_replaced(engine: Engine, namespace: str) -> None:
    made = engine.create(CONFIG_MAP, "settings", config_map(namespace, key="1"))
    found = engine.diff(made, config_map(namespace, key="2"))
    assert found.changes == {"data.key": "UPDATE_REPLACE"}
    assert found.delete_first


def test_a_field_that_only_the_server_knows_immutable_is_replaced(engine: Engine, namespace: str) -> None:
    token = "kubernetes:node.k8s.io/v1:RuntimeClass"
    inputs = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": namespace}, "handler": "one"}
    made = engine.create(token, "runtime", inputs)
    assert made.object_id == namespace
    found = engine.diff(made, {**inputs, "handler": "two"})
    assert found.changes == {"handler": "UPDATE_REPLACE"}
    assert found.delete_first
    engine.delete(made)


def test_ignored_changes_are_neither_shown_nor_applied(
    engine: Engine, control_plane: ControlPlane, namespace: str
) -> None:
    made = engine.create(SERVICE, "web", service(namespace))
    control_plane.kubectl("-n", namespace, "label", "service", "web", "owner=them")
    wanted = service(namespace, port=81)
    wanted["metadata"]["labels"] = {"owner": "us"}
    assert engine.diff(made, wanted, "metadata.labels").changes == {"spec.ports[0].port": "UPDATE"}
    engine.update(made, wanted, "metadata.labels")
    assert live(control_plane, namespace, "service/web")["metadata"]["labels"] == {"owner": "them"}


def test_drift_shows_after_a_refresh(engine: Engine, control_plane: ControlPlane, namespace: str) -> None:
    made = engine.create(SERVICE, "web", service(namespace, sessionAffinity="None"))
    control_plane.kubectl(
        "-n", namespace, "patch", "service", "web", "--type=merge", "-p", '{"spec":{"sessionAffinity":"ClientIP"}}'
    )
    refreshed = engine.refresh(made)
    assert refreshed is not None
    assert engine.diff(refreshed, made.inputs).changes == {"spec.sessionAffinity": "UPDATE"}


def test_quantities_that_the_server_rewrites_are_no_drift(engine: Engine, namespace: str) -> None:
    inputs = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"namespace": namespace, "name": "quota"},
        "spec": {"hard": {"limits.cpu": "1000m", "limits.memory": "1024Mi"}},
    }
    made = engine.create("kubernetes:core/v1:ResourceQuota", "quota", inputs)
    refreshed = engine.refresh(made)
    assert refreshed is not None
    assert refreshed.state["spec"]["hard"] == {"limits.cpu": "1", "limits.memory": "1Gi"}
    assert engine.diff(refreshed, inputs).changes == {}


def test_secrets_stay_secret(engine: Engine, namespace: str) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": namespace, "name": "token"},
        "stringData": {"token": Secret("hidden")},
    }
    made = engine.create(SECRET, "token", secret)
    assert made.inputs["stringData"] == {"token": Secret("hidden")}
    assert made.state["data"] == Secret({"token": "aGlkZGVu"})
    refreshed = engine.refresh(made)
    assert refreshed is not None
    assert refreshed.inputs["stringData"] == {"token": Secret("hidden")}
    assert engine.diff(refreshed, made.inputs).changes == {}

    hidden = engine.create(CONFIG_MAP, "settings", config_map(namespace, key=Secret("hidden"), open="shown"))
    assert hidden.state["data"] == {"key": Secret("hidden"), "open": "shown"}
    assert engine.diff(hidden, config_map(namespace, key=Secret("other"), open="shown")).replaces == ["data.key"]


def test_an_object_is_imported_with_inputs_that_make_no_difference(
    engine: Engine, control_plane: ControlPlane, namespace: str
) -> None:
    control_plane.kubectl("-n", namespace, "create", "service", "clusterip", "web", "--tcp=80:80")
    found = engine.read(SERVICE, f"{namespace}/web")
    assert found is not None
    assert found.inputs["spec"]["ports"][0]["port"] == 80
    assert "status" not in found.inputs
    assert "uid" not in found.inputs["metadata"]
    assert engine.diff(found, found.inputs).changes == {}
    assert engine.read(SERVICE, f"{namespace}/none") is None
    assert engine.read("kubernetes:no.such/v1:Thing", f"{namespace}/none") is None


def test_custom_resources_and_their_definition(engine: Engine, control_plane: ControlPlane, namespace: str) -> None:
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.lab.example"},
        "spec": {
            "group": "lab.example",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "x_kubernetes_preserve_unknown_fields": True}},
                }
            ],
        },
    }
    # In the foreground it waits for the garbage collector, which learns of new kinds every half minute only.
    annotations = {"pulumi.com/deletionPropagationPolicy": "background"}
    metadata = {"namespace": namespace, "name": "one", "annotations": annotations}
    widget = {"apiVersion": "lab.example/v1", "kind": "Widget", "metadata": metadata, "size": 1}
    token = "kubernetes:lab.example/v1:Widget"
    definition_token = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
    assert engine.create(token, "one", widget, preview=True).state["size"] == 1, "not served yet: shown as it is"
    made = engine.create(definition_token, "widgets", definition)
    one = engine.create(token, "one", widget)
    two = engine.update(one, {**widget, "size": 2})
    assert live(control_plane, namespace, "widgets.lab.example/one")["size"] == 2
    engine.delete(two)
    engine.delete(made)


def test_a_refused_deletion_and_a_finalizer_are_told(
    engine: Engine, control_plane: ControlPlane, namespace: str
) -> None:
    inputs = config_map(namespace, key="1")
    inputs["metadata"]["finalizers"] = ["lab.example/held"]
    made = engine.create(CONFIG_MAP, "settings", inputs)
    with pytest.raises(RefusedError, match=f"ConfigMap {namespace}/settings is still there.*lab.example/held"):
        engine.delete(made, timeout=0.5)
    control_plane.kubectl(
        "-n", namespace, "patch", "configmap", "settings", "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
    )
