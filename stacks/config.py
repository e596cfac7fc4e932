"""The typed stack config: what a user may set, with defaults, and one clear line for each thing that is wrong."""

import ipaddress
import json
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from stacks import forms
from stacks.config_errors import ConfigError, lines_of, unknown_key
from stacks.flows import FlowKind
from stacks.forms import Faults, KeyFault, pool_network
from stacks.gates import GateSettings
from stacks.images import DEFAULT, placed
from stacks.labels import parse_selector
from stacks.objects import ObjectName, object_name
from stacks.phases import Phase
from stacks.pods import PodSettings
from stacks.section import Section
from stacks.source import SourceSettings

__all__ = ["ConfigError", "StackConfig", "parse_config"]
NodeName = Annotated[str, forms.NODE]
WorkloadName = Annotated[str, forms.WORKLOAD]
RemovedName = Annotated[str, AfterValidator(lambda text: object_name(text).title)]
MOST_SECONDS = 86_400
Seconds = Annotated[int, Field(gt=0, le=MOST_SECONDS)]
TunnelProtocol = Literal["vxlan", "geneve"]


SECRETS_NAMESPACE = "cilium-secrets"  # the chart's own choice


class RestartMethod(StrEnum):
    """How the pods of a node come to the new network once its agent has taken over."""

    RECYCLE = "recycle"
    REBOOT = "reboot"
    COMMAND = "command"
    NONE = "none"


class CiliumSettings(Section):
    """Which Cilium is installed, and the network that it makes; what is None is chosen by `stacks.settle`."""

    version: Annotated[str, forms.VERSION] = "1.19.7"
    chart: str = "cilium"
    repository: str = "https://helm.cilium.io/"
    namespace: Annotated[str, forms.NAMESPACE] = "kube-system"
    pod_cidr: str | None = None
    node_mask_size: Annotated[int, Field(ge=8, le=30)] | None = None
    pod_cidr_v6: str | None = None
    tunnel_protocol: TunnelProtocol | None = None
    tunnel_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    values: dict[str, Any] = Field(default_factory=dict)
    final_values: dict[str, Any] = Field(default_factory=dict)
    timeout_seconds: Seconds = 600

    @property
    def secrets_namespace(self) -> str:
        """The namespace that the chart makes for Cilium's copies of Secrets."""
        tls = self.values.get("tls")
        section = tls.get("secretsNamespace") if isinstance(tls, dict) else None
        name = section.get("name") if isinstance(section, dict) else None
        return name if isinstance(name, str) else SECRETS_NAMESPACE

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
            raise KeyFault(
                "command", "has no {node} in it, which method 'command' needs: such as 'docker restart {node}'"
            )
        if self.method is not RestartMethod.COMMAND and self.command:
            raise KeyFault("command", f"is set, but method is '{self.method}': set method to 'command' or remove it")
        return self


class PreflightSettings(Section):
    """Workloads such as `DaemonSet kube-system/foo` that must be ready before anything is changed.

    Those that are `watched` must also be ready again after each node's turn.
    """

    required: list[WorkloadName] = Field(default_factory=list)
    watched: list[WorkloadName] = Field(default_factory=list)
    watched_timeout_seconds: Seconds = 300

    @property
    def named(self) -> list[str]:
        """All of them, each once."""
        return list(dict.fromkeys([*self.required, *self.watched]))


class ProbeSettings(Section):
    """The probe's pods; any stock image with Python 3.9 or later and /bin/sh will do."""

    image: Annotated[str, forms.IMAGE] = DEFAULT
    timeout_seconds: Seconds = 120


class Allowance(Section):
    """What the flows of one kind may lose in a wave: attempts of all of them, and the longest gap of any."""

    failed: Annotated[int, Field(ge=0)] = 0
    gap_ms: Annotated[float, Field(ge=0)] = 5000


def _budget() -> dict[FlowKind, Allowance]:
    """No request and no connection; name lookups and the API server are asked seldom, and by one try each."""
    seldom = Allowance(failed=3, gap_ms=10_000)
    return {kind: seldom if kind in ("dns", "api") else Allowance() for kind in get_args(FlowKind)}


_OFF: tuple[Any, ...] = ("off", False)  # PyYAML reads the word as the second


class TrafficSettings(Section):
    """Limits of the losses before and in a wave; a kind of flow that is `off` in `budget` is not looked at."""

    enabled: bool = True
    baseline_seconds: Annotated[int, Field(ge=4, le=600)] = 20
    soak_seconds: Annotated[int, Field(ge=0, le=3600)] = 4
    deadline_seconds: Seconds = 120
    pause_ms: Annotated[float, Field(ge=0)] = 5000
    budget: dict[FlowKind, Allowance] = Field(default_factory=_budget)

    @field_validator("budget", mode="before")
    @classmethod
    def _laid_over_defaults(cls, said: Any) -> Any:
        if not isinstance(said, Mapping):
            return said
        known: dict[str, Any] = {kind: each.model_dump(by_alias=True) for kind, each in _budget().items()}
        for kind, value in said.items():
            if kind in known and value in _OFF:
                del known[kind]
            else:
                both = isinstance(value, Mapping) and kind in known
                known[kind] = {**known[kind], **value} if both else value
        return known


