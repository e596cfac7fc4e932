"""One run at a time on a cluster, wherever each operator keeps the state: a Lease, held as client-go's leaders hold it.

See docs/decisions/0007.
"""

from components.operations.lease.hold import Hold, hold_on
from components.operations.lease.observer import Observer, other_run
from components.operations.lease.record import LEASE_SECONDS, NAME, PATH, Record, read

__all__ = ["LEASE_SECONDS", "NAME", "PATH", "Hold", "Observer", "Record", "hold_on", "other_run", "read"]
