#!/usr/bin/python3
"""What Calico's node image needs of runit: runs each service of a folder, and again whenever it ends.

Called as `runsvdir -P FOLDER` by Calico's own `start_runit`, as the first process of its container.
"""

import os
import signal
import subprocess
import sys
import time
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


def _start(service: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["./run"], cwd=service, start_new_session=True)


def main(folder: Path) -> None:
    """Never returns but by a signal, which every service gets too."""
    services = sorted(file.parent for file in folder.glob("*/run"))
    running = {_start(service).pid: service for service in services}

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
            print(f"runsvdir: {service.name} ended and is started again", flush=True)
            time.sleep(_PAUSE_SECONDS)
            running[_start(service).pid] = service


if __name__ == "__main__":
    main(Path(sys.argv[-1]))
