"""Services, with the fields that a change of the network affects."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from components.operations.addresses.direct_load_balancers import leads_to_pods, pods_leave_by
from components.operations.selectors import Object
from stacks.addresses import named_in

# Annotations that request a load balancer's address, or name the clients that it admits.
_ASKED = re.compile(r"(ips?|ipv[46]|addresse?s?|dns.*/target)$", re.IGNORECASE)
_CLIENTS = re.compile(r"source|allow|white-?list|inbound", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Service:
    """One Service; `leads_to_pods` is the annotation by which external clients are sent directly to its pods.

    `balanced_at` are addresses of its load balancer, given or requested, `clients` the only networks that it admits,
    `pods_leave_by` is the annotation that gives its pods the Service's address as source address.
    """

    namespace: str
    name: str
    addresses: tuple[str, ...]
    families: tuple[str, ...]
    balanced: bool
    local_only: bool
    selector: Mapping[str, str]
    leads_to_pods: str = ""
    pods_leave_by: str = ""
    external_addresses: tuple[str, ...] = ()
    balanced_at: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()

    @classmethod
    def read(cls, item: Object) -> "Service":
        """From the API's JSON."""
        metadata, spec = item["metadata"], item.get("spec") or {}
        addresses = spec.get("clusterIPs") or [spec.get("clusterIP") or ""]
        balanced = ((item.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
        given = [each.get("ip") for each in balanced]
        asked: list[str] = []
        clients = [*(spec.get("loadBalancerSourceRanges") or ())]
        for key, value in (metadata.get("annotations") or {}).items():
            named = [str(each) for each in named_in(value)] if "." in value or ":" in value else []
            if _CLIENTS.search(key):
                clients += named
            elif _ASKED.search(key):
                asked += named
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            addresses=tuple(each for each in addresses if each not in ("", "None")),
            families=tuple(spec.get("ipFamilies") or ()),
            balanced=spec.get("type") == "LoadBalancer",
            local_only=spec.get("externalTrafficPolicy") == "Local",
            selector=spec.get("selector") or {},
            leads_to_pods=leads_to_pods(item),
            pods_leave_by=pods_leave_by(item),
            external_addresses=tuple(spec.get("externalIPs") or ()),
            balanced_at=tuple(dict.fromkeys(each for each in (spec.get("loadBalancerIP"), *given, *asked) if each)),
            clients=tuple(clients),
        )

    @property
    def title(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"
