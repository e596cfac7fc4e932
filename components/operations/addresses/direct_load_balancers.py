"""Services and Ingresses whose load balancers send clients directly to pod addresses."""

import re

from components.operations.selectors import Object

_TARGETS = re.compile(r"(target|backend)-type$")
_PODS_THEMSELVES = ("ip", "eni", "pod")
_KIND, _TO_PODS = "aws-load-balancer-type", "nlb-ip"
_DIRECTLY = "/direct-access"
_CLASS, _GATEWAY = "kubernetes.io/ingress.class", "application-gateway"  # Azure's, which has no other way
_WAYS_OUT = ("kube-vip.io/egress", "k8s.ovn.org/egress-service")
_NO = ("", "false", "no", "0")
_ENDPOINT_GROUPS = "cloud.google.com/neg"
_PUBLISHED = re.compile(r"external-?dns.*/(hostname|internal-hostname)$")


def leads_to_pods(item: Object) -> str:
    """The annotation that requests it, with its value, or the Ingress class; empty if neither does."""
    spec = item.get("spec") or {}
    headless = spec.get("clusterIP") == "None"
    if (name := spec.get("ingressClassName") or "").endswith(_GATEWAY):
        return f"ingressClassName: {name}"
    for key, value in (item["metadata"].get("annotations") or {}).items():
        straight = _TARGETS.search(key) is not None and value.lower() in _PODS_THEMSELVES
        grouped = key == _ENDPOINT_GROUPS and ("true" in value or "exposed_ports" in value)
        named = (key.endswith(_KIND) and value == _TO_PODS) or (key == _CLASS and value.endswith(_GATEWAY))
        direct = key.endswith(_DIRECTLY) and value.lower() not in _NO
        if straight or grouped or named or direct or (headless and _PUBLISHED.search(key)):
            return f"{key}: {value}"
    return ""


def pods_leave_by(item: Object) -> str:
    """The annotation that gives a Service's pods its address as source address, with its value; empty if none."""
    found = (item["metadata"].get("annotations") or {}).items()
    return next((f"{key}: {value}" for key, value in found if key in _WAYS_OUT and value.lower() not in _NO), "")


def exposed_ingress(item: Object) -> str:
    """The title of an Ingress that leads directly to pods, with the reason; empty for others."""
    metadata, reason = item["metadata"], leads_to_pods(item)
    return f"Ingress {metadata['namespace']}/{metadata['name']} ({reason})" if reason else ""
