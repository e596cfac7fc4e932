"""ResourceQuotas and LimitRanges: whether the API server would admit a replacement."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from components.operations.demands.resource_totals import Amounts, read_amounts, together
from components.operations.demands.terms import NotKnownError
from components.operations.objects.model import Pod
from components.operations.selectors import Object

_COUNTS = ("pods", "count/pods")
_COMPUTE = ("cpu", "memory", "ephemeral-storage")


@dataclass(frozen=True, kw_only=True)
class Quota:
    """One ResourceQuota; `scopes` are (name, operator, values)."""

    namespace: str
    name: str
    hard: Amounts = field(default_factory=dict)
    used: Amounts = field(default_factory=dict)
    scopes: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    @classmethod
    def read(cls, item: Object) -> "Quota":
        """The quota in the API's JSON; CPU amounts are in thousandths of a core."""
        spec, status = item.get("spec") or {}, item.get("status") or {}
        chosen = (spec.get("scopeSelector") or {}).get("matchExpressions") or []
        return cls(
            namespace=item["metadata"]["namespace"],
            name=item["metadata"]["name"],
            hard=_read(status.get("hard") or spec.get("hard")),
            used=_read(status.get("used")),
            scopes=(
                *((name, "Exists", ()) for name in spec.get("scopes") or []),
                *(
                    (each.get("scopeName", ""), each.get("operator", ""), tuple(each.get("values") or ()))
                    for each in chosen
                ),
            ),
        )

    @property
    def title(self) -> str:
        """`ResourceQuota shop/small`."""
        return f"ResourceQuota {self.namespace}/{self.name}"

    def counts(self, pod: Pod) -> bool:
        """True if the quota counts the pod."""
        return pod.namespace == self.namespace and all(_in_scope(pod, *scope) for scope in self.scopes)

    def charge(self, pod: Pod) -> dict[str, int]:
        """The amounts that the pod uses of the quota, by the quota's names."""
        wanted = {f"requests.{name}": number for name, number in pod.demand.amounts.items()}
        wanted |= {name: pod.demand.amounts.get(name, 0) for name in _COMPUTE}
        wanted |= {f"limits.{name}": number for name, number in pod.demand.limits.items()}
        wanted |= dict.fromkeys(_COUNTS, 1)
        return {name: wanted[name] for name in self.hard if wanted.get(name)}

    def unsaid(self, pod: Pod) -> list[str]:
        """The resources that the quota limits and the pod does not set, for which the API server refuses it."""
        return [
            name for name in self.hard if _part(name) and any(not _says(each, name) for each in pod.demand.containers)
        ]


def _read(given: Object | None) -> dict[str, int]:
    cores = {key: text for key, text in (given or {}).items() if key in ("requests.cpu", "limits.cpu")}
    return {
        **read_amounts({key: text for key, text in (given or {}).items() if key not in cores}),
        **{key: read_amounts({"cpu": text})["cpu"] for key, text in cores.items()},
    }


def _part(name: str) -> str:
    """The resource that a pod must set if a quota limits it; empty for one that may stay unset."""
    resource = name.rpartition(".")[2] if name.startswith(("requests.", "limits.")) else name
    return resource if resource in ("cpu", "memory") else ""


def _says(container: tuple[Amounts, Amounts], name: str) -> bool:
    requests, limits = container
    return _part(name) in (limits if name.startswith("limits.") else requests)


def _in_scope(pod: Pod, name: str, operator: str, values: Sequence[str]) -> bool:
    demand = pod.demand
    simple = {
        "BestEffort": demand.best_effort,
        "NotBestEffort": not demand.best_effort,
        "Terminating": demand.ends_by_itself,
        "NotTerminating": not demand.ends_by_itself,
    }
    if name in simple:
        return simple[name]
    if name != "PriorityClass":
        raise NotKnownError(f"the scope {name} of a quota is not understood")
    found = demand.priority_class
    return {
        "In": found in values,
        "NotIn": found not in values,
        "Exists": bool(found),
        "DoesNotExist": not found,
    }.get(operator, False)


