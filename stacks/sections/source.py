"""The config section `source`: names the old CNI, or describes the network of one that the program does not know."""

import ipaddress
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from stacks.notation.forms import KeyFault, matching
from stacks.sections.base import Section

GENERIC = "generic"
KNOWN_KINDS = "source_kinds"  # under which a validation is told the kinds that there are
Encapsulation = Literal["routes", "vxlan", "geneve", "ipip", "wireguard", "udp"]
Place = Annotated[
    str, matching(r"(?:[a-z0-9][-a-z0-9]*/[a-z0-9][-a-z0-9.]*)?", "NAMESPACE/NAME, such as kube-system/aws-node")
]
LinkName = Annotated[str, matching(r"[^\s/*]{1,15}", "the name of an interface such as cni0 (15 characters at most)")]
FileName = Annotated[str, matching(r"[-A-Za-z0-9_.]{3,}", "the name of a CNI conf file such as 10-aws.conflist")]


class SourceSettings(Section):
    """The old CNI as described by the user; if left out, it is detected. `mtu` is bytes, `daemonSet` NAMESPACE/NAME.

    `links` and `conf` are interfaces and CNI conf files on the nodes that `cleanup` removes.
    """

    kind: str = GENERIC
    title: str = "the old network"
    daemon_set: Place = ""
    pod_networks: list[str] = Field(default_factory=list)
    encapsulation: Encapsulation = "routes"
    udp_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    mtu: Annotated[int, Field(ge=576, le=65535)] | None = None
    policy_engine: str = ""
    links: list[LinkName] = Field(default_factory=list)
    conf: list[FileName] = Field(default_factory=list)

    @field_validator("kind")
    @classmethod
    def _is_known(cls, kind: str, info: ValidationInfo) -> str:
        known = list((info.context or {}).get(KNOWN_KINDS, ()))
        if known and kind not in known:
            raise PydanticCustomError("literal_error", "no such kind", {"known": known})
        return kind

    @field_validator("pod_networks")
    @classmethod
    def _are_networks(cls, networks: list[str]) -> list[str]:
        for text in networks:
            try:
                ipaddress.ip_network(text)
            except ValueError as error:
                raise ValueError(f"'{text}' is not a network such as 10.244.0.0/16 ({error})") from error
        return networks

    @model_validator(mode="after")
    def _fits(self) -> "SourceSettings":
        told = sorted(self.model_fields_set - {"kind"})
        if self.kind != GENERIC and told:
            raise KeyFault("kind", f"'{self.kind}' is described by the cluster itself: only 'generic' takes more keys")
        if self.kind == GENERIC and not self.pod_networks:
            raise KeyFault("podNetworks", "is needed for kind 'generic': the networks that pods have addresses from")
        if self.encapsulation in ("vxlan", "geneve") and self.kind == GENERIC and self.udp_port is None:
            raise KeyFault(
                "udpPort", f"is needed for encapsulation '{self.encapsulation}', so that Cilium's can be another"
            )
        return self
