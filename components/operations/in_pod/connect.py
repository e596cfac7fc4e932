"""Tries to open a connection to each target given, all at once, and prints the outcome as one line of JSON.

    connect.py '{"name": "tcp://10.0.0.1:8080"}' TIMEOUT_SECONDS

A target is tried until it accepts or the time is over: {"name": {"ok", "seconds", "tries", "said"}}.
Runs in a pod, standard library only.
"""

import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

TRY_SECONDS = 2.0
TARGETS = json.loads(sys.argv[1])
END = time.monotonic() + float(sys.argv[2])


def connect(target: str) -> dict[str, object]:
    """Try until it accepts or time is over."""
    url, began, tries = urlsplit(target), time.monotonic(), 0
    while True:
        tries += 1
        try:
            socket.create_connection((url.hostname or "", url.port or 0), timeout=TRY_SECONDS).close()
            said, ok = "accepted", True
        except OSError as error:
            said, ok = str(error) or type(error).__name__, False
        now = time.monotonic()
        if ok or now >= END:
            return {"ok": ok, "seconds": round(now - began, 3), "tries": tries, "said": said[:200]}
        time.sleep(0.3)


with ThreadPoolExecutor(max_workers=max(1, len(TARGETS))) as pool:
    outcomes = dict(zip(TARGETS, pool.map(connect, TARGETS.values())))
print(json.dumps(outcomes))
