"""A processor's API as a command sees it, and what it is asked."""

from __future__ import annotations

import argparse
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

FLAGS = (
    "endpoint", "data_dir", "config", "pricing", "budgets", "ca_file", "cert_file", "key_file",
)  # fmt: skip


@pytest.fixture
def given():
    """Arguments of a command; what is not given is None."""

    def make(**flags):
        return argparse.Namespace(**{**dict.fromkeys(FLAGS), **flags})

    return make


@pytest.fixture
def api():
    """Starts a server that gives the same answer to every question; returns it with its port."""
    servers = []

    def start(status=200, body=b"{}", server="llm-cost-processor"):
        asked = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            server_version, sys_version = server, ""

            def version_string(self):
                return server

            def do_GET(self):
                asked.append((self.path, self.headers.get("Authorization")))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(running)
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        return running.server_address[1], asked

    yield start
    for each in servers:
        each.shutdown()
        each.server_close()
