"""Starts the plugin: prints its port on the first line, then serves the engine until it is ended."""

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from scripts.lab.kubernetes_plugin.server import Plugin

# The engine's own limit; a cluster's largest objects exceed gRPC's usual four megabytes.
_MESSAGE_BYTES = 400 * 1024 * 1024
_PARENT_POLL_SECONDS = 0.5
_STOP_SECONDS = 25.0


def serve(plugin: Plugin) -> tuple[grpc.Server, int]:
    """A started server on a free loopback port, and that port."""
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
    # The engine interrupts a plugin that it is done with, and waits five seconds for its end.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: ended.set())
    print(port, flush=True)
    parent = os.getppid()
    # An engine that is killed can tell nobody; what it asked for must not go on without it.
    while os.getppid() == parent and not ended.wait(_PARENT_POLL_SECONDS):
        pass
    plugin.stop()
    server.stop(grace=_STOP_SECONDS).wait()
    # All is answered; taking the modules down one by one would keep the engine waiting for a tenth of a second.
    os._exit(0)


if __name__ == "__main__":
    main()
