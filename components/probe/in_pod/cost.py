"""CPU time and memory of this process."""

from __future__ import annotations

import os
import time
from pathlib import Path


def processor_seconds() -> float:
    """CPU seconds since the process started."""
    return time.process_time()


def memory_bytes() -> int:
    """Resident now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
