"""Final records of terminated probes, which a neighbour prints again until it ends itself."""

from __future__ import annotations

import asyncio
import json
import time

from .signing import HEADER, Key
from .validation import read_past, read_record

_KEPT = 64
RECORD, PAST = "probe", "past"
_Key = tuple[str, str, str]


class Inherited:
    """Inherited records and pasts, one of each per run."""

    def __init__(self, pod: str) -> None:
        self._pod = pod
        self._lines: dict[_Key, str] = {}
        self._turns = {RECORD: 0, PAST: 0}

    @property
    def lines(self) -> list[str]:
        """All inherited lines."""
        return list(self._lines.values())

    def count(self, what: str) -> int:
        """The number of inherited records, or of pasts."""
        return sum(key[0] == what for key in self._lines)

    def take(self, text: str) -> str:
        """Take over a final line of a terminating probe; returns the line to print, empty if it is invalid."""
        said = read_record(text)
        what = RECORD if said else PAST
        said = said or read_past(text)
        if said is None:
            return ""
        said.pop("counts", None)
        key = (what, said["pod"], said["run"])
        known = json.loads(self._lines[key]) if key in self._lines else said
        if what == RECORD and known["number"] > said["number"]:
            return ""
        said["by"] = self._pod
        line = self._lines[key] = json.dumps(said, separators=(",", ":"))
        mine = [each for each in self._lines if each[0] == what]
        for oldest in mine[: max(0, len(mine) - _KEPT)]:
            del self._lines[oldest]
        return line

    def next(self, what: str) -> list[str]:
        """The next line to print in turn, if there is any."""
        mine = [line for key, line in self._lines.items() if key[0] == what]
        self._turns[what] += 1
        return [mine[self._turns[what] % len(mine)]] if mine else []


async def hand_over(line: str, *, key: Key, address: str, port: int) -> None:
    """Hand a line over to another probe; raises OSError if it does not accept it."""
    reader, writer = await asyncio.open_connection(address, port)
    try:
        body = line.encode()
        signed = key.sign(body, receiver=address, at=time.time())
        head = f"POST /inherit HTTP/1.1\r\nhost: {address}\r\n{HEADER}: {signed}\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        status = await reader.readline()
        if status.split()[1:2] != [b"200"]:
            raise OSError(f"{address} does not take the record: {status!r}")
    finally:
        writer.close()
