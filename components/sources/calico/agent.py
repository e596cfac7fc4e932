"""Recognition of Calico's agent container by its program, whatever its image's registry."""

import re
from collections.abc import Mapping
from typing import Any

from components.sources.facts.workload import containers, words

Object = Mapping[str, Any]
_PROGRAM = re.compile(r"calico[/-]node(?![\w-])")  # not the registrar of Calico's driver for volumes


def felix_of(item: Object) -> Object | None:
    """The container of calico/node in a DaemonSet; None if there is none."""
    found = (each for each in containers(item) if any(_PROGRAM.search(word) for word in words(each)))
    return next(found, None)
