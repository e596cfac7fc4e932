"""The phases of a migration, in order; a stack declares the resources of every phase up to its own."""

from enum import StrEnum


class Phase(StrEnum):
    """How far the stack wants the migration to be."""

    PREFLIGHT = "preflight"
    SECONDARY = "secondary"
    MIGRATE = "migrate"
    FINALIZE = "finalize"
    CLEANUP = "cleanup"

    @property
    def position(self) -> int:
        """The place in the order, from 0."""
        return list(Phase).index(self)

    def includes(self, other: "Phase") -> bool:
        """Whether a stack in this phase has the resources of `other` as well."""
        return self.position >= other.position

    @property
    def before(self) -> "Phase | None":
        """The phase that must be complete on the cluster before this one may start; None for the first."""
        return list(Phase)[self.position - 1] if self.position else None
