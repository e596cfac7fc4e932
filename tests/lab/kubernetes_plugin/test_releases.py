import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from scripts.lab.kubernetes_plugin.protocol.values import UNKNOWN, Secret
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.toolchain import parts
from scripts.lab.toolchain.build import build_part
from tests.lab.kubernetes_plugin.engine import Engine, RefusedError, Resource, urn

pytestmark = pytest.mark.apiserver

RELEASE = "kubernetes:helm.sh/v3:Release"
CHART = str(Path(__file__).with_name("chart"))
NEVER_READY = {"labels": {"simulated/stays": "crashing"}}


@pytest.fixture(autouse=True)
def _helm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELM_BINARY", str(build_part(parts.HELM) / "helm"))


def release(namespace: str, **values: Any) -> dict[str, Any]:
    return {"chart": CHART, "name": "tiny", "namespace": namespace, "values": values, "compat": "true"}


def first(namespace: str) -> dict[str, Any]:
    return {**release(namespace, greeting="one"), "skipAwait": True}


def second(namespace: str) -> dict[str, Any]:
    return {**release(namespace, greeting="two"), "skipAwait": True}


def greeting(control_plane: ControlPlane, namespace: str) -> str:
    query = "jsonpath={.data.greeting}"
    return control_plane.kubectl("-n", namespace, "get", "configmap", "tiny-settings", "-o", query)


def cut_off(control_plane: ControlPlane, namespace: str, revision: int, status: str) -> None:
    """Leave the release as a helm that was killed leaves it."""
    name = f"sh.helm.release.v1.tiny.v{revision}"
    record = json.loads(control_plane.kubectl("-n", namespace, "get", "secret", name, "-o", "json"))
    content = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(record["data"]["release"]))))
    content["info"]["status"] = status
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(content).encode()))).decode()
    patch = {"data": {"release": packed}, "metadata": {"labels": {"status": status}}}
    control_plane.kubectl("-n", namespace, "patch", "secret", name, "--type=merge", "-p", json.dumps(patch))


def test_a_release_lives(engine: Engine, control_plane: ControlPlane, namespace: str) -> None:
    made = engine.create(RELEASE, "tiny", release(namespace, greeting="one"))
    assert made.object_id == f"{namespace}/tiny"
    assert made.state["status"] == {
        "appVersion": "9",
        "chart": "tiny",
        "name": "tiny",
        "namespace": namespace,
        "revision": 1,
        "status": "deployed",
        "version": "1.2.3",
    }
    assert made.state["resourceNames"] == {
        "ConfigMap/v1": [f"{namespace}/tiny-settings"],
        "Deployment.apps/apps/v1": [f"{namespace}/tiny-web"],
    }
    assert greeting(control_plane, namespace) == "one"
    assert (
        engine.diff(made, engine.check(RELEASE, "tiny", release(namespace, greeting="one"), made.inputs)).changes == {}
    )

    wanted = engine.check(RELEASE, "tiny", release(namespace, greeting="two"), made.inputs)
    found = engine.diff(made, wanted)
    assert found.changes == {"values.greeting": "UPDATE", "checksum": "UPDATE"}
    assert engine.diff(made, wanted, "checksum").changes == {"values.greeting": "UPDATE"}
    changed = engine.update(made, release(namespace, greeting="two"))
    assert changed.state["status"]["revision"] == 2
    assert greeting(control_plane, namespace) == "two"

    refreshed = engine.refresh(changed)
    assert refreshed is not None
    assert refreshed.inputs == changed.inputs
    engine.delete(changed)
    assert engine.refresh(changed) is None
    engine.delete(changed)


def test_preview_renders_and_changes_nothing(engine: Engine, control_plane: ControlPlane, namespace: str) -> None:
    shown = engine.create(RELEASE, "tiny", release(namespace, greeting="one"), preview=True)
    assert shown.state["resourceNames"]["ConfigMap/v1"] == [f"{namespace}/tiny-settings"]
    assert "status" not in shown.state
    assert control_plane.kubectl("-n", namespace, "get", "deployments", "-o", "name") == ""
    with pytest.raises(RefusedError, match=r"chart: .*greeting.*want string"):
        engine.check(RELEASE, "tiny", release(namespace, greeting=1))
    with pytest.raises(RefusedError, match=r"chart: .*no/such/chart"):
        engine.check(RELEASE, "tiny", {**release(namespace), "chart": "./no/such/chart"})
    assert engine.check(RELEASE, "tiny", release(namespace, greeting=UNKNOWN))["values"] == {"greeting": UNKNOWN}


