"""Permissions for objects that Cilium's chart makes only with certain values (source: its templates, 1.16 to 1.20)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.operations.rights.permission_table import Place, Row

_KEEP = "get create patch delete"
_ON = (True, "true", "cronJob", "certmanager")
Rows = tuple[tuple[Place, Row], ...]
# By a value's path, with the value itself where there is a choice.
_PARTS: tuple[tuple[re.Pattern[str], Rows], ...] = (
    (re.compile(r"(.+\.)?serviceMonitor\.enabled=true"), (
        (Place.CILIUM, ("monitoring.coreos.com", "servicemonitors", _KEEP)),
    )),
    (re.compile(r"(.+\.)?podDisruptionBudget\.enabled=true"), (
        (Place.CILIUM, ("policy", "poddisruptionbudgets", _KEEP)),
    )),
    (re.compile(r"ingressController\.enabled=true"), (
        (Place.EVERYWHERE, ("networking.k8s.io", "ingressclasses", _KEEP)),
        (Place.CILIUM, ("discovery.k8s.io", "endpointslices", _KEEP)),
        (Place.CILIUM, ("", "endpoints", _KEEP)),
    )),
    (re.compile(r"gatewayAPI\.enabled=true"), (
        (Place.EVERYWHERE, ("gateway.networking.k8s.io", "gatewayclasses", _KEEP)),
        (Place.EVERYWHERE, ("admissionregistration.k8s.io",
                            "validatingadmissionpolicies validatingadmissionpolicybindings", _KEEP)),
    )),
    (re.compile(r"hubble\.ui\.ingress\.enabled=true"), (
        (Place.CILIUM, ("networking.k8s.io", "ingresses", _KEEP)),
    )),
    (re.compile(r"resourceQuotas\.enabled=true"), (
        (Place.CILIUM, ("", "resourcequotas", _KEEP)),
    )),
    (re.compile(r".+\.tls\.auto\.method=cronJob"), (
        (Place.CILIUM, ("batch", "cronjobs jobs", _KEEP)),
    )),
    (re.compile(r".+\.tls\.auto\.method=certmanager"), (
        (Place.CILIUM, ("cert-manager.io", "certificates", _KEEP)),
    )),
)  # fmt: skip


def chart_rights(*values: Mapping[str, Any]) -> Rows:
    """The additional permissions for sets of the chart's values, each once."""
    said = {each for one in values for each in _leaves(one, "")}
    found = [row for pattern, rows in _PARTS for row in rows if any(map(pattern.fullmatch, said))]
    return tuple(dict.fromkeys(found))


def _leaves(values: Mapping[str, Any], above: str) -> Iterator[str]:
    """PATH=VALUE of each value that is true, or a choice."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{key}.")
        elif isinstance(value, str | bool) and value in _ON:
            yield f"{above}{key}={str(value).lower() if value is True else value}"
