"""The matrix tried for real: each probe is a TCP connection made inside of a pod."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from scripts.lab.lab import Lab
from tests.policies.oracle import matrix
from tests.policies.oracle.matrix import APPS, PROBES, Probe

_CONNECT = """
import concurrent.futures, json, socket
def reached(target):
    try:
        socket.create_connection(tuple(target), timeout=1.5).close()
        return True
    except OSError:
        return False
targets = {targets}
with concurrent.futures.ThreadPoolExecutor(len(targets)) as pool:
    print(json.dumps(list(pool.map(reached, targets))))
"""


@dataclass(frozen=True)
class Place:
    """Where the pod of an app is now."""

    pod: str
    address: str
    node: str


@dataclass(frozen=True)
class Reading:
    """The results of every probe, and the pods' nodes at both ends of the reading; None for a missing pod."""

    found: Mapping[Probe, bool | None]
    places: Mapping[str, Place]

    def wrong(self, among: Iterable[Probe] = PROBES) -> list[str]:
        """The probes that found other than their author meant."""
        return [
            f"{each.source} ({self.node(each.source)}) to {each.to} ({self.node(each.to)}) port {each.port}: "
            f"{self.found[each]}, meant {each.allowed}: {each.why}"
            for each in among
            if self.found[each] is not each.allowed
        ]

    def node(self, name: str) -> str:
        place = self.places.get(name)
        return place.node if place else "outside"


def places(lab: Lab) -> dict[str, Place]:
    """The Ready pod of each app that is not about to go."""
    found: dict[str, Place] = {}
    for space in matrix.SPACES:
        items: list[dict[str, Any]] = json.loads(lab.kubectl("-n", space, "get", "pods", "-o", "json").stdout)["items"]
        for item in items:
            ready = any(
                each["type"] == "Ready" and each["status"] == "True" for each in item["status"].get("conditions", [])
            )
            if ready and not item["metadata"].get("deletionTimestamp"):
                found[item["metadata"]["labels"]["app"]] = Place(
                    pod=item["metadata"]["name"], address=item["status"]["podIP"], node=item["spec"]["nodeName"]
                )
    return found


def read(lab: Lab) -> Reading:
    """Try every probe once."""
    before = places(lab)

    def from_one(source: str) -> dict[Probe, bool | None]:
        mine = [each for each in PROBES if each.source == source]
        there = [each for each in mine if each.to in before or each.to == matrix.OUTSIDE]
        targets = [(before[each.to].address if each.to in before else each.to, each.port) for each in there]
        if source not in before or not targets:
            return dict.fromkeys(mine)
        command = ("-n", APPS[source].namespace, "exec", before[source].pod, "--", "python3", "-c")
        done = lab.kubectl(*command, _CONNECT.format(targets=targets), check=False)
        if done.returncode != 0:
            return dict.fromkeys(mine)
        return {**dict.fromkeys(mine), **dict(zip(there, json.loads(done.stdout), strict=True))}

    sources = sorted({each.source for each in PROBES})
    with ThreadPoolExecutor(len(sources)) as pool:
        found = {probe: result for results in pool.map(from_one, sources) for probe, result in results.items()}
    after = places(lab)
    moved = {name for name in APPS if before.get(name) != after.get(name)}
    kept = {each: None if {each.source, each.to} & moved else result for each, result in found.items()}
    return Reading(found=kept, places=before)


def settle(lab: Lab, wrong: Callable[[Reading], list[str]], *, seconds: float = 45) -> Reading:
    """Read until nothing is wrong, twice in a row; fails with what is."""
    end, good = time.monotonic() + seconds, 0
    while True:
        reading = read(lab)
        faults = wrong(reading)
        good = 0 if faults else good + 1
        if good == 2:
            return reading
        assert time.monotonic() < end, "\n".join(faults)


@dataclass
class Watch:
    """Reads on and on in the background, and keeps every denied connection that was let through."""

    lab: Lab
    denied: tuple[Probe, ...]
    counts: Callable[[Reading, Probe], bool]
    readings: int = 0
    tried: int = 0
    let_through: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Watch":
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=60)

    def _run(self) -> None:
        while not self._stop.wait(1):
            reading = read(self.lab)
            self.readings += 1
            held = [each for each in self.denied if reading.found[each] is not None and self.counts(reading, each)]
            self.tried += len(held)
            self.let_through += reading.wrong(held)
