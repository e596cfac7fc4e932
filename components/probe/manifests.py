"""The probe's manifests: pods that stay on their nodes, pods that drains evict, and Services for both."""

from typing import Any

from components.pods import OurPods
from components.probe import (
    ECHO_PORT,
    KEY_FOLDER,
    KEY_SECRET,
    LABELS,
    NAME,
    NAMESPACE,
    PORT,
    PROGRAMS,
    SERVICE_PORT,
    container,
    programs_volume,
    sources,
    version_of,
)

Manifest = dict[str, Any]
_COMPONENT = "app.kubernetes.io/component"
STAYING, MOVING = f"{NAME}-staying", f"{NAME}-moving"
MOVING_REPLICAS = 2
# A pod that moves is a target, of long connections too, and sends short requests from changing nodes. Its own long
# connections would end with it.
_MOVING_SETTINGS = {
    "staying_neighbours": 1,
    "moving_neighbours": 0,
    "echoes": False,
    "service_http_seconds": 2.0,
    "dns_seconds": 1.0,
    "api_seconds": 30.0,
}
_STAYING_SETTINGS = {"staying_neighbours": 2, "moving_neighbours": 1}
_GRACE_SECONDS = 10  # to keep serving until it is out of every Service, and to hand over its record


def _object(api_version: str, kind: str, name: str, **fields: Any) -> Manifest:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": LABELS}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def labels(component: str) -> dict[str, str]:
    """The labels of the pods that stay, or of those that move."""
    return {**LABELS, _COMPONENT: component.removeprefix(f"{NAME}-")}


def _template(
    component: str, pods: OurPods, settings: dict[str, Any], *, everywhere: bool = False, **spec: Any
) -> Manifest:
    return pods.template(
        _signing(container(settings)),
        labels=labels(component),
        annotations={"cni-live-migration/probe-version": version_of(sources())},
        everywhere=everywhere,
        enableServiceLinks=False,
        terminationGracePeriodSeconds=_GRACE_SECONDS,
        securityContext={"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        volumes=[
            programs_volume(),
            # Without the key a probe serves and measures, but hands over and inherits no records.
            {"name": "key", "secret": {"secretName": KEY_SECRET, "optional": True}},
        ],
        **spec,
    )


def _signing(container: dict[str, Any]) -> dict[str, Any]:
    """The container with the shared key mounted."""
    mount = {"name": "key", "mountPath": KEY_FOLDER, "readOnly": True}
    return {**container, "volumeMounts": [*container["volumeMounts"], mount]}


def programs() -> Manifest:
    """The ConfigMap of the pods' programs."""
    return _object("v1", "ConfigMap", PROGRAMS, data=sources())


def daemon_set(pods: OurPods) -> Manifest:
    """The DaemonSet: a pod on every node, which stays there during a drain."""
    spec = {
        "selector": {"matchLabels": labels(STAYING)},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "20%"}},
        "template": _template(STAYING, pods, _STAYING_SETTINGS, everywhere=True),
    }
    return _object("apps/v1", "DaemonSet", NAME, spec=spec)


def deployment(pods: OurPods) -> Manifest:
    """The Deployment: pods that drains evict like others, on different nodes if possible."""
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels(MOVING)},
    }
    spec = {
        "replicas": MOVING_REPLICAS,
        "selector": {"matchLabels": labels(MOVING)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}},
        "template": _template(MOVING, pods, _MOVING_SETTINGS, topologySpreadConstraints=[spread]),
    }
    return _object("apps/v1", "Deployment", MOVING, spec=spec)


def budget() -> Manifest:
    """The PodDisruptionBudget of the pods that move, as for any Service that a wave must not interrupt."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": labels(MOVING)}}
    return _object("policy/v1", "PodDisruptionBudget", MOVING, spec=spec)


def _ports() -> list[Manifest]:
    return [
        {"name": "http", "port": SERVICE_PORT, "targetPort": PORT, "protocol": "TCP"},
        {"name": "echo", "port": ECHO_PORT, "targetPort": ECHO_PORT, "protocol": "TCP"},
    ]


def service() -> Manifest:
    """The Service of the pods that move; the others are not drained, and would end with a restarting node."""
    return _object("v1", "Service", NAME, spec={"selector": labels(MOVING), "ports": _ports()})


def names(component: str) -> Manifest:
    """The headless Service of one kind of pods, Ready or not, so that neighbours see a failing pod too."""
    spec = {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": labels(component),
        "ports": _ports(),
    }
    return _object("v1", "Service", component, spec=spec)


def network_policy() -> Manifest:
    """The NetworkPolicy that admits only the probe's two ports.

    Any source is allowed: the old CNI may see a pod of the new one with its node's address, and a scraper may be
    anywhere.
    """
    ports = [{"port": port, "protocol": "TCP"} for port in (PORT, ECHO_PORT)]
    spec = {"podSelector": {"matchLabels": LABELS}, "policyTypes": ["Ingress"], "ingress": [{"ports": ports}]}
    return _object("networking.k8s.io/v1", "NetworkPolicy", NAME, spec=spec)


def manifests(pods: OurPods) -> list[Manifest]:
    """All manifests, in an order in which they can be applied."""
    return [
        programs(),
        service(),
        names(STAYING),
        names(MOVING),
        network_policy(),
        budget(),
        daemon_set(pods),
        deployment(pods),
    ]
