"""Benchmarks a wave after many others against the first one, and counts what the stack's state has of each node."""

import json
from dataclasses import dataclass
from pathlib import Path

import yaml

from scripts.lab.session import Session
from scripts.lab.simulated import lab as simulated
from scripts.lab.simulated.control_plane import ControlPlane

_PROJECT = "cilium-live-migration"
_SPARE_NODES = 3
_WIDEST = 50


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Seconds of a wave of `more` nodes at none and at `done` done, and of a run without changes; the state a node."""

    more: int
    done: int
    first: float
    later: float
    unchanged: float
    resources: float
    state_bytes: float


def measure(plane: ControlPlane, folder: Path, *, done: int, more: int) -> Growth:
    """Move `more` nodes, others in waves of fifty until `done` are, then `more` again; traffic is not judged."""
    simulated.populate(plane, done + more + _SPARE_NODES)
    session = Session.start(
        kubeconfig=plane.kubeconfig, stack="many", template="Pulumi.simulated.yaml", folder=folder, echo=False
    )
    waves: list[list[str]] = []

    def up(*, width: int = 0) -> float:
        if width:
            begun = sum(map(len, waves))
            waves.append([f"worker-{begun + place + 1}" for place in range(width)])
        config = yaml.safe_load(session.config.read_text())
        config["config"] |= {
            f"{_PROJECT}:phase": "secondary",
            f"{_PROJECT}:waves": waves,
            f"{_PROJECT}:traffic": {"enabled": False},
        }
        config["config"][f"{_PROJECT}:cilium"]["values"] = {"operator": {"replicas": 1}}
        session.config.write_text(yaml.safe_dump(config))
        return session.up(parallel=2 * _WIDEST).seconds

    up()
    before = _state(session)
    first = up(width=more)
    while (left := done - sum(map(len, waves))) > 0:
        up(width=min(_WIDEST, left))
    later, unchanged = up(width=more), up()
    moved, after = sum(map(len, waves)), _state(session)
    return Growth(
        more=more, done=done, first=first, later=later, unchanged=unchanged,
        resources=(after[0] - before[0]) / moved, state_bytes=(after[1] - before[1]) / moved,
    )  # fmt: skip


def _state(session: Session) -> tuple[int, int]:
    """(number of resources, bytes of the state as the engine writes it)."""
    deployment = json.loads(session.pulumi("stack", "export").output)["deployment"]
    return len(deployment["resources"]), len(json.dumps(deployment, separators=(",", ":")))
