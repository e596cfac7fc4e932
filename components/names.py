"""The names under which everything of ours is found on a cluster."""

import hashlib

NAMESPACE = "cni-live-migration"
PREFIX = "cni-live-migration"
RELEASE = "cilium"  # Helm's
_LABEL_VALUE, _OBJECT_NAME = 63, 253  # as many characters as Kubernetes takes


def label_value(name: str) -> str:
    """The name of an object as the value of a label: one that is too long ends in a hash, so that no two share it."""
    return _within(name, most=_LABEL_VALUE)


def name_about(purpose: str, name: str) -> str:
    """The name of an object of ours that is about another one, likewise."""
    return _within(f"{purpose}-{name}", most=_OBJECT_NAME)


def _within(text: str, *, most: int) -> str:
    if len(text) <= most:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{text[: most - 13].rstrip('-._')}-{digest}"
