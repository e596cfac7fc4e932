"""A probe's clock: whenever the process stands still, in a beat or between two, that is noticed and told."""

import asyncio
import time

import pytest

from components.probe.in_pod.clock import Clock

_STOP_SECONDS = 0.4


@pytest.mark.parametrize("stopped", ["in a beat", "between two"])
def test_a_stop_is_noticed_wherever_it_falls(stopped: str) -> None:
    async def act() -> None:
        pauses: list[float] = []
        beats: list[float] = []

        def stop() -> None:
            time.sleep(_STOP_SECONDS)

        def beat(_now: float) -> None:
            beats.append(clock.held)
            if len(beats) == 3:
                if stopped == "in a beat":
                    stop()
                else:
                    asyncio.get_running_loop().call_later(0.01, stop)

        clock = Clock(beat, on_pause=lambda _began, seconds: pauses.append(seconds))
        clock.start()
        while len(pauses) < 1:
            await asyncio.sleep(0.01)
        assert clock.held == pytest.approx(pauses[0])
        while len(beats) < 12:
            await asyncio.sleep(0.01)
        clock.stop()
        # A busy machine may add stops of its own.
        assert pauses[0] > _STOP_SECONDS - 0.06
        assert clock.held < pauses[0]

    asyncio.run(asyncio.wait_for(act(), 20))
