"""The definition of a fault: its injection, and the message that the user must get."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from scripts.lab.simulated.faults import Faults, NodeFaults, PodFaults
from tests.faults.site import Site, Workload
from tests.runs import RunningUp


@dataclass
class Scene:
    """One fault's node and workload, and the run that meets it."""

    site: Site
    node: str
    work: Workload
    run: RunningUp
    told_elsewhere: str = ""
    threads: list[threading.Thread] = field(default_factory=list)

    def when(self, said: str, action: Callable[[], object]) -> None:
        """Do this as soon as the run says so of the node."""
        self.run.when(rf"{self.node} .*{said}", action)

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Do this after a while, beside the run."""

        def work() -> None:
            time.sleep(seconds)
            action()

        thread = threading.Thread(target=work)
        self.threads.append(thread)
        thread.start()

    @contextmanager
    def node_faults(self, **faults: Any) -> Iterator[None]:
        """The node is ill until the block ends."""
        with self.site.plane.faults.during(Faults(nodes={self.node: NodeFaults(**faults)}, patience_seconds=2)):
            yield

    @contextmanager
    def pod_faults(self, beginning: str = "", **faults: Any) -> Iterator[None]:
        """Pods (of the workload, unless said otherwise) are ill until the block ends."""
        which = beginning or f"{self.work.namespace}/"
        with self.site.plane.faults.during(Faults(pods={which: PodFaults(**faults)}, patience_seconds=2)):
            yield


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One line of the table.

    `make` is entered before the run and left after it: what it leaves behind is mended. `told` must be in the run's
    output; the first match is what the document shows. A `survived` run ends well in spite of the fault, the others
    fail and the next `pulumi up` completes. A `lost_node` is gone, so it is taken out of the waves for the next; an
    `untouched` one was refused before anything happened to it. `again` is the config of the next run. One that is
    `always` met is part of every sample: connections of pods or to the API are lost in it.
    """

    id: str
    title: str
    make: Callable[[Scene], AbstractContextManager[None]]
    told: str
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    again: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    survived: bool = False
    lost_node: bool = False
    untouched: bool = False
    always: bool = False

    @property
    def then(self) -> str:
        """The outcome, in the document's words."""
        if self.survived:
            return "the same run completes"
        if self.lost_node:
            return "take the node out of `waves`; the next run completes"
        before = "nothing was changed; " if self.untouched else ""
        return f"{before}once that is mended, the next run completes"
