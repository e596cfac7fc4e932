"""Controllers of drained pods, with the fields that decide whether and how they replace a pod."""

from collections.abc import Mapping
from dataclasses import dataclass

from components.operations.selectors import Object

# API lists by kind, for Kubernetes' own workloads.
OWNER_LISTS: Mapping[tuple[str, str], str] = {
    ("apps/v1", "ReplicaSet"): "/apis/apps/v1/replicasets",
    ("apps/v1", "StatefulSet"): "/apis/apps/v1/statefulsets",
    ("v1", "ReplicationController"): "/api/v1/replicationcontrollers",
    ("batch/v1", "Job"): "/apis/batch/v1/jobs",
}
_BACKOFF_LIMIT = 6


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A pod's controller; `failures_left` is set for a Job that counts an eviction as a failure, else None."""

    namespace: str
    name: str
    node: str = ""
    gates: tuple[str, ...] = ()
    failures_left: int | None = None
    suspended: bool = False

    @classmethod
    def read(cls, item: Object) -> "Owner":
        """From the API's JSON."""
        spec = item.get("spec") or {}
        template = (spec.get("template") or {}).get("spec") or {}
        is_job = "backoffLimit" in spec or "parallelism" in spec or "completions" in spec
        return cls(
            namespace=item["metadata"]["namespace"],
            name=item["metadata"]["name"],
            node=template.get("nodeName") or "",
            gates=tuple(each.get("name", "") for each in template.get("schedulingGates") or []),
            failures_left=_failures_left(item) if is_job else None,
            suspended=bool(spec.get("suspend")),
        )


def _failures_left(job: Object) -> int | None:
    """The number of failures that a Job still allows; None if its policy ignores disruptions."""
    spec, status = job.get("spec") or {}, job.get("status") or {}
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or []:
        conditions = rule.get("onPodConditions") or []
        if any(each.get("type") == "DisruptionTarget" and each.get("status", "True") == "True" for each in conditions):
            if rule.get("action") == "Ignore":
                return None
            return 0 if rule.get("action") in ("FailJob", "FailIndex") else _count(spec, status)
    return _count(spec, status)


def _count(spec: Object, status: Object) -> int:
    if spec.get("backoffLimitPerIndex") is not None:
        return int(spec["backoffLimitPerIndex"])
    limit = spec.get("backoffLimit")
    return max(0, (_BACKOFF_LIMIT if limit is None else int(limit)) - int(status.get("failed") or 0))
