"""Addresses that pods have in networks beside the cluster's own, as Multus writes them down."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from stacks.addresses import Network, address_of

_STATUS, _WISHES = "k8s.v1.cni.cncf.io/network-status", "k8s.v1.cni.cncf.io/networks"
_OLD_STATUS = "k8s.v1.cni.cncf.io/networks-status"


def further_addresses(annotations: Mapping[str, str]) -> tuple[Network, ...]:
    """Addresses that a pod has or requests there; those of the cluster's own network are left out."""
    return tuple(
        dict.fromkeys(
            network
            for key in (_STATUS, _OLD_STATUS, _WISHES)
            for each in _listed(annotations.get(key, ""))
            if not each.get("default")
            for text in each.get("ips") or []
            if (network := address_of(str(text))) is not None
        )
    )


def _listed(text: str) -> Iterator[Mapping[str, Any]]:
    if not text.lstrip().startswith("["):
        return
    try:
        found = json.loads(text)
    except ValueError:
        return
    yield from (each for each in found if isinstance(each, Mapping))
