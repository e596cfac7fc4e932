"""A stack's state as earlier versions made it, with four resources a node: carried over without touching a node."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.operations.turn_annotations import node_path
from tests.faults.site import NEW, OLD, Site

pytestmark = [pytest.mark.engine, pytest.mark.apiserver, pytest.mark.timeout(600)]
# The resources of phase `migrate` that 6cd90f9 made of three nodes in two waves; UIDs are UID-OF-NODE.
_EARLIER = Path(__file__).with_name("turns_of_an_earlier_version.json")
_MIGRATE = "cni-live-migration:phase:Migrate"
_ONE, _TWO, _THREE = "worker-1", "worker-2", "worker-3"


@pytest.fixture
def earlier(tmp_path: Path) -> Iterator[Site]:
    made = Site.make(tmp_path, nodes=6)
    yield made
    made.plane.stop()


def resources(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site.stack.pulumi("stack", "export").output)
    return found


def make_state_earlier(site: Site, *nodes: str) -> None:
    """Have the state hold these nodes' turns as the earlier version did."""
    state = resources(site)
    ours = state["deployment"]["resources"]
    providers = {f"{each['urn']}": each["id"] for each in ours if each["type"].startswith("pulumi:providers:")}
    text = _EARLIER.read_text()
    for item in site.cluster.list("/api/v1/nodes"):
        text = text.replace(f"UID-OF-{item['metadata']['name']}", item["metadata"]["uid"])
    gone = {_ONE, _TWO, _THREE} - set(nodes)
    theirs = [each for each in json.loads(text)["resources"] if not any(f"::{node}" in each["urn"] for node in gone)]
    for each in theirs:
        if "provider" in each:
            urn = each["provider"].rpartition("::")[0]
            each["provider"] = f"{urn}::{providers[urn]}"
        for place in ("inputs", "outputs"):
            if "nodes" in each.get(place, {}):
                each[place]["nodes"] = [node for node in each[place]["nodes"] if node in nodes]
        each["dependencies"] = [
            urn for urn in each.get("dependencies", []) if not any(f"::{node}" in urn for node in gone)
        ]
        each["propertyDependencies"] = {
            name: [urn for urn in urns if not any(f"::{node}" in urn for node in gone)]
            for name, urns in (each.get("propertyDependencies") or {}).items()
        }
    first = next(place for place, each in enumerate(ours) if _MIGRATE in each["urn"])
    state["deployment"]["resources"] = [
        *(each for each in ours[:first] if _MIGRATE not in each["urn"]), *theirs,
        *(each for each in ours[first:] if _MIGRATE not in each["urn"]),
    ]  # fmt: skip
    file = site.stack.folder / "earlier.json"
    file.write_text(json.dumps(state))
    site.stack.pulumi("stack", "import", "--file", str(file))


def touched(site: Site) -> dict[str, Any]:
    """All of the nodes, and of the pods on them, that a turn changes."""
    nodes = {name: site.cluster.get(node_path(name)) for name in (_ONE, _TWO, _THREE)}
    found: dict[str, Any] = {
        name: (node["spec"], node["metadata"]["labels"], node["metadata"]["annotations"], node["status"]["nodeInfo"])
        for name, node in nodes.items()
    }
    pods = site.cluster.list("/api/v1/pods")
    return {**found, "pods": sorted(pod["metadata"]["uid"] for pod in pods if pod["spec"].get("nodeName") in nodes)}


def test_it_previews_goes_on_and_goes_back(earlier: Site) -> None:
    site = earlier
    site.configure(waves=[[_ONE], [_TWO, _THREE]])
    site.stack.up()
    make_state_earlier(site, _ONE, _TWO, _THREE)
    before = touched(site)
    assert "[1/" not in site.stack.preview().output
    run = site.stack.up()
    assert touched(site) == before, run.output
    kinds = [each["type"] for each in resources(site)["deployment"]["resources"] if _MIGRATE in each["urn"]]
    assert (
        sorted(kind.rpartition(":")[2] for kind in kinds) == ["ConnectivityCheck"] * 4 + ["Migrate"] + ["NodeTurn"] * 3
    )
    assert "to update" not in site.stack.preview().output
    # Taken back from a state that was carried over, and by the very run that carries it over.
    site.configure(waves=[[_ONE], [_TWO]])
    site.stack.up()
    site.assert_whole(_THREE, network=OLD)
    make_state_earlier(site, _ONE, _TWO)
    site.configure(waves=[[_ONE]])
    site.stack.up()
    site.assert_whole(_TWO, network=OLD)
    site.assert_whole(_ONE, network=NEW)
    make_state_earlier(site, _ONE)
    site.stack.pulumi("destroy", "--yes", "--skip-preview", "--non-interactive")
    node = site.cluster.get(node_path(_ONE))
    assert not [key for key in node["metadata"]["annotations"] if key.startswith("cni-live-migration/")]
    assert "unschedulable" not in node["spec"]
