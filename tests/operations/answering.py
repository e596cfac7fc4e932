"""A client of a small server that answers as a test says."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from components.operations.cluster_api.api import Cluster


@contextmanager
def client_of(answers: type[BaseHTTPRequestHandler]) -> Iterator[Cluster]:
    """The client, as long as the server runs; nobody logs in there."""
    with ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        kubeconfig = {
            "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "users": [{"name": "it", "user": {}}],
            "current-context": "it",
        }
        yield Cluster(kubeconfig=json.dumps(kubeconfig))
        server.shutdown()
