"""ResourceQuotas of this program's namespaces: their free room, and the share of this program's pods."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import Object
from components.operations.demands.quantities import quantity


@dataclass(frozen=True, kw_only=True)
class Quota:
    """One that counts all pods of its namespace; `room` is the unused amount of each of its resources."""

    namespace: str
    name: str
    room: Mapping[str, float]

    def lacking(self, wanted: Mapping[str, float]) -> list[str]:
        """The resources of which less is left than wanted, by the quota's names."""
        return sorted(name for name, left in self.room.items() if wanted.get(name, 0) > left)


def read_quotas(cluster: Cluster, namespace: str) -> tuple[Quota, ...]:
    """The quotas of a namespace that count all pods; those with scopes are left to a dry run."""
    found = []
    for item in cluster.list(f"/api/v1/namespaces/{namespace}/resourcequotas"):
        spec, status = item.get("spec") or {}, item.get("status") or {}
        if spec.get("scopes") or spec.get("scopeSelector"):
            continue
        used = status.get("used") or {}
        room = {name: quantity(hard) - quantity(used.get(name, 0)) for name, hard in (status.get("hard") or {}).items()}
        found.append(Quota(namespace=namespace, name=item["metadata"]["name"], room=room))
    return tuple(found)


def taken_by(pods: Iterable[Object]) -> dict[str, float]:
    """The amounts that quotas count for the pods, by every name that quotas have for them."""
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
