"""Reads a whole cluster into a Snapshot: every list once, in pages, concurrently."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from components.names import NAMESPACE, RELEASE
from components.operations.addresses.cluster_settings import of_kube_proxy
from components.operations.addresses.direct_load_balancers import exposed_ingress
from components.operations.addresses.fixed_address_annotations import wishes
from components.operations.addresses.outside_addresses import of_ingress, of_webhooks
from components.operations.addresses.reading import OutsideReading
from components.operations.addresses.servers import Server
from components.operations.addresses.target_groups import target_groups
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.denials import unless_denied
from components.operations.cluster_api.errors import ClusterError, Object
from components.operations.cluster_api.server_version import greet
from components.operations.dry_run import Tried, try_out
from components.operations.focus import ALL_ALIKE, Focus
from components.operations.lease import other_run
from components.operations.objects.clocks import clock_skews
from components.operations.objects.helm_release import newest_revision
from components.operations.objects.live_config import read_live_config, served_node_config_versions
from components.operations.objects.model import Budget, Node, Pod
from components.operations.objects.node_state import NodeState
from components.operations.objects.policy_kinds import read_policy_kinds
from components.operations.objects.policy_watchers import bound_accounts, role_that_watches, watchers
from components.operations.objects.services import Service
from components.operations.objects.webhooks import Webhook, required_for_pods
from components.operations.placing.reading import read_supplies
from components.operations.removal.removals import look_at
from components.operations.required_workloads import not_ready
from components.operations.rights.permission_table import Purpose
from components.operations.rights.permissions import Aims, denied
from components.operations.snapshot import RECORD, SETTLED, NodeFacts, Snapshot, is_of_facts
from components.operations.source_registry import KnownSources
from components.operations.turn_annotations import TurnStep, step_of
from stacks.policies.writing.cilium import OURS

T = TypeVar("T")
_AT_ONCE = 16
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_CILIUM, _RBAC = "/apis/cilium.io/v2", "/apis/rbac.authorization.k8s.io/v1"
_KUBE_PROXY = "/api/v1/namespaces/kube-system/configmaps/kube-proxy"
_KUBE_PROXY_MODE = re.compile(r'^mode:[ \t]*"?(\w+)', re.MULTILINE)


def observe(cluster: Cluster, *, cilium_namespace: str, sources: KnownSources, focus: Focus = ALL_ALIKE) -> Snapshot:
    """Read everything that the checks and the plan need; changes nothing. Raises ClusterError."""
    aims = Aims(
        removals=tuple(focus.removals), removes=focus.cleanup, secrets_namespace=focus.secrets_namespace,
        policies_beside=focus.policies_beside, own_policies=sources.policies(), chart=focus.chart,
        required=tuple(focus.required),
    )  # fmt: skip
    try:
        return _observe(cluster, cilium_namespace=cilium_namespace, sources=sources, focus=focus, aims=aims)
    except ClusterError as error:
        if error.status != 403:
            raise
        kinds = partial(sources.kinds, cluster, ())
        missing = denied(cluster, cilium_namespace=cilium_namespace, own_kinds=kinds, aims=aims)
        what = "; ".join(need.title for need in missing if need.purpose is Purpose.WORK)
        if not what:
            raise
        raise ClusterError(f"{error}; all that the user of the kubeconfig may not do: {what}", status=403) from error


def _observe(cluster: Cluster, *, cilium_namespace: str, sources: KnownSources, focus: Focus, aims: Aims) -> Snapshot:
    version, seconds = greet(cluster)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:

        def start(path: str, make: Callable[[Object], T]) -> Future[list[T]]:
            return pool.submit(cluster.read_all, path, make)

        def look(path: str, make: Callable[[Object], T]) -> Future[list[T]]:
            return pool.submit(unless_denied, lambda: cluster.read_all(path, make), [])

        nodes = start("/api/v1/nodes", lambda item: (Node.read(item), NodeState.read(item)))
        pods = start("/api/v1/pods", Pod.read)
        budgets = start("/apis/policy/v1/poddisruptionbudgets", Budget.read)
        daemon_sets = start("/apis/apps/v1/daemonsets", _as_it_is)
        ours = start(f"/api/v1/namespaces/{NAMESPACE}/configmaps", _as_it_is)
        cilium_nodes = start("/apis/cilium.io/v2/ciliumnodes", _pool_of)
        node_configs = start(f"/apis/cilium.io/v2/namespaces/{cilium_namespace}/ciliumnodeconfigs", _as_it_is)
        service_networks = pool.submit(unless_denied, partial(_service_networks, cluster), [])
        services = look("/api/v1/services", Service.read)
        policies = look("/apis/networking.k8s.io/v1/networkpolicies", _as_it_is)
        by_discovery = pool.submit(read_policy_kinds, cluster)
        roles = look(f"{_RBAC}/clusterroles", role_that_watches)
        bindings = look(f"{_RBAC}/clusterrolebindings", bound_accounts)
        ciliums = [
            pool.submit(unless_denied, partial(cluster.list, f"{_CILIUM}/{kind}", labelSelector=OURS), [])
            for kind in ("ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies")
        ]
        namespaces = look("/api/v1/namespaces", _labels_and_wishes)
        ingresses = look("/apis/networking.k8s.io/v1/ingresses", lambda item: (exposed_ingress(item), of_ingress(item)))
        groups = pool.submit(unless_denied, partial(target_groups, cluster), [])
        hooks = [
            look(f"{_ADMISSION}/{kind.lower()}s", partial(_webhooks, kind=kind))
            for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
        ]
        reading = OutsideReading(cluster, pool)
        leases = look("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", _as_it_is)
        api_services = look("/apis/apiregistration.k8s.io/v1/apiservices", _answered_by)
        kube_proxy = pool.submit(unless_denied, lambda: cluster.find(_KUBE_PROXY), None)
        waited_for = pool.submit(not_ready, cluster, focus.required)
        going = [pool.submit(look_at, cluster, each, cilium_namespace=cilium_namespace) for each in aims.removals]
        node_config_versions = pool.submit(served_node_config_versions, cluster)
        live = pool.submit(read_live_config, cluster, namespace=cilium_namespace)
        release = pool.submit(
            unless_denied, partial(newest_revision, cluster, name=RELEASE, namespace=cilium_namespace), None
        )
        keys = pool.submit(_has_secret, cluster, cilium_namespace, focus.ipsec_secret) if focus.ipsec_secret else None
        own = pool.submit(lambda: sources.objects(cluster, daemon_sets.result()))
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
        aims = _with_source(aims, record or {}, daemon_sets.result(), sources)
        kinds = partial(sources.kinds, cluster, daemon_sets.result())
        missing = denied(cluster, cilium_namespace=cilium_namespace, own_kinds=kinds, aims=aims)
    besides: list[Server] = [each for kinds in hooks for _, found in kinds.result() for each in found]
    besides += [each for _, found in ingresses.result() for each in found]
    outside = reading.result([*besides, *of_kube_proxy(kube_proxy.result())])
    return Snapshot(
        other_run=other.result(),
        nodes=tuple(node for node, _ in nodes.result()),
        pods=tuple(pods.result()),
        budgets=tuple(budgets.result()),
        supplies=supplies,
        daemon_sets=tuple(daemon_sets.result()),
        config_maps=tuple(config_maps),
        service_networks=tuple(service_networks.result()),
        cilium_pools=dict(cilium_nodes.result()),
        cilium_config=live.result(),
        release=release.result(),
        node_configs=len(node_configs.result()),
        record=record,
        strategy=data.get(RECORD, {}).get("strategy", ""),
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
        calico=own.result(),
        admin_policies=by_discovery.result().of_administrators,
        unknown_kinds=by_discovery.result().unknown,
        policy_watchers=watchers(roles.result(), bindings.result()),
        translations=tuple(item for each in ciliums for item in each.result()),
        namespaces={name: labels for name, labels, _ in namespaces.result()},
        namespace_wishes={name: asked for name, _, asked in namespaces.result() if asked},
        exposed_ingresses=(*(exposed for exposed, _ in ingresses.result() if exposed), *groups.result()),
        webhooks=tuple(hook for each in hooks for found, _ in each.result() for hook in found),
        converters=outside.converters,
        named_addresses=outside.addresses,
        named_hosts=outside.hosts,
        unread_pools=outside.unread,
        kube_proxy_mode=_mode_of(kube_proxy.result()),
        clock_skews=clock_skews(leases.result()),
        denied=missing,
        not_ready=waited_for.result(),
        removals=tuple(each.result() for each in going),
        tried=tried.result() if tried else Tried(),
        ipsec_keys=keys.result() if keys else None,
    )


def _with_source(aims: Aims, record: Mapping[str, Any], daemon_sets: Sequence[Object], sources: KnownSources) -> Aims:
    """The same with the rights for the old CNI that `preflight` wrote down, as long as it is there."""
    place = record.get("namespace", ""), record.get("daemon_set", "")
    if place not in {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in daemon_sets}:
        return aims
    return replace(aims, source=sources.rights(record), home=place[0], prepares=sources.prepares(record))


def _has_secret(cluster: Cluster, namespace: str, name: str) -> bool | None:
    """True if the Secret is there, without its contents; None where the user may not look."""
    path = f"/api/v1/namespaces/{namespace}/secrets"
    found = unless_denied(
        lambda: cluster.read_all(path, _as_it_is, metadata_only=True, fieldSelector=f"metadata.name={name}"), None
    )
    return None if found is None else bool(found)


def _answered_by(item: Object) -> tuple[str, str, str] | None:
    """(name, namespace, Service) of an APIService that a Service of the cluster answers."""
    service = (item.get("spec") or {}).get("service")
    return (item["metadata"]["name"], service["namespace"], service["name"]) if service else None


def _as_it_is(item: Object) -> Object:
    return item


def _labels_and_wishes(item: Object) -> tuple[str, Mapping[str, str], Mapping[str, str]]:
    metadata = item["metadata"]
    return metadata["name"], metadata.get("labels") or {}, wishes(metadata.get("annotations") or {})


def _webhooks(item: Object, *, kind: str) -> tuple[list[Webhook], list[Server]]:
    """(webhooks that new pods need, servers of webhooks that are called by URL)."""
    return required_for_pods(item, kind=kind), of_webhooks(item)


def _service_networks(cluster: Cluster) -> list[str]:
    """All Service ranges, in the first API version that serves them; before Kubernetes 1.33 that was a beta."""
    for version in ("v1", "v1beta1"):
        found = cluster.read_all(f"/apis/networking.k8s.io/{version}/servicecidrs", lambda item: item.get("spec") or {})
        if found:
            return [network for spec in found for network in spec.get("cidrs") or []]
    return []


def _pool_of(item: Object) -> tuple[str, tuple[str, ...]]:
    return item["metadata"]["name"], tuple((item.get("spec", {}).get("ipam") or {}).get("podCIDRs") or ())


def _mode_of(config_map: Object | None) -> str:
    """kube-proxy's mode as kubeadm writes it; empty for the default, or if it is not known."""
    text = ((config_map or {}).get("data") or {}).get("config.conf", "")
    found = _KUBE_PROXY_MODE.search(text)
    return found[1] if found else ""


def _source_config_maps(cluster: Cluster, daemon_sets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ConfigMaps that DaemonSets on the host network mount or read variables from, among them a CNI's settings."""
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
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        for source in container.get("envFrom") or []:
            yield (source.get("configMapRef") or {}).get("name", "")
        for variable in container.get("env") or []:
            yield ((variable.get("valueFrom") or {}).get("configMapKeyRef") or {}).get("name", "")
