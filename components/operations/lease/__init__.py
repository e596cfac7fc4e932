"""A Lease that lets only one run at a time change a cluster, whatever state backend each operator has.

It is held in the way of client-go's leader election. See docs/decisions/0007.
"""

from components.operations.lease.lease_hold import Hold, hold_on
from components.operations.lease.observer import Observer, other_run
from components.operations.lease.record import LEASE_SECONDS, NAME, PATH, Record, read

__all__ = ["LEASE_SECONDS", "NAME", "PATH", "Hold", "Observer", "Record", "hold_on", "other_run", "read"]
