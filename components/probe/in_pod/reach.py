"""Tries to reach all given targets concurrently, and prints the outcome as one line of JSON.

    reach.py '{"name": "http://10.0.0.1:8080/", "dns": "dns://kubernetes.default.svc", "x": "tcp://10.0.0.1:2"}' SECONDS

Each target is tried again until it answers or the time is over: {"name": {"ok", "seconds", "tries", "said"}}.
Runs in a pod, standard library only.
"""

import json
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

TRY_SECONDS = 3.0
TARGETS = json.loads(sys.argv[1])
END = time.monotonic() + float(sys.argv[2])


def ask(target: str) -> str:
    """One try; raises OSError if it fails."""
    if target.startswith("dns://"):
        return str(socket.gethostbyname(target[6:]))
    if target.startswith("tcp://"):
        host, _, port = target[6:].rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=TRY_SECONDS).close()
        return "accepted"
    context = ssl._create_unverified_context()  # noqa: S323 (any answer counts, whoever sends it)
    try:
        with urllib.request.urlopen(target, timeout=TRY_SECONDS, context=context) as answer:  # noqa: S310
            return f"{answer.status} {answer.read(200).decode(errors='replace')}"
    except urllib.error.HTTPError as error:
        return f"{error.code}"


def reach(target: str) -> dict[str, object]:
    """Try until there is an answer or the time is over."""
    began, tries = time.monotonic(), 0
    while True:
        tries += 1
        try:
            said, ok = ask(target), True
        except OSError as error:
            said, ok = str(error) or type(error).__name__, False
        now = time.monotonic()
        if ok or now >= END:
            return {"ok": ok, "seconds": round(now - began, 3), "tries": tries, "said": said[:200]}
        time.sleep(0.3)


with ThreadPoolExecutor(max_workers=max(1, len(TARGETS))) as pool:
    outcomes = dict(zip(TARGETS, pool.map(reach, TARGETS.values())))
print(json.dumps(outcomes))
