"""The commands that findings print, to be run as they are printed in the situation that prints them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from components.checks import Finding
from tests.commands.printed import commands_in, filled

_ADDRESS = "10.0.0.1"  # where a finding asks for one
# They say what is the matter, and change nothing.
_LOOKS = re.compile(r"kubectl (?:-n \S+ )?(?:describe|get)\b|helm .* history\b|\.venv/bin/python -m scripts\.")
# Where nothing runs: no kubelet has a log, no engine a state, and no release Helm's own record.
_ELSEWHERE = re.compile(r"kubectl -n \S+ logs\b|helm |pulumi (?!config (?:set|rm)\b)")
# What helps only with the `pulumi up` that is named beside it; tests of whole runs do that.
NOT_BY_ITSELF = {"host-ports", "finalize-complete", "no-way-back"}


@dataclass(frozen=True)
class Way:
    """Commands that help together, or one that `helps` to see what is the matter alone."""

    commands: tuple[str, ...]
    helps: bool = True


def ways(finding: Finding) -> Iterator[Way]:
    """Those on the cluster are one way out, each change of the config is another, or two with an `and` between."""
    found = [filled(each, _ADDRESS) for each in commands_in(finding.remedy) if not _ELSEWHERE.match(each)]
    yield from (Way((each,), helps=False) for each in found if _LOOKS.match(each))
    changes, helps = [each for each in found if not _LOOKS.match(each)], finding.check not in NOT_BY_ITSELF
    if on_cluster := tuple(each for each in changes if each.startswith("kubectl")):
        yield Way(on_cluster, helps)
    together: list[str] = []
    for each in (each for each in changes if each.startswith("pulumi")):
        together.append(each)
        if f"`{each}` and `pulumi config" not in finding.remedy:
            yield Way(tuple(together), helps)
            together = []
