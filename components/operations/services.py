"""Services, as far as a change of the network touches them."""

from collections.abc import Mapping
from dataclasses import dataclass

from components.operations.selectors import Object


@dataclass(frozen=True, kw_only=True)
class Service:
    """One Service."""

    namespace: str
    name: str
    addresses: tuple[str, ...]
    families: tuple[str, ...]
    balanced: bool
    local_only: bool
    selector: Mapping[str, str]

    @classmethod
    def read(cls, item: Object) -> "Service":
        """From the API's JSON."""
        metadata, spec = item["metadata"], item.get("spec") or {}
        addresses = spec.get("clusterIPs") or [spec.get("clusterIP") or ""]
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            addresses=tuple(each for each in addresses if each not in ("", "None")),
            families=tuple(spec.get("ipFamilies") or ()),
            balanced=spec.get("type") == "LoadBalancer",
            local_only=spec.get("externalTrafficPolicy") == "Local",
            selector=spec.get("selector") or {},
        )

    @property
    def title(self) -> str:
        """`namespace/name`, as an operator would write it."""
        return f"{self.namespace}/{self.name}"
