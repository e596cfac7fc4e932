"""The real manifests of the sources, and what the lab changes in them: that, and nothing else."""

from typing import Any

import pytest
import yaml

from scripts.lab.cluster import sources
from scripts.lab.cluster.layout import Layout
from scripts.lab.console import LabError
from scripts.lab.images import calico, catalogue
from scripts.lab.toolchain.calico import calico_manifests

_LAYOUT = Layout(lab_id="lab-1")


def _leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    if isinstance(value, dict):
        # What has a name is known by it, so that a list with one more entry differs in that entry only.
        return {key: leaf for name in value for key, leaf in _leaves(value[name], (*path, name)).items()}
    if isinstance(value, list):
        named = {str(item["name"]) if isinstance(item, dict) and "name" in item else str(n): item
                 for n, item in enumerate(value)}  # fmt: skip
        return _leaves(named, path)
    return {path: value}


def _objects(text: str) -> dict[str, Any]:
    items = [item for item in yaml.safe_load_all(text) if item]
    return {f"{item['kind']} {item['metadata']['name']}": item for item in items}


def _changes(file: str, name: str) -> dict[tuple[str, ...], Any]:
    before = _leaves(_objects((calico_manifests() / file).read_text()))
    after = _leaves(_objects(sources.source(name).manifest(_LAYOUT)))
    assert before.keys() - after.keys() == set()
    return {path: value for path, value in after.items() if before.get(path, "absent") != value}


def test_calicos_own_manifest_is_changed_in_its_images_and_its_pool_only() -> None:
    changes = _changes("calico-vxlan.yaml", "calico")
    images = {value for path, value in changes.items() if path[-1] == "image"}
    assert images == {calico.NODE, calico.CNI, calico.KUBE_CONTROLLERS}
    others = {path[-2:]: value for path, value in changes.items() if path[-1] != "image"}
    assert others == {
        ("CALICO_IPV4POOL_CIDR", "name"): "CALICO_IPV4POOL_CIDR",
        ("CALICO_IPV4POOL_CIDR", "value"): "10.244.0.0/16",
        ("CALICO_IPV4POOL_VXLAN", "value"): "Always",
    }


def test_canals_own_manifest_is_changed_in_its_images_and_flannels_port_only() -> None:
    changes = _changes("canal.yaml", "canal")
    images = {value for path, value in changes.items() if path[-1] == "image"}
    assert images == {calico.NODE, calico.CNI, calico.KUBE_CONTROLLERS, catalogue.FLANNEL}
    assert [path[-1] for path in changes if path[-1] != "image"] == ["net-conf.json"]


def test_a_source_that_the_lab_does_not_have_is_refused_with_those_that_it_has() -> None:
    with pytest.raises(LabError, match="weave is not known; the lab has flannel, canal, calico"):
        sources.source("weave")


@pytest.mark.parametrize("name", ["flannel", "canal", "calico"])
def test_confs_are_written_where_the_nodes_look_for_them(name: str) -> None:
    moved = Layout(lab_id="lab-1", conf_folder="/srv/confs")
    texts = [sources.source(name).manifest(layout) for layout in (_LAYOUT, moved)]
    paths = [{value for path, value in _leaves(_objects(text)).items() if path[-1] == "path"} for text in texts]
    assert paths[1] - paths[0] == {"/srv/confs"}
    assert paths[0] - paths[1] == {"/etc/cni/net.d"}
