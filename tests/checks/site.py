"""A cluster of two nodes with Flannel on a real API server, where nothing happens but what a test asks for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from components.checks import CATALOGUE, Check, Context, Finding, run_checks
from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.dry_run import Trial
from components.operations.focus import Focus
from components.operations.rights.chart_rights import chart_rights
from components.operations.snapshot import FACTS
from components.operations.turn_annotations import STEP
from components.pods import OurPods
from components.sources import describe
from components.sources.observing import observe
from stacks.config import parse_config
from stacks.strategies import Milestone
from stacks.values import final_values, live_settings, migration_values
from tests.builders import FLANNEL, FLANNEL_CONFIG_MAP, FLANNEL_DAEMON_SET, make_cilium
from tests.faults.site import eventually

Object = dict[str, Any]
SHOP = "shop"
_NODE_INFO = (
    "architecture", "bootID", "containerRuntimeVersion", "kubeProxyVersion", "kubeletVersion", "machineID",
    "operatingSystem", "osImage", "systemUUID",
)  # fmt: skip
ROOM = {"cpu": "4", "memory": "8Gi", "pods": "110"}
_BASIC = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "main", "image": "example"}]}}


def at(seconds: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Site:
    """Fixture whose objects are removed after the test."""

    cluster: Cluster
    made: list[str] = field(default_factory=list)

    def add(self, folder: str, body: Object, *, status: Object | None = None) -> None:
        created = self.cluster.create(folder, body)
        path = f"{folder}/{created['metadata']['name']}"
        self.made.append(path)
        if status is not None:
            self.cluster.patch(f"{path}/status", {"status": status})

    def clear(self) -> None:
        for path in reversed(self.made):
            self.cluster.delete(path, grace_period_seconds=0)
        self.made.clear()

    def namespaced(self, kind: str, name: str, *, namespace: str = SHOP, group: str = "/api/v1", **fields: Any) -> None:
        status, metadata = fields.pop("status", None), fields.pop("metadata", {})
        body = {"metadata": {"name": name, **metadata}, **fields}
        self.add(f"{group}/namespaces/{namespace}/{kind}", body, status=status)

    def node(
        self,
        name: str,
        *,
        step: str = "",
        labels: Mapping[str, str] | None = None,
        conditions: Sequence[str] = ("Ready",),
        pod_cidrs: Sequence[str] = (),
        unschedulable: bool = False,
        kernel: str = "6.1.0-31-amd64",
        address: str = "",
    ) -> None:
        body = {
            "metadata": {"name": name, "labels": labels or {}, "annotations": {STEP: step} if step else {}},
            "spec": {
                "unschedulable": unschedulable,
                **({"podCIDR": pod_cidrs[0], "podCIDRs": list(pod_cidrs)} if pod_cidrs else {}),
            },
        }
        shown = [{"type": each, "status": "True"} for each in conditions]
        told = {"kernelVersion": kernel, "kubeletVersion": "v1.36.4", "operatingSystem": "linux"}
        info = dict.fromkeys(_NODE_INFO, "x") | told
        addresses = [{"type": "InternalIP", "address": address}] if address else []
        status = {"conditions": shown, "allocatable": ROOM, "capacity": ROOM, "nodeInfo": info, "addresses": addresses}
        self.add("/api/v1/nodes", body, status=status)

    def facts(self, number: int = 0, **nodes: Mapping[str, Any]) -> None:
        """Inspections of nodes; underscores in a keyword stand for dashes in the name."""
        plain = {"cni_conf": ["10-flannel.conflist"], "interfaces": {"eth0": 1500}, "routes": [], "udp_ports": []}
        data = {name.replace("_", "-"): json.dumps({**plain, **seen}) for name, seen in nodes.items()}
        name = f"{FACTS}-{number}" if number else FACTS
        self.namespaced("configmaps", name, namespace=NAMESPACE, data=data)

    def api_service(self, service: str) -> None:
        """An API that a Service answers; of a group that nobody asks for."""
        spec = {
            "group": "x.example.org", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100,
            "insecureSkipTLSVerify": True, "service": {"namespace": SHOP, "name": service},
        }  # fmt: skip
        self.add(
            "/apis/apiregistration.k8s.io/v1/apiservices", {"metadata": {"name": "v1.x.example.org"}, "spec": spec}
        )

    def kind(self, kind: str, *names: str, group: str, version: str = "v1") -> None:
        """A kind of the whole cluster's, with objects, once the API server names it."""
        singular = kind.lower()
        plural = f"{singular[:-1]}ies" if singular.endswith("y") else f"{singular}s"
        schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        spec = {
            "group": group, "scope": "Cluster",
            "names": {"plural": plural, "singular": singular, "kind": kind},
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        }  # fmt: skip
        approved = {"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/network-policy-api"}
        definition = {"metadata": {"name": f"{plural}.{group}", "annotations": approved}, "spec": spec}
        self.add("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
        folder = f"/apis/{group}/{version}/{plural}"
        eventually(lambda: self.cluster.find(folder) is not None and kind in json.dumps(self.cluster.discover()))
        for name in names:
            self.add(folder, {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": name}})

    def nodes(self, *, first: str = "", second: str = "") -> None:
        """Both nodes, with where their turns are."""
        self.node("worker-1", step=first)
        self.node("worker-2", step=second)

    def flannel(self, **metadata: Any) -> None:
        body = json.loads(json.dumps(FLANNEL_DAEMON_SET))
        template = body["spec"]["template"]
        template["metadata"] = {"labels": {"app": "flannel"}}
        template["spec"]["containers"][0]["name"] = "main"
        self.add("/api/v1/namespaces/kube-flannel/configmaps", dict(FLANNEL_CONFIG_MAP))
        self.namespaced(
            "daemonsets", "kube-flannel-ds", namespace="kube-flannel", group="/apis/apps/v1", metadata=metadata,
            spec={"selector": {"matchLabels": {"app": "flannel"}}, "template": template},
        )  # fmt: skip

    def record(self, strategy: str = "hybrid") -> None:
        data = {"source": FLANNEL.model_dump_json(), "strategy": strategy}
        self.namespaced("configmaps", "record", namespace=NAMESPACE, data=data)

    def cilium(self, *, alone: bool = False, recorded: bool = True, strategy: str = "hybrid", **settings: str) -> None:
        """Cilium's live settings, beside Flannel or alone; a keyword's underscores are dashes."""
        cilium = make_cilium()
        live = live_settings(final_values(cilium) if alone else migration_values(cilium))
        data = {**live, **{key.replace("_", "-"): value for key, value in settings.items()}}
        self.namespaced("configmaps", "cilium-config", namespace="kube-system", data=data)
        if recorded:
            self.record(strategy)

    def helm_revision(self, number: int, *, status: str = "deployed") -> None:
        """Helm's record of a revision of Cilium's release, in the namespace of everything else."""
        labels = {"owner": "helm", "name": "cilium", "version": str(number), "status": status}
        self.namespaced("secrets", f"sh.helm.release.v1.cilium.v{number}", metadata={"labels": labels})

    def daemon_set(self, name: str, *, image: str = "example", status: Object | None = None, **spec: Any) -> None:
        template = json.loads(json.dumps(_BASIC))
        template["spec"]["containers"][0] |= {"image": image, "volumeMounts": spec.pop("mounts", [])}
        template["spec"] |= spec
        self.namespaced(
            "daemonsets", name, group="/apis/apps/v1", status=status,
            spec={"selector": {"matchLabels": {"app": "x"}}, "template": template},
        )  # fmt: skip

    def agents(self, *, image: str = "example") -> None:
        """Cilium's DaemonSet, in the namespace of everything else."""
        template = {**_BASIC, "spec": {"containers": [{"name": "cilium-agent", "image": image}]}}
        spec = {"selector": {"matchLabels": {"app": "x"}}, "template": template}
        self.namespaced("daemonsets", "cilium", group="/apis/apps/v1", spec=spec)

    def few_pods(self, pods: int) -> None:
        """A quota, counted, that leaves room for some pods of ours."""
        hard = {"count/pods": str(pods)}
        status = {"hard": hard, "used": {"count/pods": "0"}}
        self.namespaced("resourcequotas", "few", namespace=NAMESPACE, spec={"hard": hard}, status=status)

    def at_most(self, memory: str, *, namespace: str) -> None:
        """A LimitRange that lets no container have more."""
        limits = [{"type": "Container", "max": {"memory": memory}}]
        self.namespaced("limitranges", "small", namespace=namespace, spec={"limits": limits})

    def pod(
        self,
        name: str,
        *,
        app: str = "",
        node: str = "worker-1",
        owner: str = "ReplicaSet",
        ready: bool = True,
        ports: Sequence[Mapping[str, Any]] = (),
        cores: str = "0",
        labels: Mapping[str, str] | None = None,
        image: str = "example",
        address: str = "10.244.1.5",
        of: str = "",
        namespace: str = SHOP,
        **fields: Any,
    ) -> None:
        container = {
            "name": "main",
            "image": image,
            "ports": list(ports),
            "resources": {"requests": {"cpu": cores}},
        }
        reference = {
            "apiVersion": "apps/v1",
            "kind": owner,
            "name": of or f"{app or name}-owner",
            "uid": name,
            "controller": True,
        }
        metadata = {
            "labels": {"app": app or name, **(labels or {})},
            "ownerReferences": [{**reference, "controller": True}],
        }
        spec = {"nodeName": node, "containers": [container], **fields}
        status = {
            "phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
            "conditions": [{"type": "Ready", "status": str(ready)}],
        }  # fmt: skip
        self.namespaced("pods", name, namespace=namespace, metadata=metadata, spec=spec, status=status)

    def budget(self, name: str, *, app: str, healthy: int, desired: int, allowed: int = 0) -> None:
        selector = {"matchLabels": {"app": app}}
        status = {
            "observedGeneration": 1, "currentHealthy": healthy, "desiredHealthy": desired, "expectedPods": healthy,
            "disruptionsAllowed": allowed,
        }  # fmt: skip
        self.namespaced(
            "poddisruptionbudgets", name, group="/apis/policy/v1", spec={"minAvailable": desired, "selector": selector},
            status=status,
        )  # fmt: skip

    def service(self, name: str, **spec: Any) -> None:
        self.namespaced("services", name, spec={"ports": [{"port": 80}], "selector": {"app": name}, **spec})

    def policy(self, name: str, **spec: Any) -> None:
        self.namespaced(
            "networkpolicies", name, group="/apis/networking.k8s.io/v1", spec={"podSelector": {}, **spec}
        )  # fmt: skip

    def webhook(self, name: str, *, policy: str = "Fail", resource: str = "pods") -> None:
        """One that the Service `hook` answers."""
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": [resource]}
        # Nobody answers it here, so it may not concern what tests make.
        nobody = {"matchLabels": {"nobody": "has-this"}}
        hook = {
            "name": f"{name}.example.org", "failurePolicy": policy, "rules": [rule], "objectSelector": nobody,
            "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": {"namespace": SHOP, "name": "hook"}},
        }  # fmt: skip
        folder = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
        self.add(folder, {"metadata": {"name": name}, "webhooks": [hook]})

    def lease(self, name: str, *, namespace: str, renewed: str, holder: str | None = "", seconds: int = 40) -> None:
        named = {} if holder is None else {"holderIdentity": holder or name}
        spec = {**named, "renewTime": renewed, "leaseDurationSeconds": seconds}
        self.namespaced("leases", name, namespace=namespace, group="/apis/coordination.k8s.io/v1", spec=spec)

    def found(self, check: str, **settings: Any) -> list[Finding]:
        """The findings of one check."""
        return self._run([each for each in CATALOGUE if each.id == check], settings)

    def all_found(self, **settings: Any) -> list[Finding]:
        """The findings of all checks."""
        return self._run(CATALOGUE, settings)

    def _run(self, checks: Sequence[Check], settings: Mapping[str, Any]) -> list[Finding]:
        config = parse_config(settings)
        focus = Focus(
            required=config.preflight.named, removals=config.cleanup.objects,
            cleanup=config.reaches(Milestone.OLD_NETWORK_GONE),
            trial=Trial(pods=OurPods.of(config), nodes=config.nodes), moving=config.nodes,
            ipsec_secret=config.cilium.keys_needed,
            policies_beside=config.policies.beside_the_old,
            chart=chart_rights(config.cilium.values, config.cilium.final_values),
        )  # fmt: skip
        snapshot = observe(self.cluster, cilium_namespace=config.cilium.namespace, focus=focus)
        context = Context(config=config, snapshot=snapshot, source=describe(snapshot, config.source))
        return run_checks(checks, context)
