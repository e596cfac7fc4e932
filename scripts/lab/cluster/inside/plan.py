"""The boot plan of a machine of the lab."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Bind:
    """A bind mount: a folder of the host that the machine sees at `target`."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, kw_only=True)
class BootPlan:
    """Settings that stay the same from boot to boot."""

    name: str
    address: str
    prefix_length: int
    gateway: str
    daemons: dict[str, list[str]]
    environment: dict[str, str]
    logs: str
    base: str = ""
    """The read-only root file system below the machine's own disk; none on the control plane."""
    disk: str = ""
    binds: tuple[Bind, ...] = ()
    cgroups_version_1: tuple[str, ...] = ()
    """The controllers of each version 1 tree, as its mount option."""
    cgroups_version_2: bool = False
    shields: dict[str, str] = dataclasses.field(default_factory=dict)
    """Kernel settings that all machines share, with the value that is shown instead of the real one."""

    def write(self, path: Path) -> None:
        """Write the plan to its file, for every later boot."""
        path.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> "BootPlan":
        """Read the plan that `write` saved."""
        fields = json.loads(path.read_text())
        fields["binds"] = tuple(Bind(**bind) for bind in fields["binds"])
        fields["cgroups_version_1"] = tuple(fields["cgroups_version_1"])
        return cls(**fields)
