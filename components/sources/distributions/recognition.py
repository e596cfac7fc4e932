"""Recognition of Kubernetes distributions, and their restrictions on a change of the CNI."""

from dataclasses import dataclass

from components.operations.snapshot import Snapshot
from components.sources.distributions.distribution import Distribution
from components.sources.distributions.installers import INSTALLERS
from components.sources.distributions.managed_services import SERVICES
from components.sources.distributions.marks import Nodes

DISTRIBUTIONS = (*INSTALLERS, *SERVICES)


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """A distribution with the mark by which it was recognised."""

    distribution: Distribution
    evidence: str

    @property
    def title(self) -> str:
        """Its name with the evidence."""
        return f"{self.distribution.name} ({self.evidence})"


def recognised(snapshot: Snapshot) -> list[Recognised]:
    """The distributions whose marks are seen; one derived from another replaces it."""
    nodes = Nodes.of(snapshot)
    found = [
        Recognised(distribution=each, evidence=evidence)
        for each in DISTRIBUTIONS
        if (evidence := next(each.marks.seen(snapshot, nodes), ""))
    ]
    hidden = {name for each in found for name in each.distribution.instead_of}
    return [each for each in found if each.distribution.name not in hidden]


def contradicting(found: list[Recognised]) -> list[Recognised]:
    """Distributions that exclude each other; a node operating system and a distribution on it do not."""
    several = [each for each in found if not each.distribution.marks.systems]
    return several if len(several) > 1 else []


def read_only_system(snapshot: Snapshot) -> str:
    """The name of a read-only system that nodes run; empty if none does."""
    return next((each.distribution.name for each in recognised(snapshot) if each.distribution.read_only), "")


def switched_off_by_its_provider(snapshot: Snapshot) -> str:
    """The instruction to switch off the CNI of a managed service; empty for other distributions."""
    found = (each.distribution for each in recognised(snapshot))
    return next((each.switch_off for each in found if each in SERVICES and each.brings(snapshot)), "")


def refused(snapshot: Snapshot, found: Recognised) -> bool:
    """True if the old CNI cannot be removed from this cluster."""
    return bool(found.distribution.refused) and found.distribution.brings(snapshot)
