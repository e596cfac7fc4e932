"""The Lease as written on the cluster. Its times come from other machines' clocks: shown to users, never compared."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.lease.identity import is_over

NAME = "migration"
FOLDER = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
PATH = f"{FOLDER}/{NAME}"
TITLE = f"Lease {NAMESPACE}/{NAME}"
LEASE_SECONDS = 20
_LONGEST_WAIT_SECONDS = 120
_LONGEST_NAME = 200


def micro_now() -> str:
    """The time in UTC, to the microsecond, in the format of a Lease."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, kw_only=True)
class Record:
    """A Lease as read; fields that are missing or malformed count as not set."""

    holder: str
    seconds: int
    transitions: int
    version: str
    text: str  # everything that a holder writes: a different text means that it is alive

    @classmethod
    def read(cls, item: dict[str, Any]) -> "Record":
        """The record in an object of the API."""
        spec = item.get("spec")
        spec = spec if isinstance(spec, dict) else {}
        seconds, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
        return cls(
            holder=str(spec.get("holderIdentity") or ""),
            seconds=max(seconds, LEASE_SECONDS) if isinstance(seconds, int) else LEASE_SECONDS,
            transitions=transitions if isinstance(transitions, int) else 0,
            version=str(item["metadata"]["resourceVersion"]),
            text=repr(sorted(spec.items())),
        )

    @property
    def free(self) -> bool:
        """True if certainly no run holds it: it was released, or its run has ended on this machine."""
        return not self.holder or is_over(self.holder)

    @property
    def waits_too_long(self) -> bool:
        """True if its holder sets a longer duration than this program ever does, too long to wait for."""
        return self.seconds > _LONGEST_WAIT_SECONDS

    @property
    def who(self) -> str:
        """The holder, shortened to one line."""
        text = "".join(each if each.isprintable() else "?" for each in self.holder[:_LONGEST_NAME])
        return f"{text} (which says that it holds for {self.seconds} s)" if self.waits_too_long else text


def read(cluster: Cluster) -> Record | None:
    """The Lease as it is now; None if there is none. Raises ClusterError."""
    item = cluster.find(PATH)
    return None if item is None else Record.read(item)
