"""The probe: answers its neighbours, sends traffic to them, and reports the results in its log.

`python3 -m probe.probe` with this folder as /probe; standard library, Python 3.9 or later. Its parts are a `Clock` that
detects pauses of the process, flows (`echo`, `attempts`) that send and judge, a `Ledger` that counts, and a server for
the other probes' flows.

Every 2 s it prints its whole record as one line, which the kubelet delivers even if the pod network is broken. On
SIGTERM it notifies its peers, hands its record over to a neighbour, which prints it from then on, keeps serving until
it is out of every Service, and closes its connections with a goodbye.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import secrets
import signal
import sys
import time
from collections.abc import Iterable

from .clock import Clock
from .flows.api_calls import ApiCalls
from .flows.dns import NoAddressError, lookup
from .flows.echo import Echo
from .flows.flow import LIMIT_SECONDS, TERMINATING, Flow
from .flows.lookups import Lookups
from .flows.requests import Requests
from .neighbours import choose
from .records.counts_over_time import Past
from .records.inherited import PAST, RECORD, Inherited, hand_over
from .records.ledger import Ledger
from .records.metrics import metrics
from .records.signing import Key
from .serving import Server
from .settings import Settings

_RECORD_SECONDS = 2.0
_RECORDS_A_PAST = 15
_RECORDS_AN_OLD_PAST = 5
_LOOKUP_SECONDS = 5.0
_PROBES_A_LOOKUP_SECOND = 20  # the list of all probes grows with their number: so does the interval of its lookups
_PROBES_AT_FULL_DNS_RATE = 50
_SLOWEST_DNS_SECONDS = 1.0
_FORGET_SECONDS = 60.0  # longer than DNS caches last
_HEIRS_ASKED = 4
_HANDOVER_SECONDS = 1.0


class Probe:
    """The whole state of one process."""

    def __init__(self, settings: Settings, *, pod: str, node: str, address: str, api: tuple[str, int]) -> None:
        self._settings = settings
        self._address = address
        self._api = api
        self._clock = Clock(self._tick, on_pause=self._paused)
        self._ledger = Ledger(pod=pod, node=node, address=address, run=f"{time.time():.0f}-{secrets.token_hex(3)}")
        self._server = Server(pod=pod, node=node, metrics=lambda: metrics(self._ledger), inherit=self._inherit)
        self._server.clock = self._clock
        self._flows: dict[tuple[str, str], Flow] = {}
        self._leaving: list[Flow] = []
        self._ended: dict[str, float] = {}
        self._known: dict[str, tuple[str, ...]] = {}
        self._inherited = Inherited(pod)
        self._key = Key(settings.key_file)
        self._past = Past()
        self._record_due = 0.0
        self._told = 0

    async def run(self) -> None:
        """Serve and measure until SIGTERM, then shut down in order."""
        loop = asyncio.get_running_loop()
        told_to_end = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told_to_end.set)
        settings = self._settings
        listeners = await self._server.start(settings.listen, http=settings.http_port, echo=settings.echo_port)
        self._clock.start()
        gc.collect()
        gc.freeze()
        measures = settings.staying_neighbours + settings.moving_neighbours > 0
        following = loop.create_task(self._follow()) if measures else None
        await told_to_end.wait()
        began = time.monotonic()
        self._server.terminating = True
        self._server.say(b"terminating")
        if following:
            following.cancel()
            await self._end_measuring()
        await asyncio.sleep(max(0.0, began + settings.lame_duck_seconds - time.monotonic()))
        for listener in listeners:
            listener.close()
        for echo in list(self._server.echoes):
            echo.end()
        deadline = time.monotonic() + _HANDOVER_SECONDS
        while self._server.echoes and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        self._clock.stop()
        for echo in list(self._server.echoes):
            echo.cut()

    def _tick(self, now: float) -> None:
        for flow in self._flows.values():
            flow.tick(now)
        for flow in self._leaving:
            flow.tick(now)
        if any(flow.leaving for flow in self._flows.values()):
            self._let_go(now)
        if self._record_due and now >= self._record_due:
            self._record_due = now + _RECORD_SECONDS
            self._leaving = [
                flow for flow in self._leaving if now - self._ended.get(flow.address, 0) < LIMIT_SECONDS + 1
            ]
            self._tell()

    def _let_go(self, now: float) -> None:
        """Apply one flow's notice of its peer's termination to all flows to that peer."""
        for (kind, address), flow in list(self._flows.items()):
            if flow.leaving:
                self._leaving.append(self._flows.pop((kind, address)))
                if flow.to_pod:
                    self._ended[address] = now
                    for other in self._flows.values():
                        if other.to_pod and other.address == address:
                            other.finish(TERMINATING)

    def _paused(self, began: float, seconds: float) -> None:
        self._server.paused_at, self._server.paused_ms = time.monotonic(), seconds * 1000
        self._ledger.paused(began, seconds)
        for flow in [*self._flows.values(), *self._leaving]:
            flow.paused(seconds)

    # Targets.

    async def _follow(self) -> None:
        """Look up the probes' names regularly; the last answer stays valid while none comes."""
        settings = self._settings
        self._record_due = time.monotonic() + _RECORD_SECONDS
        while True:
            for name in (settings.staying, settings.moving, settings.service):
                if name:
                    server = (settings.name_server, settings.name_server_port)
                    with contextlib.suppress(OSError, NoAddressError, asyncio.TimeoutError, EOFError):
                        self._known[name] = await lookup(self._full(name), server=server)
            self._arrange()
            probes = len(self._known.get(settings.staying, ()))
            pause = max(_LOOKUP_SECONDS, probes / _PROBES_A_LOOKUP_SECOND) if self._flows else 0.5
            await asyncio.sleep(pause * random.uniform(0.9, 1.1))  # noqa: S311 (so that not all ask at once)

    def _full(self, name: str) -> str:
        return f"{name}.{self._settings.domain}" if self._settings.domain and not name.endswith(".") else name

    def _neighbours(self) -> list[tuple[str, bool]]:
        """(address, True if the pod stays on its node) of each chosen target."""
        now, settings = time.monotonic(), self._settings
        self._ended = {address: at for address, at in self._ended.items() if now - at < _FORGET_SECONDS}
        found: list[tuple[str, bool]] = []
        for name, count in (
            (settings.staying, settings.staying_neighbours),
            (settings.moving, settings.moving_neighbours),
        ):
            candidates = [address for address in self._known.get(name, ()) if address not in self._ended]
            found += [(address, name == settings.staying) for address in choose(self._address, candidates, count)]
        return found

    def _arrange(self) -> None:
        """Start and end flows, to match the chosen targets."""
        settings = self._settings
        wanted: list[tuple[str, str]] = []
        for address, stays in self._neighbours():
            kinds = ("pod-http", "pod-full", "pod-echo") if stays else ("pod-http", "pod-echo")
            wanted += ((kind, address) for kind in kinds)
        for address in self._known.get(settings.service, ())[:1]:
            wanted += ((kind, address) for kind in ("service-http", "service-echo"))
        if not settings.echoes:
            wanted = [(kind, address) for kind, address in wanted if kind.endswith("-http")]
        wanted.append(("dns", settings.name_server))
        if self._api[0]:
            wanted.append(("api", self._api[0]))
        listed = {address for addresses in self._known.values() for address in addresses}
        for (kind, address), flow in self._flows.items():
            flow.gone = flow.to_pod and address not in listed
            if (kind, address) not in wanted and not flow.gone:
                flow.finish("")
        for kind, address in wanted:
            if (kind, address) not in self._flows:
                self._flows[kind, address] = self._new(kind, address)

    def _new(self, kind: str, address: str) -> Flow:
        settings, clock, ledger = self._settings, self._clock, self._ledger
        if kind == "dns":
            probes = len(self._known.get(settings.staying, ()))
            interval = max(
                settings.dns_seconds,
                min(_SLOWEST_DNS_SECONDS, settings.dns_seconds * probes / _PROBES_AT_FULL_DNS_RATE),
            )
            server = (settings.name_server, settings.name_server_port)
            name = self._full(settings.service)
            return Lookups(name, server=server, interval=interval, clock=clock, ledger=ledger)
        if kind == "api":
            return ApiCalls(address, port=self._api[1], interval=settings.api_seconds, clock=clock, ledger=ledger)
        to_pod = kind.startswith("pod-")
        if kind.endswith("-http"):
            port = settings.http_port if to_pod else settings.service_http_port
            interval = settings.http_seconds if to_pod else settings.service_http_seconds
            return Requests(kind, address, port=port, interval=interval, clock=clock, ledger=ledger)
        full = kind == "pod-full"
        return Echo(
            kind,
            address,
            port=settings.echo_port if to_pod else settings.service_echo_port,
            full_size=full,
            interval=settings.full_seconds if full else settings.echo_seconds,
            clock=clock,
            ledger=ledger,
        )

    # The record.

    def _tell(self) -> None:
        """Print the own record, now and then the own past, and inherited lines in turn."""
        self._told += 1
        self._past.take(self._ledger.rows.values(), at=time.time())
        lines = [self._record(), *self._inherited.next(RECORD)]
        if self._told % _RECORDS_A_PAST == 1:
            lines.append(self._past.line(self._ledger.origin))
        elif self._told % _RECORDS_AN_OLD_PAST == 0:
            lines += self._inherited.next(PAST)
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()

    def _record(self, *, final: bool = False) -> str:
        inherited = self._inherited
        return self._ledger.line(inherited=inherited.count(RECORD), inherited_pasts=inherited.count(PAST), final=final)

    def _inherit(self, body: bytes, signed: str, receiver: str) -> bool:
        """Take over a final line of a terminating probe; False if it is invalid, or not signed for this probe."""
        known = self._key.signed(signed, body, receiver=receiver, now=time.time())
        line = self._inherited.take(body.decode(errors="replace")) if known else ""
        if line:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        return bool(line)

    async def _end_measuring(self) -> None:
        """End the flows, print the last record, and hand it over to a neighbour with all inherited lines."""
        self._ledger.terminating = time.time()
        heirs = self._heirs()
        for flow in self._flows.values():
            flow.finish(TERMINATING)
        await asyncio.sleep(0.1)
        self._record_due = 0.0
        self._past.take(self._ledger.rows.values(), at=time.time())
        final = [self._record(final=True), self._past.line(self._ledger.origin)]
        print(*final, sep="\n", flush=True)
        for address in heirs:
            with contextlib.suppress(OSError, asyncio.TimeoutError, EOFError):
                for line in [*final, *self._inherited.lines]:
                    handing = hand_over(line, key=self._key, address=address, port=self._settings.http_port)
                    await asyncio.wait_for(handing, _HANDOVER_SECONDS)
                return

    def _heirs(self) -> Iterable[str]:
        settings = self._settings
        stay = choose(self._address, self._known.get(settings.staying, ()), _HEIRS_ASKED)
        known_good = [address for address in stay if address not in self._ended]
        move = choose(self._address, self._known.get(settings.moving, ()), 1)
        return [*known_good, *(address for address in move if address not in self._ended)]


def main() -> None:
    """Run with the environment's POD_NAME, NODE_NAME, POD_IP, SETTINGS, and API server address."""
    environment = os.environ
    probe = Probe(
        Settings.read(environment),
        pod=environment.get("POD_NAME", ""),
        node=environment.get("NODE_NAME", ""),
        address=environment.get("POD_IP", ""),
        api=(environment.get("KUBERNETES_SERVICE_HOST", ""), int(environment.get("KUBERNETES_SERVICE_PORT", "443"))),
    )
    asyncio.run(probe.run())


if __name__ == "__main__":
    main()
