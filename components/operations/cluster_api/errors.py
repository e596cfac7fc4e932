"""Errors of requests to the cluster's API, readable from its answers."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

BEGINNINGS = 5
_HANDSHAKE = re.compile(r"Handshake status (\d+)")
_MESSAGE = re.compile(r'"message":"((?:[^"\\]|\\.)*)"')

Object = dict[str, Any]
NOT_EXECUTED = 429  # refused before anything was done


class ClusterError(Exception):
    """A request that the API refused or did not answer; `status` is the HTTP code, 0 if there was no answer.

    `said` is the server's message alone; `sent` whether it may have acted on the request. `causes` are the server's
    messages, `cause_kinds` their types; `retry_after` is in seconds, 0 if not given.
    """

    def __init__(
        self,
        text: str,
        *,
        said: str = "",
        status: int = 0,
        reason: str = "",
        causes: tuple[str, ...] = (),
        cause_kinds: tuple[str, ...] = (),
        retry_after: float = 0,
        sent: bool = True,
    ) -> None:
        super().__init__(text)
        self.said = said or text
        self.status = status
        self.reason = reason
        self.causes = causes
        self.cause_kinds = cause_kinds
        self.retry_after = retry_after
        self.sent = sent

    @property
    def may_pass(self) -> bool:
        """True if the same request may succeed a moment later."""
        return self.status in (0, 429) or self.status >= 500


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """The output of a command in a container, and its exit code."""

    exit_code: int
    output: str


def error_of(status: int, body: bytes, *, doing: str, retry_after: str) -> ClusterError:
    """The error that the server's answer tells."""
    message, reason = body.decode(errors="replace")[:300], ""
    causes: list[Object] = []
    try:
        answer = json.loads(body)
        message, reason = answer.get("message") or message, answer.get("reason") or ""
        causes = (answer.get("details") or {}).get("causes") or []
    except (ValueError, AttributeError):
        pass
    return ClusterError(
        f"{doing}: the API server answered {status}: {message}",
        said=message,
        status=status,
        reason=reason,
        causes=tuple(cause.get("message", "") for cause in causes),
        cause_kinds=tuple(cause.get("reason", "") for cause in causes),
        retry_after=float(retry_after) if retry_after.isdigit() else 0,
        sent=status != NOT_EXECUTED,
    )


def beginning_of(command: Sequence[str]) -> str:
    """The beginning of a command, which may be a whole script, shortened to fit into a line."""
    return " ".join(" ".join(command).split())[:80]


def root(error: BaseException) -> str:
    """The operating system's message, without the client library's objects around it."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error)


def handshake_error(text: str, *, where: str) -> ClusterError:
    """The error of a command that could not be started, from the server's answer within the library's long text."""
    status, message = _HANDSHAKE.search(text), _MESSAGE.search(text)
    answer = text.rpartition("-+-+-")[2].strip().removeprefix("b'").removesuffix("'")
    said = message[1].replace('\\"', '"') if message else " ".join(answer.split())[:200]
    return ClusterError(f"{where}: cannot be started: {said}", status=int(status[1]) if status else 0)


def exit_code(socket: Any) -> int | None:
    """The exit code of a command that has ended; None if the connection did without telling one."""
    try:
        return int(socket.returncode)
    except TypeError:  # the server closed the connection and said no status
        return None
