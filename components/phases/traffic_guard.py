"""A phase's own traffic: nothing may be lost before it, and its losses are held to the budget."""

import pulumi

from components.providers.connectivity_check import AFTER, BEFORE, ConnectivityCheck
from stacks.strategies import Phase


def quiet_before(phase: Phase, *, digest: str = "", opts: pulumi.ResourceOptions) -> ConnectivityCheck:
    """The check that the phase's first change depends on."""
    return ConnectivityCheck(
        f"{phase.name}-before", change=f"phase {phase.name}", moment=BEFORE, digest=digest, opts=opts
    )


def cost_of(
    phase: Phase, *, before: ConnectivityCheck, digest: str = "", opts: pulumi.ResourceOptions
) -> ConnectivityCheck:
    """The check that the next phase depends on; `opts` name the phase's last changes."""
    return ConnectivityCheck(
        f"{phase.name}-after",
        change=f"phase {phase.name}",
        moment=AFTER,
        since=before.at,
        digest=digest,
        way_back=phase.way_back,
        opts=opts,
    )
