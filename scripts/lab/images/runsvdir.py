#!/usr/bin/python3
"""What Calico's node image needs of runit: runs each service of a folder, and again whenever it ends.

Called as `runsvdir -P FOLDER` by Calico's own `start_runit`, as the first process of its container.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

_PAUSE_SECONDS = 1.0


def _ended() -> int:
    """Wait for any child, also one that was left to us; returns its process id."""
    try:
        return os.wait()[0]
    except ChildProcessError:
        time.sleep(_PAUSE_SECONDS)
        return 0


@dataclass
class _Service:
    folder: Path
    # Kept, as one that nobody holds is waited for by `subprocess` itself and its end missed here.
    process: "subprocess.Popen[bytes]"

    @classmethod
    def start(cls, folder: Path) -> "_Service":
        return cls(folder, subprocess.Popen(["./run"], cwd=folder, start_new_session=True))


def main(folder: Path) -> None:
    """Never returns but by a signal, which every service gets too."""
    started = [_Service.start(file.parent) for file in sorted(folder.glob("*/run"))]
    running = {service.process.pid: service for service in started}

    def stop(signum: int, frame: FrameType | None) -> None:
        del frame
        for pid in running:
            os.kill(pid, signal.SIGTERM)
        sys.exit(128 + signum)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    while True:
        service = running.pop(_ended(), None)
        if service:
            print(f"runsvdir: {service.folder.name} ended and is started again", flush=True)
            time.sleep(_PAUSE_SECONDS)
            service = _Service.start(service.folder)
            running[service.process.pid] = service


if __name__ == "__main__":
    main(Path(sys.argv[-1]))
