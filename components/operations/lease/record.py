"""The Lease as it is written on the cluster. Its times are other machines' and are told to people, never judged."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from components.names import NAMESPACE
from components.operations.api import Cluster
from components.operations.lease.identity import is_over

NAME = "migration"
FOLDER = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
PATH = f"{FOLDER}/{NAME}"
TITLE = f"Lease {NAMESPACE}/{NAME}"
LEASE_SECONDS = 20
_LONGEST_WAIT_SECONDS = 120
_LONGEST_NAME = 200


def micro_now() -> str:
    """The time in UTC, to the microsecond, as a Lease has it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, kw_only=True)
class Record:
    """A Lease as read; what a foreign hand left out or spoilt counts as not said."""

    holder: str
    seconds: int
    transitions: int
    version: str
    text: str  # all that a holder writes: another text is a sign of life

    @classmethod
    def read(cls, item: dict[str, Any]) -> "Record":
        """From the API's object."""
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
        """True if certainly nobody has it: it was given back, or its run is seen to be over."""
        return not self.holder or is_over(self.holder)

    @property
    def waits_too_long(self) -> bool:
        """True if its holder asks for more seconds than this program ever does, and than anyone would wait."""
        return self.seconds > _LONGEST_WAIT_SECONDS

    @property
    def who(self) -> str:
        """The holder, fit for one line."""
        text = "".join(each if each.isprintable() else "?" for each in self.holder[:_LONGEST_NAME])
        return f"{text} (which says that it holds for {self.seconds} s)" if self.waits_too_long else text


def read(cluster: Cluster) -> Record | None:
    """The Lease as it is now; None where there is none. Raises ClusterError."""
    item = cluster.find(PATH)
    return None if item is None else Record.read(item)
