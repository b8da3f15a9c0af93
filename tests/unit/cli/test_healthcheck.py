import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import grpc
import pytest
from grpc_health.v1.health import HealthServicer
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server

from processor.cli import healthcheck, main
from processor.surfaces.queries import Report


@pytest.fixture
def health():
    server = grpc.server(ThreadPoolExecutor(1))
    servicer = HealthServicer()
    add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_a_serving_processor_is_healthy(health, capsys):
    servicer, endpoint = health
    servicer.set("", HealthCheckResponse.SERVING)
    assert main(["healthcheck", "--endpoint", endpoint]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{endpoint} is serving; details not available: ")


@pytest.mark.parametrize(
    ("report", "code", "shown"),
    [
        (Report("serving", ()), 0, " is serving\n"),
        (
            Report("degraded", ("a is away", "b too")),
            0,
            " is serving, but degraded\n  a is away\n  b too\n",
        ),
        (
            Report("failing", ("the disk is full\x1b[2J",)),
            1,
            " is failing\n  the disk is full\\x1b[2J\n",
        ),
    ],
)
def test_what_fails_while_it_serves_is_shown(health, report, code, shown, capsys, monkeypatch):
    """Guarantees: the same answer as /health, also where that is switched off."""
    servicer, endpoint = health
    servicer.set("", HealthCheckResponse.SERVING)

    async def answer(_self):
        return report

    monkeypatch.setattr(healthcheck.Remote, "health", answer)
    assert main(["healthcheck", "--endpoint", endpoint]) == code
    assert capsys.readouterr().out == f"{endpoint}{shown}"


def test_one_that_stops_is_not(health, capsys):
    servicer, endpoint = health
    servicer.set("", HealthCheckResponse.NOT_SERVING)
    assert main(["healthcheck", "--endpoint", endpoint]) == 1
    assert capsys.readouterr().out.startswith(f"{endpoint} is not serving; details not available: ")


def test_nobody_there_is_one_line_and_no_traceback(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Ours now, and connections to it are refused.
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["healthcheck", "--endpoint", endpoint]) == 1
    shown = capsys.readouterr()
    assert shown.out == (
        f"{endpoint} cannot be asked: nothing listens there, or not with plain-text gRPC "
        "(it is asked where spans are sent to over gRPC, such as HOST:4317; "
        "for TLS give --config, --ca-file, or an address with https://)\n"
    )
    assert shown.err == ""


def test_no_answer_in_time_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(healthcheck, "HEALTH_TIMEOUT_S", 0.1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # It takes connections and says nothing.
        endpoint = f"127.0.0.1:{silent.getsockname()[1]}"
        assert main(["healthcheck", "--endpoint", endpoint]) == 1
    assert capsys.readouterr().out == f"{endpoint} cannot be asked: no answer within 0.1 s\n"


def test_a_server_without_health_is_recognised(capsys):
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        assert main(["healthcheck", "--endpoint", f"127.0.0.1:{port}"]) == 1
    finally:
        server.stop(None).wait()
    assert (
        "cannot be asked: what listens there is not an llm-cost processor"
        in capsys.readouterr().out
    )


class _Answers(BaseHTTPRequestHandler):
    status, body = 200, b""

    def do_GET(self):
        self.send_response(self.status if self.path == "/health" else 404)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_arguments):
        """Nothing: the test says what it expects."""


@pytest.mark.parametrize(
    ("status", "body", "code", "shown"),
    [
        (200, {"status": "serving", "reasons": []}, 0, " is serving\n"),
        (
            200,
            {"status": "degraded", "reasons": ["a is away"]},
            0,
            " is serving, but degraded\n  a is away\n",
        ),
        (503, {"status": "failing", "reasons": ["a"]}, 1, " is failing\n  a\n"),
        (
            200,
            "hello",
            1,
            " cannot be asked: what listens there is not an llm-cost processor\n",
        ),
    ],
)
def test_the_address_of_health_over_http_is_asked_there(
    status, body, code, shown, capsys, monkeypatch
):
    """Guarantees: a probe that needs neither token nor certificate, and no proxy in between."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    handler = type("Handler", (_Answers,), {"status": status, "body": json.dumps(body).encode()})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/health"
        try:
            assert main(["healthcheck", "--endpoint", url]) == code
        finally:
            server.shutdown()
            thread.join()
    assert capsys.readouterr().out == f"{url}{shown}"


def test_health_over_http_of_nobody_is_one_line(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/health"
        assert main(["healthcheck", "--endpoint", url]) == 1
    assert capsys.readouterr().out.startswith(f"{url} cannot be asked: ")
