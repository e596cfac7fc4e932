"""Parts of the plugin that need no cluster: names, values, differences."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.lab.kubernetes_plugin.errors import PluginError
from scripts.lab.kubernetes_plugin.install import install
from scripts.lab.kubernetes_plugin.objects import diff
from scripts.lab.kubernetes_plugin.protocol import tokens, values
from scripts.lab.kubernetes_plugin.protocol.tokens import Kind
from scripts.lab.kubernetes_plugin.protocol.values import UNKNOWN, Secret, TextFile
from scripts.lab.kubernetes_plugin.provider import differences_of_settings
from scripts.lab.kubernetes_plugin.settings import Settings


@pytest.mark.parametrize(
    ("token", "kind", "is_patch"),
    [
        ("kubernetes:apps/v1:Deployment", Kind("apps", "v1", "Deployment"), False),
        ("kubernetes:core/v1:NodePatch", Kind("", "v1", "Node"), True),
        ("kubernetes:cilium.io/v2:CiliumNodeConfig", Kind("cilium.io", "v2", "CiliumNodeConfig"), False),
        ("kubernetes:lab.example/v1:Patch", Kind("lab.example", "v1", "Patch"), False),
    ],
)
def test_tokens(token: str, kind: Kind, is_patch: bool) -> None:
    assert tokens.parse_token(token) == tokens.ResourceType(kind, is_patch)


@pytest.mark.parametrize("token", ["aws:s3/bucket:Bucket", "kubernetes:apps/v1:", "kubernetes:Deployment"])
def test_tokens_of_others_are_refused(token: str) -> None:
    with pytest.raises(PluginError, match="is not of this plugin"):
        tokens.parse_token(token)


def test_urns() -> None:
    urn = "urn:pulumi:dev::migration::lab:Node$kubernetes:core/v1:NodePatch::worker-1::label"
    assert tokens.type_of(urn) == "kubernetes:core/v1:NodePatch"
    assert tokens.name_of(urn) == "worker-1::label"


@pytest.mark.parametrize(("object_id", "parts"), [("web/one", ("web", "one")), ("node-1", ("", "node-1"))])
def test_ids(object_id: str, parts: tuple[str, str]) -> None:
    assert tokens.split_id(object_id) == parts
    assert tokens.join_id(*parts) == object_id


@pytest.mark.parametrize(("kind", "api_version"), [(Kind("", "v1", "Pod"), "v1"), (Kind("apps", "v1", "X"), "apps/v1")])
def test_api_versions(kind: Kind, api_version: str) -> None:
    assert kind.api_version == api_version
    assert Kind.of(api_version, kind.name) == kind


_json = st.recursive(
    st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), _json, max_size=4))
def test_values_survive_the_wire(content: dict[str, Any]) -> None:
    assert values.read(values.write(content)) == content


def test_marked_values_survive_the_wire() -> None:
    secret = Secret({"key": [1, UNKNOWN]})
    content = {"secret": secret, "file": TextFile(text="a: 1"), "none": None, "list": [Secret("x")]}
    assert values.read(values.write(content)) == {key: value for key, value in content.items() if key != "none"}
    assert values.plain(content["secret"]) == {"key": [1, UNKNOWN]}
    assert values.holds_unknown(content)
    assert not values.holds_unknown(values.plain(content["list"]))


@pytest.mark.parametrize(
    ("outputs", "inputs", "marked"),
    [
        ({"a": "1", "b": "2"}, {"a": Secret("1")}, {"a": Secret("1"), "b": "2"}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": Secret(1)}}, {"a": {"b": Secret(1), "c": 2}}),
        ({"a": ["x", "y"]}, {"a": [Secret("x")]}, {"a": Secret(["x", "y"])}),
        ({"a": ["x"]}, {"a": ["x"]}, {"a": ["x"]}),
    ],
)
def test_secrets_of_inputs_are_secrets_of_outputs(outputs: Any, inputs: Any, marked: Any) -> None:
    assert values.with_secrets_of(outputs, inputs) == marked


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({"a": 1}, {"a": 1.0}, {}),
        ({"a": 1}, {"a": True}, {"a": "UPDATE"}),
        ({"a": {"b.c/d": "1"}}, {"a": {"b.c/d": "2"}}, {'a["b.c/d"]': "UPDATE"}),
        ({"a": [1, 2]}, {"a": [1, 3, 4]}, {"a[1]": "UPDATE", "a[2]": "ADD"}),
        ({"a": [1, 2]}, {"a": [1]}, {"a[1]": "DELETE"}),
        ({"a": {"b": 1}}, {"a": "text"}, {"a": "UPDATE"}),
        ({"a": 1}, {"a": UNKNOWN}, {"a": "UPDATE"}),
        ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "1000m"}}, {}),
        ({"limits": {"memory": "1Gi"}}, {"limits": {"memory": "1024Mi"}}, {}),
        ({"data": {"cpu": "1"}}, {"data": {"cpu": "1000m"}}, {"data.cpu": "UPDATE"}),
    ],
)
def test_differences(old: dict[str, Any], new: dict[str, Any], changes: dict[str, str]) -> None:
    assert {diff.property_path(each.path): each.change.value for each in diff.differences(old, new)} == changes


@pytest.mark.parametrize(
    ("kind", "path", "replaces"),
    [
        (Kind("apps", "v1", "DaemonSet"), "spec.selector.matchLabels.app", True),
        (Kind("apps", "v1", "DaemonSet"), "spec.template.metadata.labels.app", False),
        (Kind("apps", "v1", "Deployment"), "spec", True),
        (Kind("batch", "v1", "Job"), "spec.template.spec.containers[0].image", True),
        (Kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"), "roleRef.name", True),
        (Kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"), "subjects[0].name", False),
        (Kind("", "v1", "ConfigMap"), "data.key", True),
        (Kind("", "v1", "ServiceAccount"), "metadata.name", True),
        (Kind("", "v1", "Pod"), "spec.containers[0].image", True),
        (Kind("cilium.io", "v2", "CiliumNodeConfig"), "spec.defaults.key", False),
    ],
)
def test_what_needs_a_new_object(kind: Kind, path: str, replaces: bool) -> None:
    places = diff.immutable_places(kind, Settings(), is_patch=False, marked_immutable=False)
    old, new = _nested(diff.parse_path(path), 1), _nested(diff.parse_path(path), 2)
    assert [each.replaces for each in diff.differences(old, new, immutable=places)] == [replaces]


def test_config_maps_can_be_made_mutable() -> None:
    kind, settings = Kind("", "v1", "ConfigMap"), Settings(enable_config_map_mutable=True)
    assert "data" not in diff.immutable_places(kind, settings, is_patch=False, marked_immutable=False)
    assert "data" in diff.immutable_places(kind, settings, is_patch=False, marked_immutable=True)


def _nested(path: diff.Path, value: Any) -> Any:
    if not path:
        return value
    return [_nested(path[1:], value)] if isinstance(path[0], int) else {path[0]: _nested(path[1:], value)}


@pytest.mark.parametrize("path", ["spec", "a.b[0].c", 'metadata.labels["app.kubernetes.io/name"]', 'a["b\\"c"][1]'])
def test_paths_are_read_as_they_are_written(path: str) -> None:
    assert diff.property_path(diff.parse_path(path)) == path


def test_pruning_finds_items_by_name() -> None:
    live = {"items": [{"name": "added", "x": 1}, {"name": "ours", "x": 2, "default": True}], "status": {}}
    assert diff.prune(live, {"items": [{"name": "ours", "x": 1}, {"name": "gone", "x": 1}]}) == {
        "items": [{"name": "ours", "x": 2}]
    }


def test_settings_come_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_K8S_DELETE_UNREACHABLE", "true")
    settings = Settings.parse(
        {
            "upsertExistingObjects": "true",
            "kubeClientSettings": '{"timeout": 5, "qps": 50}',
            "context": "123",
            "kubeconfig": UNKNOWN,
            "version": "4.34.2",
        }
    )
    assert settings.upsert_existing_objects
    assert settings.delete_unreachable
    assert settings.kube_client_settings.timeout == 5
    assert settings.context == "123"
    assert settings.kubeconfig == ""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"deleteUnreachable": "perhaps"}, "provider setting deleteUnreachable is not valid"),
        ({"renderYamlToDirectory": "out"}, "renderYamlToDirectory is not supported"),
        ({"enableServerSideApply": "false"}, "enableServerSideApply=false is not supported"),
    ],
)
def test_settings_that_cannot_be_had_are_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(PluginError, match=message):
        Settings.parse(given)


def _kubeconfig(server: str, token: str = "one") -> str:
    return json.dumps(
        {
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )


@pytest.mark.parametrize(
    ("old", "new", "replaces"),
    [
        ({"kubeconfig": _kubeconfig("https://a")}, {"kubeconfig": _kubeconfig("https://b")}, [True]),
        ({"kubeconfig": _kubeconfig("https://a")}, {"kubeconfig": _kubeconfig("https://a", "two")}, [False]),
        ({"namespace": "a"}, {"namespace": "b"}, [False]),
        (
            {"kubeconfig": _kubeconfig("https://a"), "clusterIdentifier": "x"},
            {"kubeconfig": _kubeconfig("https://b"), "clusterIdentifier": "x"},
            [False],
        ),
        ({"clusterIdentifier": "x"}, {"clusterIdentifier": "y"}, [True]),
        ({"kubeconfig": _kubeconfig("https://a")}, {"kubeconfig": UNKNOWN}, [False]),
    ],
)
def test_only_another_cluster_replaces_the_provider(
    old: dict[str, Any], new: dict[str, Any], replaces: list[bool]
) -> None:
    assert [each.replaces for each in differences_of_settings(old, new)] == replaces


def test_install_writes_a_launcher(tmp_path: Path) -> None:
    launcher = install(tmp_path, python=Path("/opt/my python/bin/python"))
    assert launcher == tmp_path / "plugins" / "resource-kubernetes-v4.34.2" / "pulumi-resource-kubernetes"
    assert launcher.stat().st_mode & 0o111
    assert "'/opt/my python/bin/python'" in launcher.read_text()
