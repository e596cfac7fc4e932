"""The hybrid strategy's recipe of a node's turn."""

from components.operations.turn.recipe import Recipe
from components.strategies.hybrid.back import BACK, may_return
from components.strategies.hybrid.run import HybridRun
from components.strategies.hybrid.there import THERE, drift, may_begin

RECIPE = Recipe[HybridRun](
    run=HybridRun,
    there=THERE,
    back=BACK,
    drift=drift,
    may_begin=may_begin,
    may_return=may_return,
    outputs=(("podsEvicted", 0), ("podsRecycled", 0), ("restarted", False), ("cniConf", []), ("verified", {})),
)
