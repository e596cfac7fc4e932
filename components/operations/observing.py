"""Reads a whole cluster into a Snapshot: every list once, paged, side by side."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from components.names import NAMESPACE, RELEASE
from components.operations.api import Cluster, ClusterError, Object
from components.operations.autodetection import can_be_fooled
from components.operations.calico_objects import read_calico
from components.operations.clocks import clock_skews
from components.operations.greeting import greet
from components.operations.helm_release import newest_revision
from components.operations.lease import other_run
from components.operations.live_config import read_live_config, served_node_config_versions
from components.operations.marks import TurnStep, step_of
from components.operations.model import Budget, Node, Pod
from components.operations.node_state import NodeState
from components.operations.permission_table import Purpose
from components.operations.permissions import Aims, denied
from components.operations.placing.reading import read_supplies
from components.operations.removals import look_at
from components.operations.required import not_ready
from components.operations.services import Service
from components.operations.snapshot import RECORD, SETTLED, NodeFacts, Snapshot, is_of_facts
from components.operations.trial import Trial, Tried, try_out
from components.operations.webhooks import required_for_pods
from stacks.config import SECRETS_NAMESPACE
from stacks.objects import ObjectName
from stacks.policies.cilium import OURS

T = TypeVar("T")
_AT_ONCE = 16
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_CILIUM, _ADMIN_POLICIES = "/apis/cilium.io/v2", "/apis/policy.networking.k8s.io/v1alpha1"
_ADMIN_KINDS = {
    "AdminNetworkPolicy": "adminnetworkpolicies",
    "BaselineAdminNetworkPolicy": "baselineadminnetworkpolicies",
}
_KUBE_PROXY = "/api/v1/namespaces/kube-system/configmaps/kube-proxy"
_KUBE_PROXY_MODE = re.compile(r'^mode:[ \t]*"?(\w+)', re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Focus:
    """The parts of a cluster that the stack's config is about, looked at closer.

    `required` are workloads that the user wants to be there, as `KIND NAMESPACE/NAME`; `removals` what shall go in
    phase `cleanup`, and `cleanup` whether that is asked for; `secrets_namespace` is Cilium's second one. `trial` are
    pods of ours that are tried in a dry run; `moving` are nodes that shall be drained or have been.
    """

    required: Sequence[str] = ()
    removals: Sequence[ObjectName] = ()
    cleanup: bool = False
    secrets_namespace: str = SECRETS_NAMESPACE
    trial: Trial | None = None
    moving: Sequence[str] = ()


ALL_ALIKE = Focus()


def observe(cluster: Cluster, *, cilium_namespace: str, focus: Focus = ALL_ALIKE) -> Snapshot:
    """Read everything that the checks and the plan need; changes nothing. Raises ClusterError."""
    aims = Aims(
        removals=tuple(focus.removals), removes=focus.cleanup, secrets_namespace=focus.secrets_namespace
    )  # fmt: skip
    try:
        return _observe(cluster, cilium_namespace=cilium_namespace, focus=focus, aims=aims)
    except ClusterError as error:
        missing = denied(cluster, cilium_namespace=cilium_namespace, aims=aims) if error.status == 403 else ()
        what = "; ".join(need.title for need in missing if need.purpose is Purpose.WORK)
        if not what:
            raise
        raise ClusterError(f"{error}; all that the user of the kubeconfig may not do: {what}", status=403) from error


def _observe(cluster: Cluster, *, cilium_namespace: str, focus: Focus, aims: Aims) -> Snapshot:
    version, seconds = greet(cluster)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:

        def start(path: str, make: Callable[[Object], T]) -> Future[list[T]]:
            return pool.submit(cluster.read_all, path, make)

        def look(path: str, make: Callable[[Object], T]) -> Future[list[T]]:
            return pool.submit(_unless_denied, lambda: cluster.read_all(path, make), [])

        nodes = start("/api/v1/nodes", lambda item: (Node.read(item), NodeState.read(item)))
        pods = start("/api/v1/pods", Pod.read)
        budgets = start("/apis/policy/v1/poddisruptionbudgets", Budget.read)
        daemon_sets = start("/apis/apps/v1/daemonsets", _as_it_is)
        ours = start(f"/api/v1/namespaces/{NAMESPACE}/configmaps", _as_it_is)
        cilium_nodes = start("/apis/cilium.io/v2/ciliumnodes", _pool_of)
        node_configs = start(f"/apis/cilium.io/v2/namespaces/{cilium_namespace}/ciliumnodeconfigs", _as_it_is)
        service_networks = look("/apis/networking.k8s.io/v1/servicecidrs", _networks_of)
        services = look("/api/v1/services", Service.read)
        policies = look("/apis/networking.k8s.io/v1/networkpolicies", _as_it_is)
        admin = [look(f"{_ADMIN_POLICIES}/{plural}", partial(_of_kind, kind)) for kind, plural in _ADMIN_KINDS.items()]
        ciliums = [
            pool.submit(_unless_denied, partial(cluster.list, f"{_CILIUM}/{kind}", labelSelector=OURS), [])
            for kind in ("ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies")
        ]
        namespaces = look("/api/v1/namespaces", _labels_of)
        hooks = [
            look(f"{_ADMISSION}/{kind.lower()}s", partial(required_for_pods, kind=kind))
            for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
        ]
        leases = look("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", _as_it_is)
        api_services = look("/apis/apiregistration.k8s.io/v1/apiservices", _answered_by)
        kube_proxy = pool.submit(_unless_denied, lambda: cluster.find(_KUBE_PROXY), None)
        waited_for = pool.submit(not_ready, cluster, focus.required)
        going = [pool.submit(look_at, cluster, each, cilium_namespace=cilium_namespace) for each in aims.removals]
        node_config_versions = pool.submit(served_node_config_versions, cluster)
        live = pool.submit(read_live_config, cluster, namespace=cilium_namespace)
        release = pool.submit(
            _unless_denied, partial(newest_revision, cluster, name=RELEASE, namespace=cilium_namespace), None
        )
        calico = pool.submit(read_calico, cluster)
        other = pool.submit(other_run, cluster)
        found = [node for node, _ in nodes.result()]
        tried = pool.submit(try_out, cluster, focus.trial, nodes=found) if focus.trial else None
        left = {
            node.name
            for node, _ in nodes.result()
            if node.name in focus.moving and step_of(node) is not TurnStep.MIGRATED
        }
        supplies = read_supplies(cluster, [pod for pod in pods.result() if pod.node in left], pool=pool)
        config_maps = _source_config_maps(cluster, daemon_sets.result())
        data = {item["metadata"]["name"]: item.get("data") or {} for item in ours.result()}
        record = json.loads(data[RECORD]["source"]) if "source" in data.get(RECORD, {}) else None
        aims = _with_source(aims, record or {}, daemon_sets.result())
        missing = denied(cluster, cilium_namespace=cilium_namespace, aims=aims)
    return Snapshot(
        other_run=other.result(),
        nodes=tuple(node for node, _ in nodes.result()),
        pods=tuple(pods.result()),
        budgets=tuple(budgets.result()),
        supplies=supplies,
        daemon_sets=tuple(daemon_sets.result()),
        config_maps=tuple(config_maps),
        service_networks=tuple(network for networks in service_networks.result() for network in networks),
        cilium_pools=dict(cilium_nodes.result()),
        cilium_config=live.result(),
        release=release.result(),
        node_configs=len(node_configs.result()),
        record=record,
        facts={
            node: NodeFacts.read(json.loads(text))
            for name, each in data.items()
            if is_of_facts(name)
            for node, text in each.items()
        },
        server_version=version,
        api_seconds=seconds,
        api_services=tuple(each for each in api_services.result() if each),
        node_config_versions=node_config_versions.result(),
        settled=json.loads(data.get(RECORD, {}).get(SETTLED) or "{}"),
        node_states={node.name: state for node, state in nodes.result()},
        services=tuple(services.result()),
        policy_objects=tuple(policies.result()),
        calico=calico.result(),
        admin_policies=tuple(item for each in admin for item in each.result()),
        translations=tuple(item for each in ciliums for item in each.result()),
        namespaces=dict(namespaces.result()),
        webhooks=tuple(hook for each in hooks for found in each.result() for hook in found),
        kube_proxy_mode=_mode_of(kube_proxy.result()),
        clock_skews=clock_skews(leases.result()),
        denied=missing,
        not_ready=waited_for.result(),
        removals=tuple(each.result() for each in going),
        tried=tried.result() if tried else Tried(),
    )


def _with_source(aims: Aims, record: Mapping[str, Any], daemon_sets: Sequence[Object]) -> Aims:
    """The same with the old CNI that we wrote down, as long as it is there."""
    place = record.get("namespace", ""), record.get("daemon_set", "")
    if place not in {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in daemon_sets}:
        return aims
    methods = record.get("autodetection", ""), record.get("autodetection_v6", "")
    return replace(aims, source=record.get("kind", ""), home=place[0], prepares=any(map(can_be_fooled, methods)))


def _unless_denied(read: Callable[[], T], otherwise: T) -> T:
    """What only checks look at may be closed to the user: the check of permissions says so."""
    try:
        return read()
    except ClusterError as error:
        if error.status == 403:
            return otherwise
        raise


def _answered_by(item: Object) -> tuple[str, str, str] | None:
    """(name, namespace, Service) of an API that a Service of the cluster answers."""
    service = (item.get("spec") or {}).get("service")
    return (item["metadata"]["name"], service["namespace"], service["name"]) if service else None


def _as_it_is(item: Object) -> Object:
    return item


def _of_kind(kind: str, item: Object) -> Object:
    """Items of a list do not say their kind."""
    return {**item, "kind": kind}


def _labels_of(item: Object) -> tuple[str, Mapping[str, str]]:
    return item["metadata"]["name"], item["metadata"].get("labels") or {}


def _networks_of(item: Object) -> list[str]:
    return (item.get("spec") or {}).get("cidrs") or []


def _pool_of(item: Object) -> tuple[str, tuple[str, ...]]:
    return item["metadata"]["name"], tuple((item.get("spec", {}).get("ipam") or {}).get("podCIDRs") or ())


def _mode_of(config_map: Object | None) -> str:
    """kube-proxy's mode as kubeadm writes it; empty where it is the default, or not known."""
    text = ((config_map or {}).get("data") or {}).get("config.conf", "")
    found = _KUBE_PROXY_MODE.search(text)
    return found[1] if found else ""


def _source_config_maps(cluster: Cluster, daemon_sets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ConfigMaps that DaemonSets on the host network mount or have variables of: where a CNI keeps its settings."""
    wanted = {
        (item["metadata"]["namespace"], name)
        for item in daemon_sets
        if item["spec"]["template"]["spec"].get("hostNetwork")
        for name in _config_maps_of(item["spec"]["template"]["spec"])
        if name
    }
    found = (cluster.find(f"/api/v1/namespaces/{space}/configmaps/{name}") for space, name in sorted(wanted))
    return [item for item in found if item]


def _config_maps_of(spec: Mapping[str, Any]) -> Iterator[str]:
    for volume in spec.get("volumes") or []:
        yield (volume.get("configMap") or {}).get("name", "")
    for container in spec.get("containers") or []:
        for source in container.get("envFrom") or []:
            yield (source.get("configMapRef") or {}).get("name", "")
        for variable in container.get("env") or []:
            yield ((variable.get("valueFrom") or {}).get("configMapKeyRef") or {}).get("name", "")
