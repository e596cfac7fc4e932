"""The names of this program's objects on a cluster."""

import hashlib

NAMESPACE = "cni-live-migration"
NODES_NAMESPACE = f"{NAMESPACE}-nodes"  # of the privileged pods that work on nodes themselves
NAMESPACES = (NAMESPACE, NODES_NAMESPACE)
PREFIX = "cni-live-migration"
RELEASE = "cilium"  # Helm's
_LABEL_VALUE, _OBJECT_NAME = 63, 253  # maximal lengths in Kubernetes


def label_value(name: str) -> str:
    """An object's name as a label value; one that is too long is shortened with a hash, which keeps it unique."""
    return _within(name, most=_LABEL_VALUE)


def name_about(purpose: str, name: str) -> str:
    """The name of one of our objects about another object; too long a name is shortened with a hash."""
    return _within(f"{purpose}-{name}", most=_OBJECT_NAME)


def _within(text: str, *, most: int) -> str:
    if len(text) <= most:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{text[: most - 13].rstrip('-._')}-{digest}"
