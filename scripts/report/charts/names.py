"""Names as the charts write them."""

from collections.abc import Sequence

_LONGEST = 40


def short_names(nodes: Sequence[str]) -> dict[str, str]:
    """Each node's name without the domain that all of them share, its middle left out where it is very long."""
    domain = shared_domain(nodes)
    bare = [node.removesuffix(f".{domain}") if domain else node for node in nodes]
    cut = [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 16]}…{name[-15:]}" for name in bare]
    return dict(zip(nodes, cut if len(set(cut)) == len(set(nodes)) else nodes, strict=True))


def shared_domain(nodes: Sequence[str]) -> str:
    """What is behind the first dot of every name; empty for one node alone, or if they differ."""
    domains = {node.partition(".")[2] for node in nodes}
    return domains.pop() if len(nodes) > 1 and len(domains) == 1 else ""
