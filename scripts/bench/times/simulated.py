"""Measures engine runs without changes on a simulated lab."""

from pathlib import Path

from scripts.bench.times.cost import Cost, measure
from scripts.lab.session import Session
from scripts.lab.simulated import lab as simulated
from scripts.lab.simulated.control_plane import ControlPlane


def simulated_costs(folder: Path, *, nodes: int) -> list[Cost]:
    """Costs of runs without changes on a simulated lab, in the first phase and with Cilium installed."""
    found = []
    with ControlPlane(simulated_nodes=True, pod_network=simulated.POD_NETWORK) as plane:
        simulated.populate(plane, nodes)
        session = Session.start(
            kubeconfig=plane.kubeconfig, stack="times", template="Pulumi.simulated.yaml", folder=folder, echo=False
        )
        session.up()

        def both(what: str) -> None:
            for name, run in (("preview", session.preview), ("up", session.up)):
                found.append(measure(f"{name}{what}, {nodes} nodes", run, environment=session.environment))

        both(", preflight")
        session.set(phase="secondary")
        session.up()
        both(" without changes, secondary")
    return found
