import socket
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1.health import HealthServicer
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server

from processor.cli import healthcheck, main


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
    assert capsys.readouterr().out == f"{endpoint} is serving\n"


def test_one_that_stops_is_not(health, capsys):
    servicer, endpoint = health
    servicer.set("", HealthCheckResponse.NOT_SERVING)
    assert main(["healthcheck", "--endpoint", endpoint]) == 1
    assert capsys.readouterr().out == f"{endpoint} is not serving: NOT_SERVING\n"


def test_nobody_there_is_one_line_and_no_traceback(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Ours now, and connections to it are refused.
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["healthcheck", "--endpoint", endpoint]) == 1
    shown = capsys.readouterr()
    assert shown.out == (
        f"{endpoint} cannot be asked: nothing listens there, or not with plain-text gRPC\n"
    )
    assert shown.err == ""


def test_no_answer_in_time_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(healthcheck, "_TIMEOUT_S", 0.1)
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
