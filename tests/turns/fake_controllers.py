"""The controllers, kubelets and agents of a cluster in memory: each change of its objects is followed at once.

The machines under the nodes are those of the simulated lab, and the script that changes a node's CNI conf is our own.
"""

import json
from collections import Counter
from dataclasses import dataclass, field

from components.operations.objects.model import Node, condition_is_true
from components.operations.our_pods.node_shell import script
from scripts.lab.simulated.networks.cilium import settings_of
from scripts.lab.simulated.nodes import machines, pod_status
from scripts.lab.simulated.nodes.commands import SCRIPT_LABEL
from scripts.lab.simulated.nodes.machines import Machine
from tests.turns.api import Object, Objects

CILIUM = "kube-system"
APPS = "/apis/apps/v1"
CILIUM_API = "/apis/cilium.io/v2"


@dataclass
class Players:
    """Everybody who reacts. `ill` are apps whose pods are never Ready; `done` is what happened, in short, in order.

    `reboots` is False for machines that don't, `insists` is True where Flannel writes its conf again and again.
    """

    objects: Objects = field(default_factory=Objects)
    machines: dict[str, Machine] = field(default_factory=dict)
    ill: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)
    reboots: bool = True
    insists: bool = False
    _seen: dict[str, Object] = field(default_factory=dict)
    _given: Counter[str] = field(default_factory=Counter)
    _reacting: bool = False

    def copy(self) -> "Players":
        """The same once more, on objects of their own, who have seen nothing done."""
        other = Players(machines=dict(self.machines), ill=set(self.ill), _given=Counter(self._given))
        other.objects = self.objects.copy(other.react)
        other._seen = dict(other.objects.by_path)
        return other

    def react(self) -> None:
        """Controllers and kubelets, until nobody has anything left to do."""
        if self._reacting:
            return
        self._reacting = True
        try:
            before = None
            while before != self.objects.version:
                before = self.objects.version
                self._tell_changes()
                self._control()
                for pod in self.objects.select("/api/v1/pods"):
                    self._keep(pod)
        finally:
            self._reacting = False

    def _tell_changes(self) -> None:
        there = dict(self.objects.by_path)
        for path in [path for path in self._seen if path not in there or _uid(there[path]) != _uid(self._seen[path])]:
            item = self._seen.pop(path)
            if "/pods/" in path:
                self._stopped(item)
        for path, item in there.items():
            before = self._seen.get(path)
            if path.startswith("/api/v1/nodes/") and before is not None:
                self._tell_node(before, item)
            elif "/pods/" in path and before is None:
                self.done.append(f"start {_app(item)}")
        self._seen = there

    def _tell_node(self, before: Object, after: Object) -> None:
        name = after["metadata"]["name"]
        cordoned = [bool(each["spec"].get("unschedulable")) for each in (before, after)]
        if cordoned[0] != cordoned[1]:
            self.done.append(f"{'cordon' if cordoned[1] else 'uncordon'} {name}")
        labels = [each["metadata"].get("labels") or {} for each in (before, after)]
        if labels[0] != labels[1]:
            self.done.append(f"{'label' if labels[1] else 'unlabel'} {name}")

    def _stopped(self, pod: Object) -> None:
        node = pod["spec"].get("nodeName", "")
        self.done.append(f"end {_app(pod)}")
        if _app(pod) == "cilium" and node in self.machines:
            self.machines[node] = machines.agent_stopped(self.machines[node])

    def _control(self) -> None:
        for item in self.objects.select(f"{APPS}/daemonsets"):
            for node in self.machines:
                if not any(pod["spec"]["nodeName"] == node for pod in self._owned(item)):
                    self._make_pod(item, "DaemonSet", node)
        for item in self.objects.select(f"{APPS}/replicasets"):
            owned = self._owned(item)
            named = item["spec"]["template"]["spec"].get("nodeName")
            if len(owned) < item["spec"]["replicas"] and (node := named or self._place()):
                self._make_pod(item, "ReplicaSet", node)
            ready = sum(condition_is_true(pod, "Ready") for pod in owned)
            if (item.get("status") or {}).get("readyReplicas") != ready:
                path = f"{APPS}/namespaces/default/replicasets/{item['metadata']['name']}"
                self.objects.change(path, {"status": {"readyReplicas": ready}})

    def _owned(self, owner: Object) -> list[Object]:
        uid = owner["metadata"]["uid"]
        pods = self.objects.select(f"/api/v1/namespaces/{owner['metadata']['namespace']}/pods")
        return [pod for pod in pods if any(each["uid"] == uid for each in pod["metadata"].get("ownerReferences") or [])]

    def _place(self) -> str:
        """The scheduler: the node that takes pods and has the fewest of them."""
        free = [name for name in self.machines if not self._node(name).unschedulable and self.machines[name].ready]
        return min(free, key=lambda name: (self._load(name), name), default="")

    def _node(self, name: str) -> Node:
        return Node.read(self.objects.by_path[f"/api/v1/nodes/{name}"])

    def _load(self, name: str) -> int:
        return len(self.objects.select("/api/v1/pods", fields=f"spec.nodeName={name}"))

    def _make_pod(self, owner: Object, kind: str, node: str) -> None:
        metadata, template = owner["metadata"], owner["spec"]["template"]
        self._given[metadata["name"]] += 1
        reference = {"apiVersion": "apps/v1", "kind": kind, "name": metadata["name"], "uid": metadata["uid"]}
        name = {"name": f"{metadata['name']}-{self._given[metadata['name']]}"}
        body = {
            "metadata": {**template["metadata"], **name, "ownerReferences": [{**reference, "controller": True}]},
            "spec": {**template["spec"], "nodeName": node},
        }
        self.objects.add(f"/api/v1/namespaces/{metadata['namespace']}/pods", body)

    def _keep(self, pod: Object) -> None:
        """The kubelet: a pod that has no status yet is started."""
        metadata, node = pod["metadata"], pod["spec"]["nodeName"]
        if pod.get("status") or node not in self.machines or _path(pod) not in self.objects.by_path:
            return
        if SCRIPT_LABEL in (metadata.get("labels") or {}):
            self._run_script(pod)
        elif _app(pod) == "cilium":
            self._start_agent(pod)
        elif address := self._address(pod):
            self._show(pod, address=address)

    def _address(self, pod: Object) -> str:
        machine = self.machines[pod["spec"]["nodeName"]]
        if pod["spec"].get("hostNetwork"):
            return machine.address
        if not machine.block:
            return ""
        self._given[machine.block] += 1
        return machine.block.replace(".0/24", f".{9 + self._given[machine.block]}")

    def _show(self, pod: Object, *, address: str, runs: int = 1) -> None:
        host, ready = self.machines[pod["spec"]["nodeName"]].address, _app(pod) not in self.ill
        status = pod_status.running(pod, address=address, host=host, runs=runs, ready=ready)
        self.objects.change(_path(pod), {"status": status})

    def _start_agent(self, pod: Object, *, runs: int = 1) -> None:
        node = pod["spec"]["nodeName"]
        live = self.objects.by_path[f"/api/v1/namespaces/{CILIUM}/configmaps/cilium-config"]["data"]
        configs = self.objects.select(f"{CILIUM_API}/ciliumnodeconfigs")
        settings = settings_of(live, configs, dict(self._node(node).labels))
        block = self.objects.by_path[f"{CILIUM_API}/ciliumnodes/{node}"]["spec"]["ipam"]["podCIDRs"][0]
        machine = machines.agent_started(self.machines[node], settings, block=block)
        machine = machines.conf_taken_over(machine, settings) if settings.conf else machine
        self.machines[node] = machines.flannel_insists(machine) if self.insists else machine
        self._show(pod, address=machine.address, runs=runs)

    def _run_script(self, pod: Object) -> None:
        """Run at once what the pod is to run: the program's own script where it changes the CNI conf."""
        node, path = pod["spec"]["nodeName"], _path(pod)
        text, *arguments = pod["spec"]["containers"][0]["command"][2:]
        name = next(each for each in ("inspect_network", "restore_cni_conf", "reboot") if script(each) == text)
        wrong = ""
        self.done.append(f"script {name}")
        if name == "restore_cni_conf":
            self.machines[node], wrong = machines.conf_restored(self.machines[node], arguments[0])
            self.objects.logs[path] = wrong or json.dumps(sorted(self.machines[node].conf))
        elif name == "inspect_network":
            seen = machines.seen_on(self.machines[node], self.machines.values(), nodes="172.20.0.0/14")
            self.objects.logs[path] = json.dumps(seen)
        else:
            self.objects.logs[path] = '"requested"'
        self.objects.change(path, {"status": pod_status.finished(pod, exit_code=1 if wrong else 0, runs=1)})
        if name == "reboot" and self.reboots:
            self.restart(node)

    def restart(self, node: str) -> None:
        """Everything on the node starts anew, on what its disk holds."""
        name, _, number = self.machines[node].boot_id.rpartition("-")
        boot_id = f"{name}-{int(number) + 1}"
        up = machines.booted(self.machines[node], boot_id=boot_id)
        self.machines[node] = machines.flannel_started(up, interface="flannel.1", port=8472)
        self.objects.change(f"/api/v1/nodes/{node}", {"status": {"nodeInfo": {"bootID": boot_id}}})
        pods = self.objects.select("/api/v1/pods", fields=f"spec.nodeName={node}")
        for pod in sorted(pods, key=lambda each: _app(each) != "cilium"):
            runs = 2 + pod["status"]["containerStatuses"][0]["restartCount"]
            if _app(pod) == "cilium":
                self._start_agent(pod, runs=runs)
            elif SCRIPT_LABEL not in pod["metadata"]["labels"]:
                self._show(pod, address=self._address(pod), runs=runs)


def _uid(item: Object) -> str:
    return str(item["metadata"]["uid"])


def _path(pod: Object) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def _app(pod: Object) -> str:
    """By what a pod is spoken of: its app, its part in Cilium or the probe, or what it was made for."""
    labels = pod["metadata"].get("labels") or {}
    if SCRIPT_LABEL in labels:
        return "shell"
    return str(labels.get("app") or labels.get("k8s-app") or labels.get("app.kubernetes.io/name") or "pod")
