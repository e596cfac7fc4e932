"""Writes the plugin's messages to the engine's output."""

from threading import Lock
from typing import Any


class EngineLog:
    """Sends warnings and progress to the engine at `address`; without an address it is silent."""

    def __init__(self, address: str = "") -> None:
        self._address = address
        self._stub: Any = None
        self._lock = Lock()

    def attach(self, address: str) -> None:
        """Use another engine from now on."""
        with self._lock:
            self._address, self._stub = address, None

    def warn(self, urn: str, message: str) -> None:
        """Send a warning that stays on the terminal."""
        self._send(urn, message, severity="WARNING", passing=False)

    def progress(self, urn: str, message: str) -> None:
        """Send a status line of the resource; the next one replaces it."""
        self._send(urn, message, severity="INFO", passing=True)

    def _send(self, urn: str, message: str, *, severity: str, passing: bool) -> None:
        if not self._address:
            return
        import grpc
        from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

        with self._lock:
            if self._stub is None:
                self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(self._address))
        request = engine_pb2.LogRequest(
            severity=engine_pb2.LogSeverity.Value(severity), message=message, urn=urn, ephemeral=passing
        )
        try:
            self._stub.Log(request, timeout=5)
        except grpc.RpcError:
            return  # A message that cannot be shown must not fail the operation.
