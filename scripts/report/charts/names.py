"""Node names, shortened for charts."""

from collections.abc import Sequence

_LONGEST = 40


def short_names(nodes: Sequence[str]) -> dict[str, str]:
    """Each node's name without the domain that all share; the middle of a very long name is cut."""
    domain = shared_domain(nodes)
    bare = [node.removesuffix(f".{domain}") if domain else node for node in nodes]
    cut = [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 16]}…{name[-15:]}" for name in bare]
    return dict(zip(nodes, cut if len(set(cut)) == len(set(nodes)) else nodes, strict=True))


def shared_domain(nodes: Sequence[str]) -> str:
    """The part after the first dot that all names share; empty for a single node, or if they differ."""
    domains = {node.partition(".")[2] for node in nodes}
    return domains.pop() if len(nodes) > 1 and len(domains) == 1 else ""
