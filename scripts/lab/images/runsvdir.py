#!/usr/bin/python3
"""A minimal replacement of runit for Calico's node image: runs each service of a folder, and restarts it when it ends.

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
    """Wait for any child, including adopted orphans; returns its process id."""
    try:
        return os.wait()[0]
    except ChildProcessError:
        time.sleep(_PAUSE_SECONDS)
        return 0


@dataclass
class _Service:
    folder: Path
    # Kept: `subprocess` would reap an unreferenced one itself, and its end would be missed here.
    process: "subprocess.Popen[bytes]"

    @classmethod
    def start(cls, folder: Path) -> "_Service":
        return cls(folder, subprocess.Popen(["./run"], cwd=folder, start_new_session=True))


def main(folder: Path) -> None:
    """Run all services until a signal, which is passed on to every service."""
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
