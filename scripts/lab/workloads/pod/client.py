"""The client of every sample workload: runs the flows to its targets and records their results.

A target of pods has one flow for each address of its headless name, so a replaced pod is a new flow.
"""

import asyncio
import json
import os
import secrets
import signal
import time
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from .clock import Clock
from .flows import LIMIT_SECONDS, Measured
from .long import Echo
from .names import name_server
from .records import Event, Flow, FlowKind, Journal, Origin
from .short import Lookups, Requests

_LOOKUP_SECONDS = 1.0
_SUMMARY_SECONDS = 1.0
_FORGET_TERMINATED_SECONDS = 60.0  # an address can be reused by another pod, but only after the grace period


@dataclass(frozen=True, kw_only=True)
class Target:
    """A target of flows. `host` is a full name, or an address that needs no lookup; `interval_ms` is for each flow."""

    kind: FlowKind
    name: str
    host: str
    port: int
    interval_ms: float


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class Client:
    """All flows of one process, driven by one heartbeat."""

    def __init__(self, targets: list[Target], *, journal: Journal, server: tuple[str, int]) -> None:
        self._targets = targets
        self._journal = journal
        self._clock = Clock()
        self._summary_due = 0.0
        self._flows: dict[tuple[Target, str], Measured] = {}
        self._leaving: list[Measured] = []
        self._terminated: dict[tuple[Target, str], float] = {}
        self._lookups = {
            host: Lookups(
                Flow(kind="dns", target=host, address=server[0]),
                server=server,
                interval_seconds=_LOOKUP_SECONDS,
                clock=self._clock,
                journal=journal,
            )
            for host in {target.host for target in targets if not _is_address(target.host)}
        }

    async def run(self) -> None:
        """Run until SIGTERM, then finish pending attempts and write the final counts."""
        loop = asyncio.get_running_loop()
        told_to_end = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, told_to_end.set)
        self._journal.event(Event(kind="started"))
        heart = loop.create_task(self._clock.run(self._beat, on_pause=self._paused))
        ended = loop.create_task(told_to_end.wait())
        await asyncio.wait([heart, ended], return_when=asyncio.FIRST_COMPLETED)
        if heart.done():
            heart.result()
        self._targets = []
        for flow in self._all():
            flow.finish()
        deadline = loop.time() + LIMIT_SECONDS + 0.5
        while loop.time() < deadline and not all(flow.idle for flow in self._all()):
            await asyncio.sleep(0.05)
        heart.cancel()
        self._summarize()
        self._journal.event(Event(kind="stopped"))

    def _all(self) -> list[Measured]:
        return [*self._lookups.values(), *self._flows.values(), *self._leaving]

    def _paused(self, seconds: float) -> None:
        self._journal.event(Event(kind="paused", milliseconds=round(seconds * 1000, 1)))

    def _beat(self, now: float) -> None:
        for target in self._targets:
            self._follow(target, now)
        for flow in self._all():
            flow.tick(now)
        if now >= self._summary_due:
            self._summary_due = now + _SUMMARY_SECONDS
            self._summarize()

    def _summarize(self) -> None:
        self._journal.summary([flow.counts() for flow in self._all()])
        self._leaving = [flow for flow in self._leaving if not flow.idle]

    def _addresses(self, target: Target) -> tuple[str, ...]:
        lookups = self._lookups.get(target.host)
        return lookups.addresses if lookups else (target.host,)

    def _follow(self, target: Target, now: float) -> None:
        """Start a flow for each new address of the target, and end those of addresses that it no longer has."""
        addresses = self._addresses(target)
        for key, flow in list(self._flows.items()):
            if key[0] != target:
                continue
            if key[1] in addresses:
                flow.gone = False
            else:
                flow.peer_gone()
            if flow.terminating:
                self._terminated[key] = now
            if flow.leaving:
                self._leaving.append(self._flows.pop(key))
        for address in addresses:
            key = (target, address)
            if now - self._terminated.get(key, float("-inf")) > _FORGET_TERMINATED_SECONDS and key not in self._flows:
                self._terminated.pop(key, None)
                self._flows[key] = self._new(target, address)

    def _new(self, target: Target, address: str) -> Measured:
        flow = Flow(kind=target.kind, target=target.name, address=address)
        interval = target.interval_ms / 1000
        if target.kind in ("echo-service", "echo-pod"):
            return Echo(flow, port=target.port, interval_seconds=interval, clock=self._clock, journal=self._journal)
        return Requests(
            flow,
            host=target.host,
            port=target.port,
            interval_seconds=interval,
            clock=self._clock,
            journal=self._journal,
        )


def main() -> None:
    """Run by the environment's settings: CLIENT, POD, NODE, TARGETS (a JSON list), RECORDS (a folder), NAME_SERVER."""
    origin = Origin(
        client=os.environ["CLIENT"],
        pod=os.environ["POD"],
        node=os.environ["NODE"],
        run=f"{time.time():.0f}-{secrets.token_hex(3)}",
    )
    journal = Journal(Path(os.environ.get("RECORDS", "/var/log/traffic")) / f"{origin.pod}.jsonl", origin=origin)
    address, _, port = os.environ.get("NAME_SERVER", "").partition(":")
    client = Client(
        [Target(**target) for target in json.loads(os.environ["TARGETS"])],
        journal=journal,
        server=(address, int(port or 53)) if address else name_server(),
    )
    asyncio.run(client.run())
    journal.close()


if __name__ == "__main__":
    main()
