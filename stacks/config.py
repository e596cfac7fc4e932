"""The typed stack config: what a user may set, with defaults, and one clear line for each thing that is wrong."""

import ipaddress
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from stacks.flows import FlowKind
from stacks.labels import parse_selector
from stacks.phases import Phase
from stacks.section import Section
from stacks.source import SourceSettings

NodeName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]
WorkloadName = Annotated[
    str, StringConstraints(pattern=r"^(DaemonSet|Deployment|StatefulSet) [a-z0-9][-a-z0-9]*/[a-z0-9][-a-z0-9.]*$")
]
Seconds = Annotated[int, Field(gt=0, le=86_400)]


TunnelProtocol = Literal["vxlan", "geneve"]


class ConfigError(Exception):
    """The stack config cannot be used; the text has one line for each thing to mend."""


class RestartMethod(StrEnum):
    """How the pods of a node come to the new network once its agent has taken over."""

    RECYCLE = "recycle"
    REBOOT = "reboot"
    COMMAND = "command"
    NONE = "none"


def _network(text: str, *, such_as: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"'{text}' is not a network such as {such_as} ({error})") from error


class CiliumSettings(Section):
    """Which Cilium is installed, and the network that it makes; what is None is chosen by `stacks.settle`."""

    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+([-+.].+)?$")] = "1.19.7"
    chart: str = "cilium"
    repository: str = "https://helm.cilium.io/"
    namespace: str = "kube-system"
    pod_cidr: str | None = None
    node_mask_size: Annotated[int, Field(ge=8, le=30)] | None = None
    pod_cidr_v6: str | None = None
    tunnel_protocol: TunnelProtocol | None = None
    tunnel_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    values: dict[str, Any] = Field(default_factory=dict)
    final_values: dict[str, Any] = Field(default_factory=dict)
    timeout_seconds: Seconds = 600

    @field_validator("pod_cidr")
    @classmethod
    def _is_network(cls, text: str | None) -> str | None:
        if text is not None and _network(text, such_as="10.245.0.0/16").version != 4:
            raise ValueError(f"'{text}' is IPv6; this strategy needs an IPv4 pool")
        return text

    @field_validator("pod_cidr_v6")
    @classmethod
    def _is_network_v6(cls, text: str | None) -> str | None:
        if text is not None and _network(text, such_as="fd00:10:245::/104").version != 6:
            raise ValueError(f"'{text}' is IPv4; set it as cilium.podCidr")
        return text

    @model_validator(mode="after")
    def _mask_fits(self) -> "CiliumSettings":
        if self.pod_cidr is None or self.node_mask_size is None:
            return self
        if self.node_mask_size <= ipaddress.ip_network(self.pod_cidr).prefixlen:
            raise ValueError(f"nodeMaskSize {self.node_mask_size} leaves no room for several nodes in {self.pod_cidr}")
        return self


class DrainSettings(Section):
    """How a node is emptied; the names and meanings are those of `kubectl drain` where it has them."""

    timeout_seconds: Seconds = 600
    grace_period_seconds: Annotated[int, Field(ge=0)] | None = None
    pod_selector: str = ""
    force: bool = False
    delete_empty_dir_data: bool = False
    disable_eviction: bool = False
    skip_wait_for_delete_seconds: Annotated[int, Field(ge=0)] = 0
    wait_for_replacements: bool = True
    replacements_timeout_seconds: Seconds = 300
    in_place: bool = False

    @field_validator("pod_selector")
    @classmethod
    def _is_selector(cls, text: str) -> str:
        parse_selector(text)
        return text


class RestartSettings(Section):
    """What happens to a node between the agent's restart and the verification."""

    method: RestartMethod = RestartMethod.RECYCLE
    command: str = ""
    timeout_seconds: Seconds = 600

    @model_validator(mode="after")
    def _command_fits(self) -> "RestartSettings":
        if self.method is RestartMethod.COMMAND and "{node}" not in self.command:
            raise ValueError("method 'command' needs `command` with {node} in it, such as 'docker restart {node}'")
        if self.method is not RestartMethod.COMMAND and self.command:
            raise ValueError(f"`command` is set but method is '{self.method}': set method to 'command' or remove it")
        return self


class GateSettings(Section):
    """What must hold before a node's turn begins, besides the cluster itself."""

    prometheus_url: str = ""
    ignore_alerts: str = "Watchdog|InfoInhibitor"
    goldpinger_url: str = ""

    @field_validator("ignore_alerts")
    @classmethod
    def _is_expression(cls, text: str) -> str:
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(f"'{text}' is not a regular expression ({error})") from error
        return text


class PreflightSettings(Section):
    """What must be there and ready before anything is changed: `DaemonSet kube-system/foo`."""

    required: list[WorkloadName] = Field(default_factory=list)


class ProbeSettings(Section):
    """The probe's pods; any stock image with Python 3.9 or later and /bin/sh will do."""

    image: str = "python:3.13-slim"
    timeout_seconds: Seconds = 120


class Allowance(Section):
    """What the flows of one kind may lose in a wave: attempts of all of them, and the longest gap of any."""

    failed: Annotated[int, Field(ge=0)] = 0
    gap_ms: Annotated[float, Field(ge=0)] = 5000


