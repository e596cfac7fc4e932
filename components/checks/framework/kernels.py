"""Versions of kernels, as nodes report them."""

import re

from stacks.cilium_versions import Minor

_KERNEL = re.compile(r"^(\d+)\.(\d+)")


def older_than(kernel: str, first: Minor) -> bool:
    """True if the kernel version that a node reports is older than `first`; False if it reports none."""
    found = _KERNEL.match(kernel)
    return found is not None and (int(found[1]), int(found[2])) < first
