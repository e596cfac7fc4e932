"""Answers every HTTP request with who and where this pod is, as JSON. Runs in a pod, standard library only.

`/?bytes=N` pads the answer to about N bytes, so that full-size packets are sent.
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

LARGEST = 1 << 20


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Say who answers, to whom."""
        query = parse_qs(urlsplit(self.path).query)
        size = min(int(query.get("bytes", ["0"])[0]), LARGEST)
        answer = {
            "pod": os.environ.get("POD_NAME", ""),
            "node": os.environ.get("NODE_NAME", ""),
            "peer": self.client_address[0],
            "padding": "x" * size,
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: readiness probes would fill the log."""


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
