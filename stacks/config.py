"""The typed stack config: every setting with its default, and one error line for each fault."""

import ipaddress
import json
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic.alias_generators import to_camel

from stacks.config_errors import ConfigError, lines_of, not_one_of, unknown_key
from stacks.flows import FlowKind
from stacks.notation import forms
from stacks.notation.forms import Faults, KeyFault, pool_network
from stacks.notation.images import DEFAULT, placed
from stacks.notation.labels import parse_selector
from stacks.notation.objects import ObjectName, object_name
from stacks.sections.base import Section
from stacks.sections.gates import GateSettings
from stacks.sections.pods import PodSettings
from stacks.sections.source import KNOWN_KINDS, SourceSettings
from stacks.strategies import DEFAULT as DEFAULT_STRATEGY
from stacks.strategies import Milestone, Phase, Strategy, known_strategies, strategy_named

__all__ = ["ConfigError", "StackConfig", "parse_config"]
NodeName = Annotated[str, forms.NODE]
WorkloadName = Annotated[str, forms.WORKLOAD]
RemovedName = Annotated[str, AfterValidator(lambda text: object_name(text).title)]
MOST_SECONDS = 86_400
Seconds = Annotated[int, Field(gt=0, le=MOST_SECONDS)]
TunnelProtocol = Literal["vxlan", "geneve"]
Encryption = Literal["none", "wireguard", "ipsec"]


SECRETS_NAMESPACE = "cilium-secrets"  # the chart's own choice
_CHARTS_OWN = "ipsec"


class RestartMethod(StrEnum):
    """Ways to move a node's pods to the new network once its Cilium agent has taken over."""

    RECYCLE = "recycle"
    REBOOT = "reboot"
    COMMAND = "command"
    NONE = "none"


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


class DrainSettings(Section):
    """Settings of a node's drain; names and meanings are those of `kubectl drain` where it has the same option."""

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
    """Settings of the step that restarts a node's pods, between the agent's restart and the verification."""

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
        """All required and watched workloads, each once."""
        return list(dict.fromkeys([*self.required, *self.watched]))


class ProbeSettings(Section):
    """The probe's pods; any stock image with Python 3.9 or later and /bin/sh will do."""

    image: Annotated[str, forms.IMAGE] = DEFAULT
    timeout_seconds: Seconds = 120


class Allowance(Section):
    """The loss budget of one kind of flow in a wave: failed attempts of all its flows, and the longest gap of any."""

    failed: Annotated[int, Field(ge=0)] = 0
    gap_ms: Annotated[float, Field(ge=0)] = 5000


def _budget() -> dict[FlowKind, Allowance]:
    """Default budget: no failed attempt, but three for `dns` and `api` flows, which try rarely and do not retry."""
    seldom = Allowance(failed=3, gap_ms=10_000)
    return {kind: seldom if kind in ("dns", "api") else Allowance() for kind in get_args(FlowKind)}


_OFF: tuple[Any, ...] = ("off", False)  # PyYAML reads the word as the second


class TrafficSettings(Section):
    """Limits of traffic loss before and during a wave; a kind of flow that is `off` in `budget` is not judged."""

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
    """Consent to the point of no return: the name of the CNI that `cleanup` removes; and further objects to remove."""

    consent: str = ""
    remove: list[RemovedName] = Field(default_factory=list)

    @property
    def objects(self) -> list[ObjectName]:
        """Further objects that `cleanup` removes."""
        return [object_name(each) for each in self.remove]


class PolicySettings(Section):
    """Accepted changes to network policies; `accept_lost` names each policy that no Cilium policy can express."""

    accept_unenforced_policies: bool = False
    accept_translated: bool = False
    accept_lost: list[str] = Field(default_factory=list)
    bridge: bool = False

    @property
    def beside_the_old(self) -> bool:
        """True if the old policy engine gets additional policies that let moved pods through while nodes move."""
        return self.bridge or self.accept_unenforced_policies


def _first_phase(strategy: str) -> str:
    """The phase of a config that names none; of our own strategy where the one named is refused anyway."""
    try:
        return strategy_named(strategy).phases[0].name
    except (KeyError, ValueError):
        return DEFAULT_STRATEGY.phases[0].name


class StackConfig(Section):
    """Everything that the stack's config says, checked as far as that can be without a cluster."""

    strategy: str = DEFAULT_STRATEGY.name
    phase: str = Field(default_factory=lambda data: _first_phase(data.get("strategy", "")))
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
    def chosen_strategy(self) -> Strategy:
        """The strategy that the config names."""
        return strategy_named(self.strategy)

    @property
    def chosen_phase(self) -> Phase:
        """The phase that the config names."""
        return self.chosen_strategy.phase(self.phase)

    @property
    def milestone(self) -> Milestone:
        """The milestone that the stack's phase brings the cluster to."""
        return self.chosen_phase.milestone

    def reaches(self, milestone: Milestone) -> bool:
        """True if a stack in this phase has passed the milestone, or is at it."""
        return self.milestone.includes(milestone)

    def reaches_phase(self, name: str) -> bool:
        """True if a stack in this phase has the resources of that phase of its strategy as well."""
        strategy = self.chosen_strategy
        return strategy.position(self.phase) >= strategy.position(name)

    @property
    def nodes(self) -> list[str]:
        """Every node of every wave, in order."""
        return [node for wave in self.waves for node in wave]

    @property
    def image(self) -> str:
        """The image of all of the program's pods, in the registry that it is pulled from."""
        return placed(self.probe.image, registry=self.pods.registry)

    @field_validator("strategy")
    @classmethod
    def _is_offered(cls, name: str) -> str:
        try:
            strategy_named(name)
        except KeyError:
            raise ValueError(not_one_of(name, known_strategies())) from None
        return name

    @field_validator("phase")
    @classmethod
    def _is_of_strategy(cls, name: str, info: ValidationInfo) -> str:
        if "strategy" in info.data:
            known = strategy_named(info.data["strategy"]).names
            if name not in known:
                raise ValueError(not_one_of(name, known))
        return name

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
        moves = self.chosen_strategy.first_with_waves
        if self.nodes and not self.reaches_phase(moves.name):
            some = ", ".join(self.nodes[:5]) + (" …" if len(self.nodes) > 5 else "")
            text = (
                f"name {some}, but phase is '{self.phase}': nodes move only once Cilium is installed; empty the waves "
                f"to take the nodes back, or set phase to '{moves.name}' or later"
            )
            faults.append(KeyFault("waves", text))
        if faults:
            raise Faults(faults)
        return self


def parse_config(
    raw: Mapping[str, Any], *, secret: Collection[str] = (), source_kinds: Collection[str] = ()
) -> StackConfig:
    """Read the stack's own config keys (camel case, values as the engine hands them over: JSON text or plain).

    Raises ConfigError with one line for each fault; none shows a value of a `secret` key. `source_kinds` are the kinds
    of old CNIs that there are; without them any is taken, as of a config that was checked before.
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
                f"config {key}: is not valid JSON ({error}): `pulumi config rm {key}`, then set it anew, its settings "
                "one by one with --path"
            )
    try:
        parsed = StackConfig.model_validate(values, context={KNOWN_KINDS: source_kinds})
    except ValidationError as error:
        lines += lines_of(error, StackConfig, together=not lines, secret=secret)
    if lines:
        raise ConfigError("\n".join(" ".join(line.split()) for line in lines))
    return parsed
