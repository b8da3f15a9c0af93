"""A running processor asked over HTTP: what it says, and why it could not be asked."""

import json
import socket
import threading

import pytest

from processor.cli.choice import ClosedError, NoAnswerError, RefusedError
from processor.cli.questions.address import ApiAddress
from processor.cli.questions.remote import Remote
from processor.core.errors import NotFoundError
from processor.surfaces.api import InvalidParametersError
from processor.surfaces.api.documents import CallsDocument, StatusDocument


def problem(status, detail, *errors):
    return json.dumps(
        {"type": "urn:x", "title": "t", "status": status, "detail": detail, "errors": errors}
    ).encode()


def test_an_answer_is_handed_on_byte_for_byte(api):
    """Guarantees: what is printed is what came, the question is quoted, the token is shown."""
    port, asked = api(body=' {"ä": 1.50}\n'.encode())
    remote = Remote(ApiAddress("127.0.0.1", port, token="secret-token"))
    query = [("filter[team]", "a b,c"), ("group_by", "model")]
    assert remote.text("/costs", query, "csv") == ' {"ä": 1.50}\n'
    remote.close()
    path = "/api/v1/costs?filter%5Bteam%5D=a+b%2Cc&group_by=model&format=csv"
    assert asked == [(each, "Bearer secret-token") for each in ("/api/v1/status", path)]


def test_an_answer_of_another_version_is_no_stack_trace(api):
    port, _ = api(body=b'{"new": 1}')
    remote = Remote(ApiAddress("127.0.0.1", port))
    with pytest.raises(RefusedError, match="another version"):
        remote.get(StatusDocument, "/status")
    remote.close()


def test_what_a_newer_processor_says_beyond_is_left_out(api):
    """Guarantees: a command of before can be used while processors are brought up to date."""
    as_of = {"read_at": None, "last_call_at": None, "version": "1", "new": 1}
    body = {"data": [], "next_cursor": None, "time_zone": "UTC", "partial": [], "new": []}
    port, _ = api(body=json.dumps(body | {"as_of": as_of}).encode())
    remote = Remote(ApiAddress("127.0.0.1", port))
    assert remote.get(CallsDocument, "/calls").data == []
    remote.close()


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (401, problem(401, "a token is needed"), ClosedError, "LLM_COST_TOKEN"),
        (403, problem(403, "put these lines"), ClosedError, "put these lines"),
        (404, problem(404, "no such trace"), NotFoundError, "no such trace"),
        (503, problem(503, "takes too long"), RefusedError, "takes too long"),
        (404, b"there is only /metrics", ClosedError, "switched off"),
    ],
)
def test_a_refusal_says_why(api, status, body, error, said):
    port, _ = api(status, body)
    with pytest.raises(error, match=said):
        Remote(ApiAddress("127.0.0.1", port))


def test_parameters_that_cannot_be_used_are_named(api):
    mistake = {"parameter": "by", "detail": "unknown", "fix": "is it x?", "choices": []}
    port, _ = api(400, problem(400, "wrong", mistake))
    with pytest.raises(InvalidParametersError) as caught:
        Remote(ApiAddress("127.0.0.1", port))
    assert caught.value.problems[0].fix == "is it x?"


def test_the_http_address_of_spans_is_recognised(api):
    port, _ = api(404, b'{"message": "there is only /v1/traces"}')
    with pytest.raises(NoAnswerError, match="applications send spans"):
        Remote(ApiAddress("127.0.0.1", port))


def test_another_program_is_no_processor(api):
    port, _ = api(200, b"hello", server="nginx")
    with pytest.raises(NoAnswerError, match="not our API"):
        Remote(ApiAddress("127.0.0.1", port))


def test_nothing_that_listens_is_said():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NoAnswerError, match=rf"http://127.0.0.1:{port} .* nothing listens there"):
        Remote(ApiAddress("127.0.0.1", port))


def test_the_address_of_spans_is_recognised():
    """Guarantees: who gives the OTLP port is told so, and what to give instead."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings_frame = b"\x00\x00\x18\x04\x00\x00\x00\x00\x00" + b"\x00" * 24

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(settings_frame)

        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        with pytest.raises(NoAnswerError, match=r"applications send spans .* http://HOST:8888"):
            Remote(ApiAddress("127.0.0.1", port))


def test_a_connection_that_was_idle_too_long_is_made_again():
    """Guarantees: that the server has closed it meanwhile is no failure."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answer = b"HTTP/1.1 200 OK\r\nServer: llm-cost-processor\r\nContent-Length: 2\r\n\r\n{}"

        def serve():
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        remote = Remote(ApiAddress("127.0.0.1", listener.getsockname()[1]))
        assert remote.text("/costs", (), "json") == "{}"
        remote.close()
