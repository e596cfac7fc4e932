"""Kubernetes and kernel requirements of each minor release of Cilium, from its own documentation.

Source: `Documentation/network/kubernetes/compatibility.rst` (Kubernetes) and `Documentation/operations/
system_requirements.rst` (kernel) of the Go module github.com/cilium/cilium at 1.16.19, 1.17.6, 1.18.6, 1.19.7, 1.20.2.
"""

from dataclasses import dataclass

Minor = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """One minor release: the first and last Kubernetes version that Cilium tests it with, and the oldest kernel."""

    kubernetes: tuple[Minor, Minor]
    kernel: Minor

    def tests(self, version: Minor) -> bool:
        """True if Cilium tests the release with that Kubernetes version."""
        return self.kubernetes[0] <= version <= self.kubernetes[1]


REQUIREMENTS: dict[Minor, Requirements] = {
    (1, 16): Requirements(kubernetes=((1, 27), (1, 30)), kernel=(5, 4)),
    (1, 17): Requirements(kubernetes=((1, 29), (1, 32)), kernel=(5, 4)),
    (1, 18): Requirements(kubernetes=((1, 30), (1, 33)), kernel=(5, 10)),
    (1, 19): Requirements(kubernetes=((1, 32), (1, 35)), kernel=(5, 10)),
    (1, 20): Requirements(kubernetes=((1, 33), (1, 36)), kernel=(5, 10)),
}


def minor_of(version: str) -> Minor:
    """Major and minor of a version such as 1.19.7."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def shown(version: Minor) -> str:
    """Major and minor as text, such as `1.19`."""
    return f"{version[0]}.{version[1]}"
