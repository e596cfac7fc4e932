"""Calico's agents and its operator, played: they do to the objects what the real ones do."""

import threading
from types import TracebackType
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.sources.calico.detection_methods import FROM_KUBERNETES
from components.sources.calico.moved_autodetection import ADDRESS

Object = dict[str, Any]
WRONG = "10.245.0.7"  # cilium_host's, which first-found takes


class Agents:
    """While it is entered, each node has the address that the DaemonSet's variable leads to.

    `operator` copies the Installation's setting to the DaemonSet first; `deaf` agents never start anew,
    `blind` ones find the wrong address whatever they are told.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        namespace: str,
        operator: bool = False,
        deaf: bool = False,
        blind: bool = False,
    ) -> None:
        self._cluster = cluster
        self._path = f"/apis/apps/v1/namespaces/{namespace}/daemonsets/calico-node"
        self._operator, self._deaf, self._blind = operator, deaf, blind
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._play)

    def __enter__(self) -> "Agents":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def _play(self) -> None:
        while not self._end.wait(0.1):
            try:
                self._beat()
            except ClusterError as error:
                if error.status != 404:
                    raise

    def _beat(self) -> None:
        if self._operator:
            self._reconcile()
        item = self._cluster.get(self._path)
        if self._deaf:
            return
        nodes = self._cluster.list("/api/v1/nodes")
        method = variables(item).get("IP_AUTODETECTION_METHOD", {}).get("value", "first-found")
        for node in nodes:
            own = next(each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP")
            address = f"{own if method == FROM_KUBERNETES and not self._blind else WRONG}/24"
            path = f"/api/v1/nodes/{node['metadata']['name']}"
            self._cluster.patch(path, {"metadata": {"annotations": {ADDRESS: address}}})
        status = {"desiredNumberScheduled": len(nodes), "currentNumberScheduled": len(nodes), "numberMisscheduled": 0}
        status |= {"numberReady": len(nodes), "numberAvailable": len(nodes), "updatedNumberScheduled": len(nodes)}
        status["observedGeneration"] = item["metadata"]["generation"]
        self._cluster.patch(f"{self._path}/status", {"status": status})

    def _reconcile(self) -> None:
        item = self._cluster.get("/apis/operator.tigera.io/v1/installations/default")
        setting = item["spec"]["calicoNetwork"].get("nodeAddressAutodetectionV4") or {"firstFound": True}
        assert len(setting) == 1, f"the operator takes one way only: {setting}"
        (word,) = setting
        value = {"kubernetes": FROM_KUBERNETES, "canReach": f"can-reach={setting[word]}"}.get(word, "first-found")
        agents = self._cluster.get(self._path)
        if variables(agents).get("IP_AUTODETECTION_METHOD", {}).get("value") != value:
            env = [{"name": "IP_AUTODETECTION_METHOD", "value": value}]
            containers = [{"name": "calico-node", "env": env}]
            body = {"spec": {"template": {"spec": {"containers": containers}}}}
            self._cluster.patch(self._path, body, strategic=True)


def variables(item: Object) -> dict[str, Object]:
    """The environment of calico-node, by name."""
    (container,) = item["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each for each in container["env"]}
