"""The hybrid strategy: Cilium beside the old CNI, and node by node its CNI conf takes over by a CiliumNodeConfig."""

from stacks.strategies.milestones import Milestone
from stacks.strategies.strategy import Phase, Strategy

HYBRID = Strategy(
    name="hybrid",
    title="hybrid mode: each node has one network at a time, and both networks reach each other",
    phases=(
        Phase(
            name="preflight",
            milestone=Milestone.BEFORE_CILIUM,
            purpose="records what the old CNI is, inspects every node, starts the probe",
        ),
        Phase(
            name="secondary",
            milestone=Milestone.BOTH_NETWORKS,
            purpose="installs Cilium beside the old CNI, with no pod and no CNI conf touched",
            way_back="`pulumi destroy` takes Cilium away again",
        ),
        Phase(
            name="migrate",
            milestone=Milestone.NODES_MOVE,
            purpose="moves the nodes of each wave",
        ),
        Phase(
            name="finalize",
            milestone=Milestone.CILIUM_ALONE,
            purpose="restarts the agents with Cilium's final settings",
            way_back="`pulumi config set phase migrate` takes it back",
        ),
        Phase(
            name="cleanup",
            milestone=Milestone.OLD_NETWORK_GONE,
            purpose="removes the old CNI and what it left on the nodes",
        ),
    ),
    switch_label="io.cilium.migration/cilium-default",  # the convention of Cilium's own guide
    rooms="components.strategies.hybrid",
)
