"""Signatures of lines that probes hand over: with the shared key, for one receiver, and valid for a limited time."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

HEADER = "x-probe-signed"
_VALID_SECONDS = 300.0  # long enough for differing clocks


class Key:
    """The key in a file, read on each use, so that a renewed key works at once; without the file nothing is signed."""

    def __init__(self, file: str) -> None:
        self._file = Path(file)
        self._seen: dict[str, float] = {}

    def sign(self, line: bytes, *, receiver: str, at: float) -> str:
        """The value of HEADER: time and signature; empty without a key."""
        moment = f"{at:.3f}"
        digest = self._digest(line, receiver=receiver, moment=moment)
        return f"{moment} {digest}" if digest else ""

    def signed(self, said: str, line: bytes, *, receiver: str, now: float) -> bool:
        """True if it was signed with the key, for this receiver, recently, and was not seen before."""
        moment, _, digest = said.partition(" ")
        mine = self._digest(line, receiver=receiver, moment=moment)
        if not mine or not hmac.compare_digest(mine.encode(), digest.encode()):
            return False
        if abs(now - float(moment)) > _VALID_SECONDS or digest in self._seen:
            return False
        self._seen = {each: at for each, at in self._seen.items() if now - at < 2 * _VALID_SECONDS}
        self._seen[digest] = now
        return True

    def _digest(self, line: bytes, *, receiver: str, moment: str) -> str:
        try:
            key = self._file.read_bytes().strip()
        except OSError:
            return ""
        if not key:
            return ""
        return hmac.new(key, f"{moment}\n{receiver}\n".encode() + line, hashlib.sha256).hexdigest()