class CleanupSettings(Section):
    """Consent to the point of no return, the name of the CNI that `cleanup` removes; and what else goes with it."""

    consent: str = ""
    remove: list[RemovedName] = Field(default_factory=list)

    @property
    def objects(self) -> list[ObjectName]:
        """What else goes."""
        return [object_name(each) for each in self.remove]


class PolicySettings(Section):
    """What may become of network policies; `accept_lost` names those that no Cilium policy can say, one by one."""

    accept_unenforced_policies: bool = False
    accept_translated: bool = False
    accept_lost: list[str] = Field(default_factory=list)
    bridge: bool = False


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
    pods: PodSettings = Field(default_factory=PodSettings)
    traffic: TrafficSettings = Field(default_factory=TrafficSettings)
    cleanup: CleanupSettings = Field(default_factory=CleanupSettings)
    preflight: PreflightSettings = Field(default_factory=PreflightSettings)
    policies: PolicySettings = Field(default_factory=PolicySettings)
    hold_autoscalers: bool = False
    acknowledge: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def config_keys(cls) -> list[str]:
        """The stack's config keys, as a user writes them."""
        return [to_camel(name) for name in cls.model_fields]

    @property
    def nodes(self) -> list[str]:
        """Every node of every wave, in order."""
        return [node for wave in self.waves for node in wave]

    @property
    def image(self) -> str:
        """The image of all of our pods, in the registry that it is to be pulled from."""
        return placed(self.probe.image, registry=self.pods.registry)

    @field_validator("source", mode="before")
    @classmethod
    def _nothing_said(cls, source: Any) -> Any:
        return source or None

    @field_validator("acknowledge")
    @classmethod
    def _have_reasons(cls, acknowledged: dict[str, str]) -> dict[str, str]:
        empty = [check for check, reason in acknowledged.items() if not reason.strip()]
        if empty:
            text = "has no reason: say why its findings do no harm here"
            raise Faults([KeyFault(check, text) for check in empty])
        return acknowledged

    @model_validator(mode="after")
    def _in_place_fits(self) -> "StackConfig":
        if self.drain.in_place and self.restart.method is not RestartMethod.RECYCLE:
            raise KeyFault(
                "drain.inPlace",
                f"renews the pods one by one, restart.method '{self.restart.method}' all at once: set "
                "restart.method to 'recycle' or drain.inPlace to false",
            )
        return self

    @model_validator(mode="after")
    def _waves_make_sense(self) -> "StackConfig":
        faults: list[KeyFault] = []
        seen: dict[str, str] = {}
        for number, wave in enumerate(self.waves):
            if not wave:
                faults.append(KeyFault(f"waves[{number}]", "is empty: name a node in it or remove it"))
            for position, node in enumerate(wave):
                place = f"waves[{number}][{position}]"
                if node in seen:
                    faults.append(KeyFault(place, f"node {node} is in {seen[node]} already: keep one of the two"))
                seen.setdefault(node, place)
        if self.nodes and not self.phase.includes(Phase.SECONDARY):
            some = ", ".join(self.nodes[:5]) + (" …" if len(self.nodes) > 5 else "")
            text = (
                f"name {some}, but phase is '{self.phase}': nodes move only once Cilium is installed; empty the waves "
                "to take the nodes back, or set phase to 'secondary' or later"
            )
            faults.append(KeyFault("waves", text))
        if faults:
            raise Faults(faults)
        return self


def parse_config(raw: Mapping[str, Any], *, secret: Collection[str] = ()) -> StackConfig:
    """Read the stack's own config keys (camel case, values as the engine hands them over: JSON text or plain).

    Raises ConfigError with one line for each fault; none shows a value of a `secret` key.
    """
    known = StackConfig.config_keys()
    values: dict[str, Any] = {}
    lines: list[str] = []
    for key, value in raw.items():
        if key not in known:
            lines.append(unknown_key(key, StackConfig))
            continue
        is_json = isinstance(value, str) and value.strip()[:1] in ("{", "[")
        try:
            values[key] = json.loads(value) if is_json else value
        except ValueError as error:
            lines.append(
                f"config {key}: is not valid JSON ({error}): `pulumi config rm {key}`, then set it anew with "
                "`pulumi config set --path`"
            )
    try:
        parsed = StackConfig.model_validate(values)
    except ValidationError as error:
        lines += lines_of(error, StackConfig, together=not lines, secret=secret)
    if lines:
        raise ConfigError("\n".join(" ".join(line.split()) for line in lines))
    return parsed