@dataclass(frozen=True, kw_only=True)
class LimitRange:
    """The limits of a namespace by kind (Container, Pod); `given` are the defaults for unset amounts."""

    namespace: str
    name: str
    given: frozenset[str] = frozenset()
    least: Mapping[str, Amounts] = field(default_factory=dict)
    most: Mapping[str, Amounts] = field(default_factory=dict)

    @classmethod
    def read(cls, item: Object) -> "LimitRange":
        """From the API's JSON."""
        limits = (item.get("spec") or {}).get("limits") or []
        return cls(
            namespace=item["metadata"]["namespace"],
            name=item["metadata"]["name"],
            given=frozenset(name for each in limits if each.get("type") == "Container" for name in _filled_in(each)),
            least={each.get("type", ""): read_amounts(each.get("min")) for each in limits},
            most={each.get("type", ""): read_amounts(each.get("max")) for each in limits},
        )

    def refusals(self, pod: Pod) -> Iterator[str]:
        """Each limit that the pod violates, for which the API server would not create it again."""
        if pod.namespace != self.namespace:
            return
        whole = (pod.demand.amounts, pod.demand.limits)
        for kind, subjects in (("Container", pod.demand.containers), ("Pod", (whole,))):
            # A container's unset amounts get defaults, a pod's are refused.
            open_ = kind == "Container"
            for name, number in self.least.get(kind, {}).items():
                if any(asked.get(name, number if open_ else 0) < number for asked, _ in subjects):
                    yield f"LimitRange {self.namespace}/{self.name} wants more {name} of each {kind.lower()}"
            for name, number in self.most.get(kind, {}).items():
                if any(max(asked.get(name, 0), limit.get(name, 0)) > number for asked, limit in subjects) or not (
                    open_ or name in whole[1]
                ):
                    yield f"LimitRange {self.namespace}/{self.name} allows less {name} for each {kind.lower()}"


def _filled_in(limit: Object) -> Iterator[str]:
    for key in ("max", "default"):
        for name in limit.get(key) or {}:
            yield from (name, f"limits.{name}", f"requests.{name}")
    for key in ("min", "defaultRequest"):
        for name in limit.get(key) or {}:
            yield from (name, f"requests.{name}")


@dataclass
class Accounts:
    """The use of all quotas while pods go and their replacements come."""

    quotas: Sequence[Quota]
    limits: Sequence[LimitRange]
    charged: dict[str, dict[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.charged = {quota.title: dict(quota.used) for quota in self.quotas}

    def gone(self, pod: Pod) -> None:
        """Stop counting the pod."""
        for quota in self._of(pod):
            back = {name: -number for name, number in quota.charge(pod).items()}
            self.charged[quota.title] = together([self.charged[quota.title], back])

    def refusal(self, pod: Pod) -> str:
        """The reason why the pod would be refused; empty if it would not, and then it is counted."""
        for limit in self.limits:
            for text in limit.refusals(pod):
                return text
        quotas = list(self._of(pod))
        for quota in quotas:
            filled_in = {name for limit in self.limits if limit.namespace == pod.namespace for name in limit.given}
            unsaid = [name for name in quota.unsaid(pod) if name not in filled_in]
            if unsaid:
                return f"{quota.title} limits {unsaid[0]}, and not all of its containers say theirs"
            over = self._over(quota, pod)
            if over:
                return f"{quota.title} has no room for it ({over})"
        for quota in quotas:
            self.charged[quota.title] = together([self.charged[quota.title], quota.charge(pod)])
        return ""

    def without_surge(self, pod: Pod) -> str:
        """The quota without room for the replacement until the pod itself is gone; empty if there is none."""
        for quota in self._of(pod):
            over = self._over(quota, pod)
            if over:
                return f"{quota.title} ({over})"
        return ""

    def _of(self, pod: Pod) -> Iterator[Quota]:
        return (quota for quota in self.quotas if quota.counts(pod))

    def _over(self, quota: Quota, pod: Pod) -> str:
        used = self.charged[quota.title]
        for name, number in quota.charge(pod).items():
            if used.get(name, 0) + number > quota.hard[name]:
                return f"{name}: {_shown(used.get(name, 0), name)} of {_shown(quota.hard[name], name)} used"
        return ""


def _shown(number: int, name: str) -> str:
    return f"{number / 1000:g}" if name.rpartition(".")[2] == "cpu" else str(number)
