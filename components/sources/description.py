"""How every source CNI is described, whatever it is."""

from pydantic import BaseModel, ConfigDict


class SourceError(Exception):
    """The old CNI cannot be told; the text says what was looked at."""


class SourceDescription(BaseModel):
    """One old CNI as found on the cluster, with the evidence for it."""

    model_config = ConfigDict(frozen=True)

    kind: str
    title: str
    namespace: str
    daemon_set: str
    config_map: str
    pod_networks: tuple[str, ...]
    encapsulation: str
    udp_port: int | None
    vni: int | None
    interface: str
    evidence: tuple[str, ...]
