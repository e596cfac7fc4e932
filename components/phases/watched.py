"""A phase's own traffic: nothing may be lost before it, and what it cost is held to the budget."""

import pulumi

from components.providers.connectivity_check import AFTER, BEFORE, ConnectivityCheck
from stacks.phases import Phase

_WAYS_BACK = {
    Phase.SECONDARY: "`pulumi destroy` takes Cilium away again",
    Phase.FINALIZE: "`pulumi config set phase migrate` takes it back",
}


def quiet_before(phase: Phase, *, digest: str = "", opts: pulumi.ResourceOptions) -> ConnectivityCheck:
    """What the phase's first change depends on."""
    return ConnectivityCheck(f"{phase}-before", change=f"phase {phase}", moment=BEFORE, digest=digest, opts=opts)


def cost_of(
    phase: Phase, *, before: ConnectivityCheck, digest: str = "", opts: pulumi.ResourceOptions
) -> ConnectivityCheck:
    """What the next phase depends on; `opts` name the phase's last changes."""
    return ConnectivityCheck(
        f"{phase}-after",
        change=f"phase {phase}",
        moment=AFTER,
        since=before.at,
        digest=digest,
        way_back=_WAYS_BACK.get(phase, ""),
        opts=opts,
    )
