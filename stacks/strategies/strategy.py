"""A strategy: a way to bring a cluster from its old CNI to Cilium, as phases in order."""

from collections.abc import Sequence
from dataclasses import dataclass

from stacks.strategies.milestones import Milestone


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One phase, by the name that users write in the stack's config.

    `milestone` is what it brings the cluster to, `purpose` what it does, in a few words. `way_back` is the command that
    takes it back, shown when it cost more traffic than its budget; empty if there is none, or none of its own.
    """

    name: str
    milestone: Milestone
    purpose: str
    way_back: str = ""


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """Phases in order, and the `rooms` in which its resources, its recipe of a turn and its signs live.

    `switch_label` is the key of the label that stands between the two halves of a node's turn: with it, the new network
    takes the node over.
    `rooms` is the name of a Python package with the modules `phases` (resources, for the program), `recipe` (the steps
    of a node's turn) and `signs` (what of it a cluster shows). They are imported when they are first needed: a run that
    changes nothing loads no steps (docs/decisions/0016). Raises ValueError if the phases do not follow the milestones.
    """

    name: str
    title: str
    phases: tuple[Phase, ...]
    switch_label: str
    rooms: str

    def __post_init__(self) -> None:
        positions = [phase.milestone.position for phase in self.phases]
        if not self.phases or positions != sorted(positions) or len(set(self.names)) != len(self.names):
            raise ValueError(f"strategy '{self.name}': its phases need names of their own, in the milestones' order")

    @property
    def names(self) -> Sequence[str]:
        """The phases' names, in order."""
        return [phase.name for phase in self.phases]

    def phase(self, name: str) -> Phase:
        """The phase of that name. Raises KeyError."""
        return {phase.name: phase for phase in self.phases}[name]

    def first_at(self, milestone: Milestone) -> Phase:
        """The first phase that brings the cluster to the milestone or beyond; the last if none does."""
        return next((phase for phase in self.phases if phase.milestone.includes(milestone)), self.phases[-1])

    def last_at(self, milestone: Milestone) -> Phase | None:
        """The phase that a cluster at the milestone is in, by the milestone alone; None if it is before the first."""
        return next((phase for phase in reversed(self.phases) if milestone.includes(phase.milestone)), None)

    @property
    def first_with_waves(self) -> Phase:
        """The first phase in which nodes may be named in waves: the old CNI has company by then."""
        return self.first_at(Milestone.BOTH_NETWORKS)

    def position(self, name: str) -> int:
        """The phase's place in the order, from 0. Raises ValueError."""
        return self.names.index(name)