def _budget() -> dict[FlowKind, Allowance]:
    """No request and no connection; name lookups and the API server are asked seldom, and by one try each."""
    seldom = Allowance(failed=3, gap_ms=10_000)
    return {kind: seldom if kind in ("dns", "api") else Allowance() for kind in get_args(FlowKind)}


class TrafficSettings(Section):
    """What the probe's flows may lose before and in a wave; a kind that is not in `budget` is not looked at."""

    enabled: bool = True
    baseline_seconds: Annotated[int, Field(ge=4, le=600)] = 20
    soak_seconds: Annotated[int, Field(ge=0, le=3600)] = 4
    deadline_seconds: Seconds = 120
    pause_ms: Annotated[float, Field(ge=0)] = 5000
    budget: dict[FlowKind, Allowance] = Field(default_factory=_budget)


class CleanupSettings(Section):
    """Consent to the point of no return: the name of the CNI that `cleanup` removes for good."""

    consent: str = ""


class StackConfig(Section):
    """Everything that the stack's config says, checked as far as that can be without a cluster."""

    strategy: Literal["hybrid"] = "hybrid"
    phase: Phase = Phase.PREFLIGHT
    source: SourceSettings | None = None
    waves: list[list[NodeName]] = Field(default_factory=list)
    cilium: CiliumSettings = Field(default_factory=CiliumSettings)
    drain: DrainSettings = Field(default_factory=DrainSettings)
    restart: RestartSettings = Field(default_factory=RestartSettings)
    gates: GateSettings = Field(default_factory=GateSettings)
    probe: ProbeSettings = Field(default_factory=ProbeSettings)
    traffic: TrafficSettings = Field(default_factory=TrafficSettings)
    cleanup: CleanupSettings = Field(default_factory=CleanupSettings)
    preflight: PreflightSettings = Field(default_factory=PreflightSettings)
    acknowledge: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def config_keys(cls) -> list[str]:
        """The stack's config keys, as a user writes them."""
        return [to_camel(name) for name in cls.model_fields]

    @property
    def nodes(self) -> list[str]:
        """Every node of every wave, in order."""
        return [node for wave in self.waves for node in wave]

    @field_validator("source", mode="before")
    @classmethod
    def _nothing_said(cls, source: Any) -> Any:
        return source or None

    @field_validator("acknowledge")
    @classmethod
    def _have_reasons(cls, acknowledged: dict[str, str]) -> dict[str, str]:
        for check, reason in acknowledged.items():
            if not reason.strip():
                raise ValueError(f"{check} has no reason: say why its findings do no harm here")
        return acknowledged

    @model_validator(mode="after")
    def _in_place_fits(self) -> "StackConfig":
        if self.drain.in_place and self.restart.method is not RestartMethod.RECYCLE:
            raise ValueError(
                f"drain.inPlace renews the pods one by one, restart.method '{self.restart.method}' all at once: set "
                "restart.method to 'recycle' or drain.inPlace to false"
            )
        return self

    @model_validator(mode="after")
    def _waves_make_sense(self) -> "StackConfig":
        seen: dict[str, int] = {}
        for number, wave in enumerate(self.waves):
            if not wave:
                raise ValueError(f"wave {number} is empty: name a node in it or remove it")
            for node in wave:
                if node in seen:
                    raise ValueError(f"node {node} is listed twice, in waves {seen[node]} and {number}: keep one")
                seen[node] = number
        if self.nodes and not self.phase.includes(Phase.SECONDARY):
            raise ValueError(
                f"waves name {', '.join(self.nodes)} but phase is '{self.phase}': nodes move only once Cilium is "
                "installed; empty the waves to take the nodes back, or set phase to 'secondary' or later"
            )
        return self


def _location(path: tuple[int | str, ...]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def parse_config(raw: Mapping[str, Any]) -> StackConfig:
    """Read the stack's own config keys (camel case, values as the engine hands them over: JSON text or plain).

    Raises ConfigError with one line for each fault.
    """
    known = StackConfig.config_keys()
    values: dict[str, Any] = {}
    lines: list[str] = []
    for key, value in raw.items():
        if key not in known:
            lines.append(f"config {key}: there is no such setting; the settings are {', '.join(sorted(known))}")
            continue
        is_json = isinstance(value, str) and value.strip()[:1] in ("{", "[")
        try:
            values[key] = json.loads(value) if is_json else value
        except ValueError as error:
            lines.append(f"config {key}: is not valid JSON ({error})")
    try:
        parsed = StackConfig.model_validate(values)
    except ValidationError as error:
        for fault in error.errors():
            place = _location(fault["loc"])
            said = fault["msg"].removeprefix("Value error, ")
            if fault["type"] == "extra_forbidden":
                said = "there is no such setting"
            elif fault["type"] == "enum":
                said = f"'{fault['input']}' is not one of {fault['ctx']['expected']}".replace(" or ", ", ")
            lines.append(f"config {place}: {said}" if place else f"config: {said}")
    if lines:
        raise ConfigError("\n".join(lines))
    return parsed
