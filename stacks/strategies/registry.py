"""The strategies that a stack's config may name: ours, and those of installed packages.

A package offers a strategy by an entry point of the group `cni_live_migration.strategies` whose name is the strategy's
and whose object is a `Strategy`. Packages are asked only for a name that is none of ours, as that takes time.
"""

from functools import cache
from importlib.metadata import entry_points

from stacks.strategies.hybrid import HYBRID
from stacks.strategies.strategy import Strategy

GROUP = "cni_live_migration.strategies"
DEFAULT = HYBRID
_OURS = {each.name: each for each in (HYBRID,)}


@cache
def strategy_named(name: str) -> Strategy:
    """The strategy of that name. Raises KeyError if nobody offers it, ValueError if what is offered is none."""
    if name in _OURS:
        return _OURS[name]
    for point in entry_points(group=GROUP, name=name):
        try:
            found = point.load()
        except (ImportError, AttributeError, ValueError) as error:
            raise ValueError(f"entry point {GROUP}:{name} ({point.value}) cannot be loaded: {error}") from error
        if not isinstance(found, Strategy) or found.name != name:
            raise ValueError(f"entry point {GROUP}:{name} ({point.value}) is no Strategy of that name")
        return found
    raise KeyError(name)


def known_strategies() -> list[str]:
    """The names of all strategies, ours first."""
    others = sorted({point.name for point in entry_points(group=GROUP)} - set(_OURS))
    return [*_OURS, *others]
