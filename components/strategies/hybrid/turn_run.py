"""Data that the steps of one half of a turn pass on to each other."""

from dataclasses import dataclass

from components.operations.turn.recipe import TurnRun
from components.operations.turn.verifying import Verification, Verify
from components.operations.turn_steps.agent import Agent


@dataclass(kw_only=True)
class HybridRun(TurnRun):
    """`agent` is the node's Cilium agent in charge of its CNI conf, `verification` runs beside the pods' renewal."""

    agent: Agent | None = None
    verification: Verification | None = None

    def verify_with(self, verify: Verify) -> None:
        """Open the verification, which is closed with the half."""
        self.verification = self.open.enter_context(Verification(verify, self.progress))

    @property
    def verifying(self) -> Verification:
        """The verification, once it was opened."""
        assert self.verification is not None, "no step opened it"
        return self.verification

    def count_evicted(self, number: int) -> None:
        """Add pods that were evicted to the outputs."""
        self.outputs["podsEvicted"] = self.outputs.get("podsEvicted", 0) + number
