"""The config section `pods`: settings of all of the program's pods, for clusters that make demands on pods."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from stacks.notation import forms
from stacks.notation.forms import Faults, KeyFault, shown
from stacks.notation.labels import is_key, is_value
from stacks.notation.quantities import amount
from stacks.sections.base import Section

# The program finds its own pods by these; the controllers of Kubernetes find theirs by _CONTROLLERS.
OUR_KEYS = frozenset({"app.kubernetes.io/name", "app.kubernetes.io/part-of", "app.kubernetes.io/component"})
OUR_DOMAIN = "cni-live-migration"
_CONTROLLERS = frozenset({"pod-template-hash", "controller-revision-hash", "pod-template-generation"})
_STATIC_PODS = "kubernetes.io/config."
_MOST_ANNOTATED = 256 * 1024
_PLAIN_RESOURCES = ("cpu", "memory", "ephemeral-storage")
_LEAST_BYTES = 1024**2
# The probe's defaults, which pods.resources overrides.
PROBE_REQUESTS: Mapping[str, str] = {"cpu": "20m", "memory": "32Mi"}
PROBE_LIMITS: Mapping[str, str] = {"memory": "64Mi"}


def _as_text(given: Any) -> Any:
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    return f"{given:g}" if is_number and given < 1e6 else str(given) if is_number else given


def _is_amount(text: str) -> str:
    amount(text)
    return text


Amount = Annotated[str, BeforeValidator(_as_text), AfterValidator(_is_amount)]
Amounts = dict[str, Amount]


class Resources(Section):
    """Requests and limits of each container, by the names that Kubernetes gives them."""

    requests: Amounts = Field(default_factory=dict)
    limits: Amounts = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_had(self) -> "Resources":
        faults = [
            KeyFault(f"{part}.{name}", text)
            for part, amounts in (("requests", self.requests), ("limits", self.limits))
            for name, given in amounts.items()
            if (text := _fault_of_amount(name, given))
        ]
        faults = faults or list(self._contradictions())
        if faults:
            raise Faults(faults)
        return self

    def _contradictions(self) -> Iterator[KeyFault]:
        """Requests above limits, including the probe's defaults that the config does not override."""
        requests, limits = {**PROBE_REQUESTS, **self.requests}, {**PROBE_LIMITS, **self.limits}
        for name in sorted(requests.keys() & limits.keys()):
            request, limit = requests[name], limits[name]
            if amount(request) <= amount(limit):
                continue
            if name not in self.requests:
                text = f"is {limit}, below the probe's request of {request}: set pods.resources.requests.{name} too"
                yield KeyFault(f"limits.{name}", text)
            elif name not in self.limits:
                text = f"is {request}, above the probe's limit of {limit}: set pods.resources.limits.{name} too"
                yield KeyFault(f"requests.{name}", text)
            else:
                text = f"is {request}, above the limit of {limit}: lower it, or raise pods.resources.limits.{name}"
                yield KeyFault(f"requests.{name}", text)


def _fault_of_amount(name: str, given: str) -> str:
    if name not in _PLAIN_RESOURCES and "/" not in name and not name.startswith("hugepages-"):
        return (
            f"there is no such resource; the resources are {', '.join(_PLAIN_RESOURCES)}, hugepages-SIZE and those of "
            "devices such as example.org/device"
        )
    if "/" in name and not is_key(name):
        return "is not the name of a resource such as example.org/device"
    if name in ("memory", "ephemeral-storage") and 0 < amount(given) < _LEAST_BYTES:
        return f"is {given}, which is less than a mebibyte: write it with its unit, such as 64Mi"
    return ""


class Toleration(Section):
    """A Kubernetes toleration."""

    key: str = ""
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""
    toleration_seconds: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> "Toleration":
        if self.key and not is_key(self.key):
            raise KeyFault("key", f"{shown(self.key)} is no key that a taint can have, such as example.org/dedicated")
        if not self.key and self.operator != "Exists":
            raise KeyFault("key", "is empty, which tolerates nothing: name a taint's key, or set operator to 'Exists'")
        if self.value and self.operator == "Exists":
            raise KeyFault("value", "is set, but operator is 'Exists', which asks for none: remove it")
        if not is_value(self.value):
            raise KeyFault("value", f"{shown(self.value)} is no value that a taint can have")
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            raise KeyFault("tolerationSeconds", "is for effect 'NoExecute' alone: set that, or remove this")
        return self

    @property
    def manifest(self) -> dict[str, Any]:
        """The toleration in the form of a pod's spec."""
        given = self.model_dump(by_alias=True, exclude_none=True)
        return {key: value for key, value in given.items() if value != ""}


SecretName = Annotated[str, forms.OBJECT]


class PodSettings(Section):
    """Settings of all of the program's pods: the probe, a node's verification, and the pods that run scripts on nodes.

    `resources` override the probe's own; `tolerations` are for pods that may run on any node, all others tolerate all.
    """

    registry: Annotated[str, forms.REGISTRY] = ""
    pull_secrets: list[SecretName] = Field(default_factory=list)
    priority_class: Annotated[str, forms.OBJECT_OR_NONE] = ""
    resources: Resources = Field(default_factory=Resources)
    tolerations: list[Toleration] = Field(default_factory=list)
    node_selector: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)

    @field_validator("pull_secrets")
    @classmethod
    def _named_once(cls, names: list[str]) -> list[str]:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"names {', '.join(twice)} twice: keep one")
        return names

    @model_validator(mode="after")
    def _are_legal(self) -> "PodSettings":
        faults = [
            *self._faults_of("nodeSelector", self.node_selector),
            *self._faults_of("labels", self.labels),
            *self._faults_of("annotations", self.annotations),
        ]
        if faults:
            raise Faults(faults)
        return self

    @staticmethod
    def _faults_of(setting: str, given: Mapping[str, str]) -> Iterator[KeyFault]:
        for key, value in given.items():
            if not is_key(key):
                text = (
                    f"{shown(key)} is no key that Kubernetes takes: letters, digits, '-', '_' and '.', at most 63, "
                    "after a domain and '/' if you like, such as example.org/team"
                )
            elif setting != "annotations" and not is_value(value):
                text = (
                    f"{key} is {shown(value)}, which is no value of a label: at most 63 letters, digits, '-', '_' and "
                    "'.', the first and last of which are letters or digits"
                )
            elif setting != "nodeSelector" and _is_taken(key):
                text = f"{key} is what the program or Kubernetes itself finds pods by: choose another key"
            else:
                continue
            yield KeyFault(setting, text)
        if setting == "annotations" and sum(len(f"{key}{value}".encode()) for key, value in given.items()) > (
            _MOST_ANNOTATED - 1024
        ):
            yield KeyFault(setting, "are more than the 256 KiB that Kubernetes takes: leave some out")


def _is_taken(key: str) -> bool:
    domain = key.rpartition("/")[0]
    return key in OUR_KEYS | _CONTROLLERS or domain == OUR_DOMAIN or key.startswith(_STATIC_PODS)
