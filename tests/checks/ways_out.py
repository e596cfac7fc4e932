"""The commands that findings print, to be run as they are printed in the situation that prints them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from components.checks import Finding

_COMMAND = re.compile(r"`((?:kubectl|pulumi config (?:set|rm)) [^`]+)`")
_NOT_WHOLE = re.compile(r"\b[A-Z]{3,}\b|pulumi config set --path \S+$|pulumi config set \S+$")
# They say what is the matter, and change nothing.
_LOOKS = re.compile(r"kubectl (?:-n \S+ )?(?:logs|describe|get)\b")
# What helps only with the `pulumi up` that is named beside it; tests of whole runs do that. And another program's lock.
NOT_BY_ITSELF = {"host-ports", "finalize-complete", "no-way-back", "node-managers"}


@dataclass(frozen=True)
class Way:
    """Commands that help together."""

    commands: tuple[str, ...]


def ways(finding: Finding) -> Iterator[Way]:
    """Those on the cluster are one way out, each change of the config is another."""
    found = [each for each in _COMMAND.findall(finding.remedy) if not _LOOKS.match(each)]
    whole = [each for each in found if not _NOT_WHOLE.search(each)]
    on_cluster = tuple(each for each in whole if each.startswith("kubectl"))
    if on_cluster:
        yield Way(on_cluster)
    yield from (Way((each,)) for each in whole if each.startswith("pulumi"))
