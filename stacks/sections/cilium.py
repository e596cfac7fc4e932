"""The config section `cilium`: which Cilium is installed, and its network."""

import ipaddress
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from stacks.notation import forms
from stacks.notation.forms import KeyFault, pool_network
from stacks.sections.base import Section
from stacks.sections.seconds import Seconds

TunnelProtocol = Literal["vxlan", "geneve"]
Encryption = Literal["none", "wireguard", "ipsec"]
SECRETS_NAMESPACE = "cilium-secrets"  # the chart's own choice
_CHARTS_OWN = "ipsec"


class CiliumSettings(Section):
    """The Cilium release to install and its network; `stacks.settle` chooses whatever is None."""

    version: Annotated[str, forms.VERSION] = "1.19.7"
    chart: str = "cilium"
    repository: str = "https://helm.cilium.io/"
    namespace: Annotated[str, forms.NAMESPACE] = "kube-system"
    pod_cidr: str | None = None
    node_mask_size: Annotated[int, Field(ge=8, le=30)] | None = None
    pod_cidr_v6: str | None = None
    tunnel_protocol: TunnelProtocol | None = None
    tunnel_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    encryption: Encryption = "none"
    values: dict[str, Any] = Field(default_factory=dict)
    final_values: dict[str, Any] = Field(default_factory=dict)
    timeout_seconds: Seconds = 600

    @property
    def secrets_namespace(self) -> str:
        """The namespace that the chart makes for Cilium's copies of Secrets."""
        name = self._value("tls", "secretsNamespace", "name")
        return name if isinstance(name, str) else SECRETS_NAMESPACE

    @property
    def encrypts_with(self) -> str:
        """The kind of Cilium's transparent encryption, whichever key sets it; empty if there is none."""
        for kind in ("wireguard", "ipsec"):
            if str(self._value("extraConfig", f"enable-{kind}")).lower() == "true":
                return kind
        if str(self._value("encryption", "enabled")).lower() == "true":
            return str(
                self._value("encryption", "type") or (_CHARTS_OWN if self.encryption == "none" else self.encryption)
            )
        return "" if self.encryption == "none" else self.encryption

    @property
    def keys_needed(self) -> str:
        """The Secret with IPsec's keys, which must exist before the agents start; empty if they need none."""
        if self.encrypts_with != "ipsec":
            return ""
        name = self._value("encryption", "ipsec", "secretName")
        return name if isinstance(name, str) else "cilium-ipsec-keys"

    def _value(self, *keys: str) -> Any:
        found: Any = self.values
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    @field_validator("pod_cidr")
    @classmethod
    def _is_network(cls, text: str | None) -> str | None:
        if text is not None:
            pool_network(text)
        return text

    @field_validator("pod_cidr_v6")
    @classmethod
    def _is_network_v6(cls, text: str | None) -> str | None:
        if text is not None:
            pool_network(text, version=6)
        return text

    @model_validator(mode="after")
    def _mask_fits(self) -> "CiliumSettings":
        if self.pod_cidr is None or self.node_mask_size is None:
            return self
        if self.node_mask_size <= ipaddress.ip_network(self.pod_cidr).prefixlen:
            raise KeyFault(
                "nodeMaskSize",
                f"{self.node_mask_size} leaves no room for several nodes in podCidr {self.pod_cidr}: choose a larger "
                "nodeMaskSize or a larger network",
            )
        return self
