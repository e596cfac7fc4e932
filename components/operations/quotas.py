"""ResourceQuotas of our namespace: what room they leave, and what pods of ours take of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from components.names import NAMESPACE
from components.operations.api import Cluster, Object
from components.operations.quantities import quantity


@dataclass(frozen=True, kw_only=True)
class Quota:
    """One that counts all pods of the namespace; `room` is what is left, by the names of its resources."""

    name: str
    room: Mapping[str, float]

    def lacking(self, wanted: Mapping[str, float]) -> list[str]:
        """The resources of which it has less left than wanted, in its names."""
        return sorted(name for name, left in self.room.items() if wanted.get(name, 0) > left)


def read_quotas(cluster: Cluster) -> tuple[Quota, ...]:
    """Those that are counted; one with scopes counts some pods only, and is left to a dry run."""
    found = []
    for item in cluster.list(f"/api/v1/namespaces/{NAMESPACE}/resourcequotas"):
        spec, status = item.get("spec") or {}, item.get("status") or {}
        if spec.get("scopes") or spec.get("scopeSelector"):
            continue
        used = status.get("used") or {}
        room = {name: quantity(hard) - quantity(used.get(name, 0)) for name, hard in (status.get("hard") or {}).items()}
        found.append(Quota(name=item["metadata"]["name"], room=room))
    return tuple(found)


def taken_by(pods: Iterable[Object]) -> dict[str, float]:
    """The amounts that quotas count for the pods, by every name that they have for it."""
    taken: Counter[str] = Counter()
    for pod in pods:
        taken.update({"pods": 1, "count/pods": 1})
        for container in pod["spec"]["containers"]:
            resources = container.get("resources") or {}
            for name, text in (resources.get("requests") or {}).items():
                taken.update({name: quantity(text), f"requests.{name}": quantity(text)})
            for name, text in (resources.get("limits") or {}).items():
                taken.update({f"limits.{name}": quantity(text)})
    return dict(taken)
