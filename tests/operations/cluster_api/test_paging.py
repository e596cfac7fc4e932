"""Reading a collection in pages while its history is thrown away, against a real API server and a real etcd."""

import json
import secrets
import urllib.request
from typing import Any

import pytest

from components.operations.cluster_api import api
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError, Object
from scripts.lab.simulated import PORTS_FILE
from scripts.lab.simulated.control_plane import ControlPlane
from tests.operations.conftest import Space

pytestmark = pytest.mark.apiserver


def etcd(plane: ControlPlane, method: str, body: dict[str, Any]) -> dict[str, Any]:
    """One call of etcd's own API."""
    assert plane.folder
    port = json.loads((plane.folder / PORTS_FILE).read_text())["etcd"]
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v3/kv/{method}", data=json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:
        return dict(json.load(answer))


class Compacting(Cluster):
    """After its first page it has etcd forget the version that it is reading, once or always."""

    def __init__(self, plane: ControlPlane, space: Space, *, always: bool) -> None:
        super().__init__(kubeconfig=str(plane.kubeconfig))
        self.plane, self.space, self.always = plane, space, always
        self.expired = 0
        self._compacted = 0

    def get(self, path: str, **query: Any) -> Object:
        try:
            page = super().get(path, **query)
        except ClusterError as error:
            self.expired += error.status == 410
            raise
        if query.get("limit") and (self.always or not self._compacted):
            self._compacted += 1
            self._forget()
        return page

    def _forget(self) -> None:
        for _ in range(3):
            self.space.cluster.patch(self.space.path("configmaps", "page-0"), {"data": {"n": str(id(object()))}})
        revision = etcd(self.plane, "range", {"key": "AA==", "limit": 1})["header"]["revision"]
        etcd(self.plane, "compaction", {"revision": revision})


def config_maps(space: Space, count: int) -> None:
    for number in range(count):
        space.cluster.create(space.path("configmaps"), {"metadata": {"name": f"page-{number}"}})


@pytest.fixture
def bare(bare_plane: ControlPlane) -> Space:
    """A namespace where no controller adds anything."""
    cluster = Cluster(kubeconfig=str(bare_plane.kubeconfig))
    name = f"paging-{secrets.token_hex(3)}"
    cluster.create("/api/v1/namespaces", {"metadata": {"name": name}})
    return Space(cluster, name)


@pytest.fixture
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "PAGE_SIZE", 2)


@pytest.mark.usefixtures("pages_of_two")
def test_a_list_whose_version_expires_is_read_anew(bare_plane: ControlPlane, bare: Space) -> None:
    config_maps(bare, 7)
    reader = Compacting(bare_plane, bare, always=False)
    names = [item["metadata"]["name"] for item in reader.list(bare.path("configmaps"))]
    assert sorted(names) == sorted({*names})
    assert {f"page-{number}" for number in range(7)} <= {*names}
    assert reader.expired == 1


@pytest.mark.usefixtures("pages_of_two")
def test_one_that_always_expires_ends_with_the_servers_word(bare_plane: ControlPlane, bare: Space) -> None:
    config_maps(bare, 5)
    reader = Compacting(bare_plane, bare, always=True)
    with pytest.raises(ClusterError) as caught:
        reader.list(bare.path("configmaps"))
    assert caught.value.status == 410
