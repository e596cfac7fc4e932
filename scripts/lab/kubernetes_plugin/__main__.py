"""Starts the plugin: prints its port as the first line, then serves the engine until it is stopped."""

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from scripts.lab.kubernetes_plugin.protocol.server import Plugin

# The engine's own limit; a cluster's largest objects exceed gRPC's usual four megabytes.
_MESSAGE_BYTES = 400 * 1024 * 1024
_PARENT_POLL_SECONDS = 0.5
# Upstream's plugin checks its engine's health every five minutes, so it outlives the engine by that long.
_ORPHANED_SECONDS = 240.0
_STOP_SECONDS = 25.0


def serve(plugin: Plugin) -> tuple[grpc.Server, int]:
    """Start a server on a free loopback port; returns both."""
    server = grpc.server(
        ThreadPoolExecutor(max_workers=64),
        options=[("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(plugin, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def main() -> None:
    """Serve until the engine ends the process; its address is the last argument."""
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    plugin = Plugin(addresses[-1] if addresses else "")
    server, port = serve(plugin)
    ended = threading.Event()
    # The engine interrupts a plugin that it no longer needs, and waits five seconds for its end.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: ended.set())
    print(port, flush=True)
    parent = os.getppid()
    while os.getppid() == parent and not ended.wait(_PARENT_POLL_SECONDS):
        pass
    ended.wait(_ORPHANED_SECONDS)
    plugin.stop()
    server.stop(grace=_STOP_SECONDS).wait()
    # All requests are answered; an ordinary exit would keep the engine waiting for a tenth of a second.
    os._exit(0)


if __name__ == "__main__":
    main()
