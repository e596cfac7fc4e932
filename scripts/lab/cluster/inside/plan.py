"""What a machine of the lab is told about itself when it boots."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Bind:
    """A folder of the outside that the machine sees at `target`."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, kw_only=True)
class BootPlan:
    """Everything that stays the same from boot to boot."""

    name: str
    address: str
    prefix_length: int
    gateway: str
    daemons: dict[str, list[str]]
    environment: dict[str, str]
    logs: str
    base: str = ""
    """The read-only root file system that the machine's own disk is laid over; none on the control plane."""
    disk: str = ""
    binds: tuple[Bind, ...] = ()
    cgroups_version_1: tuple[str, ...] = ()
    """The controllers of each tree of version 1, as the option of its mount."""
    cgroups_version_2: bool = False
    shields: dict[str, str] = dataclasses.field(default_factory=dict)
    """Settings of the kernel that all machines share, with the value that is shown in place of the real one."""

    def write(self, path: Path) -> None:
        """Keep the plan for every boot to come."""
        path.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> "BootPlan":
        """The plan that `write` kept."""
        fields = json.loads(path.read_text())
        fields["binds"] = tuple(Bind(**bind) for bind in fields["binds"])
        fields["cgroups_version_1"] = tuple(fields["cgroups_version_1"])
        return cls(**fields)