def test_another_name_is_another_release(engine: Engine, namespace: str) -> None:
    made = engine.create(RELEASE, "tiny", {**release(namespace), "skipAwait": True})
    wanted = engine.check(RELEASE, "tiny", {**release(namespace), "skipAwait": True, "name": "other"}, made.inputs)
    assert engine.diff(made, wanted).replaces == ["name"]


def test_secret_values_stay_secret(engine: Engine, namespace: str) -> None:
    made = engine.create(RELEASE, "tiny", release(namespace, greeting=Secret("hidden")), preview=True)
    assert made.inputs["values"] == {"greeting": Secret("hidden")}
    assert made.state["values"] == {"greeting": Secret("hidden")}


def test_somebody_elses_release_is_not_touched(engine: Engine, namespace: str) -> None:
    engine.create(RELEASE, "theirs", first(namespace))
    with pytest.raises(RefusedError, match="cannot re-use a name that is still in use"):
        engine.create(RELEASE, "ours", release(namespace))
    imported = engine.read(RELEASE, f"{namespace}/tiny")
    assert imported is not None
    assert imported.inputs["version"] == "1.2.3"


@pytest.mark.parametrize("status", ["pending-install", "failed", "deployed"])
def test_an_install_whose_run_was_killed_stands_in_the_way_of_the_next(
    engine: Engine, control_plane: ControlPlane, namespace: str, status: str
) -> None:
    engine.create(RELEASE, "tiny", first(namespace))
    cut_off(control_plane, namespace, 1, status)
    with pytest.raises(RefusedError, match="cannot re-use a name that is still in use") as caught:
        engine.create(RELEASE, "tiny", second(namespace))
    assert caught.value.object_id == ""
    assert greeting(control_plane, namespace) == "one"


def test_an_upgrade_that_was_killed_is_refused_and_then_taken_for_done(
    engine: Engine, control_plane: ControlPlane, namespace: str
) -> None:
    """As upstream does: only a deletion of the pending revision brings the release back to what it is."""
    made = engine.create(RELEASE, "tiny", first(namespace))
    engine.update(made, second(namespace))
    cut_off(control_plane, namespace, 2, "pending-upgrade")
    with pytest.raises(RefusedError, match=r"another operation .* is in progress") as caught:
        engine.update(made, second(namespace))
    assert not caught.value.state
    refreshed = engine.refresh(made)
    assert refreshed is not None
    assert refreshed.inputs["values"] == {"greeting": "two"}
    control_plane.kubectl("-n", namespace, "delete", "secret", "sh.helm.release.v1.tiny.v2")
    again = engine.update(made, second(namespace))
    assert again.state["status"]["status"] == "deployed"


def test_a_release_that_does_not_get_ready_is_kept_and_can_be_mended(engine: Engine, namespace: str) -> None:
    broken = {**release(namespace, **NEVER_READY), "timeout": 1}
    with pytest.raises(RefusedError, match=f"Release {namespace}/tiny is failed after helm install") as caught:
        engine.create(RELEASE, "tiny", broken)
    failure = caught.value
    assert failure.object_id == f"{namespace}/tiny"
    assert failure.state["status"]["status"] == "failed"
    kept = Resource(urn(RELEASE, "tiny"), failure.object_id, broken, dict(failure.state))
    made = engine.update(kept, {**release(namespace), "timeout": 20})
    assert made.state["status"]["status"] == "deployed"


def test_an_atomic_release_that_fails_leaves_nothing(engine: Engine, namespace: str) -> None:
    with pytest.raises(RefusedError, match=f"Release {namespace}/tiny was not installed") as caught:
        engine.create(RELEASE, "tiny", {**release(namespace, **NEVER_READY), "timeout": 1, "atomic": True})
    assert caught.value.object_id == ""
