"""Reading with a default for objects that the user may not read; the check of permissions reports those."""

from collections.abc import Callable
from typing import TypeVar

from components.operations.cluster_api.errors import ClusterError

T = TypeVar("T")
_DENIED = 403


def unless_denied(read: Callable[[], T], otherwise: T) -> T:
    """The result of `read`, or `otherwise` if the user may not read it. Raises ClusterError for any other refusal."""
    try:
        return read()
    except ClusterError as error:
        if error.status == _DENIED:
            return otherwise
        raise
