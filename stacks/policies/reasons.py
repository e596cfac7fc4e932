"""Reasons why a policy has no translation."""


class InexpressibleError(Exception):
    """Cilium has no equivalent policy; the text names the part without one, and a remedy if possible."""


def one_family(whose: str, version: int) -> str:
    """A note on pods or nodes of which only one address family is named, but both are meant."""
    return (
        f"only IPv{version} addresses of {whose}s are named: to Cilium a {whose} is one identity, whichever of its "
        "addresses is named, and those of the other family are meant too"
    )
