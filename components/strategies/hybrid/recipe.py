"""Joins the hybrid strategy's steps there and back into the recipe of a node's turn."""

from components.operations.turn.recipe import Recipe
from components.strategies.hybrid.steps_to_cilium import THERE, drift, may_begin
from components.strategies.hybrid.steps_to_source import BACK, may_return
from components.strategies.hybrid.turn_run import HybridRun

RECIPE = Recipe[HybridRun](
    run=HybridRun,
    there=THERE,
    back=BACK,
    drift=drift,
    may_begin=may_begin,
    may_return=may_return,
    outputs=(("podsEvicted", 0), ("podsRecycled", 0), ("restarted", False), ("cniConf", []), ("verified", {})),
)
