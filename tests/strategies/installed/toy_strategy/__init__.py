"""A strategy of two phases and three steps, as a package of somebody else's brings one."""

from stacks.strategies import Milestone, Phase, Strategy

STRATEGY = Strategy(
    name="toy",
    title="a turn that only writes a mark on its node",
    phases=(
        Phase(name="beside", milestone=Milestone.BOTH_NETWORKS, purpose="inspects the nodes, installs Cilium"),
        Phase(name="turns", milestone=Milestone.NODES_MOVE, purpose="marks the nodes of each wave"),
    ),
    switch_label="toy.example/moved",
    rooms="toy_strategy",
)
