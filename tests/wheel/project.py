"""The project's lists of requirements, and the distributions that each brings along."""

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def wanted(name: str) -> list[Requirement]:
    """The requirements of a list, without those of the lists that it names."""
    lines = (ROOT / name).read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def locked(name: str) -> dict[str, str]:
    """The versions of a lock by distribution."""
    pins = re.findall(r"^([\w.-]+)==(\S+) \\$", (ROOT / name).read_text(), re.MULTILINE)
    return {canonicalize_name(each): version for each, version in pins}


def brought(name: str) -> set[str]:
    """The distributions of a list and all that they need here."""
    found, ahead = set[str](), wanted(name)
    while ahead:
        each = ahead.pop()
        known = canonicalize_name(each.name)
        if known in found or (each.marker and not each.marker.evaluate({"extra": ""})):
            continue
        found.add(known)
        try:
            ahead += map(Requirement, requires(known) or [])
        except PackageNotFoundError:
            continue
    return found
