"""One long flow in this process, against a peer that does what it should not."""

import asyncio

import pytest

from components.probe.in_pod.clock import Clock
from components.probe.in_pod.flows.echo import Echo
from components.probe.in_pod.flows.flow import TERMINATING, VANISHED
from components.probe.in_pod.records.ledger import Ledger


@pytest.mark.parametrize("end", [VANISHED, TERMINATING, ""])
def test_whom_nobody_ever_met_loses_nothing(end: str) -> None:
    """A pod that is being started or ended may take connections and drop them, without a word of its own."""

    async def act() -> None:
        drops: list[None] = []

        async def drop(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            drops.append(None)
            writer.transport.abort()

        ledger = Ledger(pod="probe-1", node="worker-1", address="127.0.0.1", run="run-1")

        def beat(now: float) -> None:
            echo.tick(now)

        clock = Clock(beat, on_pause=lambda _began, seconds: echo.paused(seconds))
        async with await asyncio.start_server(drop, "127.0.0.1", 0) as stranger:
            port = stranger.sockets[0].getsockname()[1]
            echo = Echo("pod-echo", "127.0.0.1", port=port, full_size=False, interval=0.05, clock=clock, ledger=ledger)
            clock.start()
            while len(drops) < 3:
                await asyncio.sleep(0.05)
            echo.finish(end)
            await asyncio.sleep(0.5)
            clock.stop()
        row = ledger.row("pod-echo", "127.0.0.1")
        assert (row.sent, row.failed, row.planned) == (0, 0, 0)
        assert list(ledger.outages) == []

    asyncio.run(asyncio.wait_for(act(), 20))
