"""The typed stack config: every setting with its default, and one error line for each fault."""

import json
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic.alias_generators import to_camel

from stacks.config_errors import ConfigError, lines_of, not_one_of, unknown_key
from stacks.notation import forms
from stacks.notation.forms import Faults, KeyFault
from stacks.notation.images import DEFAULT, placed
from stacks.notation.objects import ObjectName, object_name
from stacks.sections.base import Section
from stacks.sections.cilium import CiliumSettings
from stacks.sections.gates import GateSettings
from stacks.sections.node import DrainSettings, RestartMethod, RestartSettings
from stacks.sections.pods import PodSettings
from stacks.sections.seconds import Seconds
from stacks.sections.source import KNOWN_KINDS, SourceSettings
from stacks.sections.traffic import TrafficSettings
from stacks.strategies import DEFAULT as DEFAULT_STRATEGY
from stacks.strategies import Milestone, Phase, Strategy, known_strategies, strategy_named

__all__ = ["ConfigError", "StackConfig", "parse_config"]
NodeName = Annotated[str, forms.NODE]
WorkloadName = Annotated[str, forms.WORKLOAD]
RemovedName = Annotated[str, AfterValidator(lambda text: object_name(text).title)]


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
