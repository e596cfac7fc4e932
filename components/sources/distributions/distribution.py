"""One distribution of Kubernetes: its marks, and its handling of its own CNI."""

from collections.abc import Callable
from dataclasses import dataclass

from components.operations.snapshot import Snapshot
from components.sources.distributions.marks import Marks


def always(_snapshot: Snapshot) -> bool:
    """True, for a distribution that always brings its CNI."""
    return True


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """One distribution: its marks, and the way to switch its CNI off there, or the reason why it cannot be.

    An `unsure` one is of a provider that does not document this: `switch_off` tells whom to ask. `brings` returns True
    if the CNI on the cluster is the distribution's own; a user's own CNI causes no finding. A distribution with neither
    `switch_off` nor `refused` applies its CNI only once, when the cluster is created. `instead_of` names distributions
    whose marks it has too. Nodes of a `read_only` one have no shell, and allow no loading of modules and no mounts.
    """

    name: str
    marks: Marks
    switch_off: str = ""
    refused: str = ""
    brings: Callable[[Snapshot], bool] = always
    instead_of: tuple[str, ...] = ()
    read_only: bool = False
    unsure: bool = False
