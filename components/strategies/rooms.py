"""Imports the modules of a strategy when they are first needed."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from components.operations.snapshot import Snapshot
from components.sources.description import SourceDescription
from stacks.strategies import Milestone, Strategy

if TYPE_CHECKING:
    from components.operations.turn.recipe import Recipe


def reached_by(strategy: Strategy, *, snapshot: Snapshot, source: SourceDescription) -> Milestone | None:
    """The furthest milestone that the cluster shows signs of; None before any."""
    found: Milestone | None = _room(strategy, "signs").reached(snapshot=snapshot, source=source)
    return found


def recipe_of(strategy: Strategy) -> "Recipe[Any]":
    """The steps of a node's turn, and of its way back."""
    found: Recipe[Any] = _room(strategy, "recipe").RECIPE
    return found


def _room(strategy: Strategy, part: str) -> Any:
    return import_module(f"{strategy.rooms}.{part}")
