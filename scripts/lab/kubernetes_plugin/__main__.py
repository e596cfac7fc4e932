"""Starts the plugin: prints its port on the first line, then serves the engine until it is ended."""

import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from scripts.lab.kubernetes_plugin.server import Plugin

# The engine's own limit; a cluster's largest objects exceed gRPC's usual four megabytes.
_MESSAGE_BYTES = 400 * 1024 * 1024


def serve(engine_address: str) -> tuple[grpc.Server, int]:
    """A started server on a free loopback port, and that port."""
    server = grpc.server(
        ThreadPoolExecutor(max_workers=64),
        options=[("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Plugin(engine_address), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def main() -> None:
    """Serve until the engine ends the process; its address is the last argument."""
    # Ctrl-C reaches the whole process group; the engine decides when a plugin ends, and cancels it first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    server, port = serve(addresses[-1] if addresses else "")
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
