"""Strategies of a migration as data: ordered phases, each with the milestone that it brings the cluster to."""

from stacks.strategies.milestones import Milestone
from stacks.strategies.registry import DEFAULT, known_strategies, strategy_named
from stacks.strategies.strategy import Phase, Strategy

__all__ = ["DEFAULT", "Milestone", "Phase", "Strategy", "known_strategies", "strategy_named"]
