"""Rules 18, 19, 23, 25 and 26: what a sender gets when something is wrong."""

from __future__ import annotations

import asyncio
import gzip
import logging

import grpc
import pytest
from conformance.incoming import JSON, METHODS, PROTOBUF, Gateway, Refusal, a_span, ask, traces
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped]  # no py.typed
    BadRequest,
    RetryInfo,
)
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from processor.core import errors
from processor.core.errors import BackendRefusedError, ProcessorError
from processor.io.receiver import HttpListener, Receiver
from processor.surfaces.grpc.generated.cost_service_pb2 import ListUnpricedResponse

Code = grpc.StatusCode
SPAN = traces(a_span())
TOKEN, OTHER_TOKEN = "a-token-that-nobody-knows", "another-token-of-some-length"
GUARDED = f"""
receivers: {{otlp: {{protocols: {{
  grpc: {{auth: {{bearer_tokens: [{TOKEN}, {OTHER_TOKEN}]}}}},
  http: {{auth: {{bearer_tokens: [{TOKEN}, {OTHER_TOKEN}]}}}}}}}}}}
"""
NARROW = {"exporters.otlp.max_in_flight_mib": 1}
IMPATIENT = {
    "exporters.otlp.retry_on_failure.initial_interval": "10ms",
    "exporters.otlp.retry_on_failure.max_elapsed_time": "300ms",
}
COLLECTOR = {
    Code.INVALID_ARGUMENT: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.UNIMPLEMENTED: 404,
    Code.RESOURCE_EXHAUSTED: 413,  # The Collector has 429, which means: retry.
}
RETRYABLE = {
    Code.CANCELLED,
    Code.DEADLINE_EXCEEDED,
    Code.ABORTED,
    Code.OUT_OF_RANGE,
    Code.UNAVAILABLE,
    Code.DATA_LOSS,
}
OURS = {
    errors.UndecodableError: (Code.INVALID_ARGUMENT, 400),
    errors.TooLargeError: (Code.RESOURCE_EXHAUSTED, 413),
    errors.BackendRefusedError: (Code.PERMISSION_DENIED, 403),
    errors.InvalidQuestionError: (Code.INVALID_ARGUMENT, 400),
    errors.NotFoundError: (Code.NOT_FOUND, 404),
    errors.QuestionTooSlowError: (Code.DEADLINE_EXCEEDED, 503),
    errors.ForbiddenError: (Code.PERMISSION_DENIED, 403),
    errors.UnauthenticatedError: (Code.UNAUTHENTICATED, 401),
    errors.CallerLeftError: (Code.CANCELLED, 503),
    errors.RetryableError: (Code.UNAVAILABLE, 503),
    errors.ProcessorError: (Code.INTERNAL, 500),
}
"""What an error is answered with; one that is not listed has the answer of the kind it is of."""


def kinds_of(kind):
    """An error and all that derive from it in the tree of errors."""
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from kinds_of(below)


async def test_rule_18_overload_asks_to_come_again(open_gateway):
    """Guarantees: UNAVAILABLE with RetryInfo and 503 with Retry-After while others go on."""
    gateway = await open_gateway(**NARROW)
    gateway.backend.held = asyncio.Event()
    large = traces(a_span("x" * 600_000))
    first = asyncio.ensure_future(gateway.call(large))
    while not gateway.backend.attempts:  # noqa: ASYNC110 - the backend is a whole server
        await asyncio.sleep(0.01)
    refusal, reply = await asyncio.gather(gateway.call(large), gateway.post(large))
    assert refusal.code is Code.UNAVAILABLE
    info = RetryInfo()
    assert refusal.status.details[0].Unpack(info)
    assert info.retry_delay.ToNanoseconds() > 0
    assert (reply.status, reply.error().code) == (503, Code.UNAVAILABLE.value[0])
    assert int(reply.headers["Retry-After"]) >= 1
    gateway.backend.held.set()
    assert await first == b""


@pytest.mark.parametrize("body", [b"\xff", b"\x0a\x7f", b"not OTLP at all"])
async def test_rule_19_what_cannot_be_decoded_is_a_bad_request(gateway, body):
    """Guarantees: INVALID_ARGUMENT or 400 with BadRequest, not INTERNAL, and no retry."""
    refusal, reply = await gateway.call(body), await gateway.post(body)
    assert (refusal.code, reply.status) == (Code.INVALID_ARGUMENT, 400)
    for status in (refusal.status, reply.error()):
        details = BadRequest()
        assert status.details[0].Unpack(details)
        assert details.field_violations[0].description
    answer = await gateway.post(b'{"resourceSpans": [{"scopeSpans": 5}]}', type=JSON)
    assert answer.status == 400
    assert "resourceSpans[0].scopeSpans: must be a list, got 5" in answer.error().message


@pytest.mark.parametrize(
    ("status", "ask_for"),
    [
        (400, {"body": b"\xff"}),
        (404, {"path": "/v1/nothing"}),
        (405, {"method": "GET"}),
        (413, {"body": gzip.compress(bytes(65 * 2**20)), "Content_Encoding": "gzip"}),
        (415, {"Content_Encoding": "br"}),
    ],
)
@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
async def test_rule_23_every_refusal_is_a_status_in_the_requests_encoding(
    gateway, status, ask_for, kind
):
    """Guarantees: a google.rpc.Status with code and message, as protobuf or as JSON."""
    reply = await gateway.post(**{"body": b"", "type": kind, **ask_for})
    assert (reply.status, reply.type) == (status, kind)
    error = reply.error()
    assert error.code
    assert error.message


async def test_rule_23_a_dead_backend_is_a_status_too(open_gateway):
    """Guarantees: 5xx bodies are a Status as well."""
    gateway = await open_gateway(**IMPATIENT)
    gateway.backend.behaviour.answer = "UNAVAILABLE"
    for kind, body in ((PROTOBUF, SPAN), (JSON, b"{}")):
        reply = await gateway.post(body, type=kind)
        assert (reply.status, reply.type) == (503, kind)
        assert reply.error().code == Code.UNAVAILABLE.value[0]


async def test_rule_25_only_post_is_taken(gateway):
    """Guarantees: 405 that names POST."""
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"):
        reply = await gateway.post(SPAN, method=method)
        assert (reply.status, reply.headers["Allow"]) == (405, "POST"), method
    assert not gateway.delivered()


async def test_rule_25_an_unknown_content_type_is_415(gateway):
    """Guarantees: neither guessed nor forwarded; a blank one is as good as none."""
    for kind in ("text/plain", "application/protobuf", "application/xml", " "):
        reply = await gateway.post(SPAN, type=kind)
        assert (reply.status, reply.type) == (415, JSON), kind
        assert PROTOBUF in reply.error().message
    assert not gateway.delivered()


async def test_rule_25_a_missing_content_type_is_415(gateway):
    """Guarantees: what a body is has to be said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.app.http_port)
    writer.write(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(b"HTTP/1.1 415")
    writer.close()
    await writer.wait_closed()


async def test_rule_26_without_a_known_token_nobody_is_let_in(open_gateway):
    """Guarantees: UNAUTHENTICATED and 401, not retryable, nothing forwarded, no token shown."""
    gateway = await open_gateway(GUARDED)
    missing, wrong = "", ', error="invalid_token"'
    attempts = {
        "": missing,
        "Bearer": missing,
        "Bearer ": missing,
        f"Basic {TOKEN}": missing,
        "Bearer wrong": wrong,
        f"Bearer {TOKEN}x": wrong,
        f"Bearer {TOKEN[:-1]}": wrong,
        f"Bearer {TOKEN} {OTHER_TOKEN}": wrong,
    }
    for shown, error in attempts.items():
        metadata = (("authorization", shown),) if shown else ()
        refusal = await gateway.call(SPAN, metadata=metadata)
        assert (refusal.code, refusal.status) == (Code.UNAUTHENTICATED, None), shown
        reply = await gateway.post(SPAN, Authorization=shown)
        assert (reply.status, reply.error().code) == (401, Code.UNAUTHENTICATED.value[0]), shown
        assert reply.headers["WWW-Authenticate"] == f'Bearer realm="llm-cost"{error}'
        assert TOKEN not in refusal.message + reply.error().message
    for signal in METHODS:
        assert (await gateway.call(SPAN, signal)).code is Code.UNAUTHENTICATED
        assert (await gateway.post(SPAN, signal)).status == 401
    assert not gateway.backend.attempts


@pytest.mark.parametrize("shown", [f"Bearer {TOKEN}", f"bearer  {OTHER_TOKEN}"])
async def test_rule_26_a_known_token_is_let_in(open_gateway, shown, caplog):
    """Guarantees: any of the tokens does, the scheme in any case; none is ever written down."""
    caplog.set_level(logging.DEBUG, "processor")
    gateway = await open_gateway(GUARDED)
    metadata = (("authorization", shown),)
    assert await gateway.call(SPAN, metadata=metadata) == b""
    assert (await gateway.post(SPAN, Authorization=shown)).status == 200
    assert await ask_costs(gateway, metadata=metadata) == ListUnpricedResponse().SerializeToString()
    assert gateway.delivered() == [SPAN, SPAN]
    for value in gateway.backend.records[0].metadata.values():
        assert TOKEN not in str(value)
    assert TOKEN not in caplog.text + repr(gateway.app._settings)


async def test_rule_26_questions_about_costs_need_a_token_and_health_does_not(open_gateway):
    """Guarantees: the ledger is guarded like the receiver; load balancers need no secret."""
    gateway = await open_gateway(GUARDED)
    assert (await ask_costs(gateway)).code is Code.UNAUTHENTICATED
    async with gateway.channel() as channel:
        answer = await ask(
            channel, "/grpc.health.v1.Health/Check", HealthCheckRequest().SerializeToString()
        )
    assert HealthCheckResponse.FromString(answer).status == HealthCheckResponse.SERVING


async def test_rule_26_a_browser_may_ask_without_a_token_and_is_told_of_a_refusal(open_gateway):
    """Guarantees: preflights, which never carry one, pass; the page can read why it was refused."""
    page = "https://shop.example.com"
    text = f"http: {{cors: {{allowed_origins: ['{page}']}}, auth:"
    gateway = await open_gateway(GUARDED.replace("http: {auth:", text))
    asked = {"Origin": page, "Access_Control_Request_Method": "POST"}
    reply = await gateway.post(
        b"", method="OPTIONS", Access_Control_Request_Headers="authorization", **asked
    )
    assert (reply.status, reply.headers["Access-Control-Allow-Headers"]) == (204, "authorization")
    reply = await gateway.post(SPAN, Origin=page)
    assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (401, page)


async def test_rule_26_a_strangers_body_is_not_even_read(open_gateway):
    """Guarantees: the refusal comes while the body is still with its sender, whatever is in it."""
    gateway = await open_gateway(GUARDED)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.app.http_port)
    head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\n"
    writer.write(f"{head}Content-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n".encode())
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(b"HTTP/1.1 401")
    writer.close()
    await writer.wait_closed()
    async with gateway.channel() as channel:
        call = channel.stream_unary(METHODS["traces"], None, None)()
        assert await asyncio.wait_for(call.code(), 5) is Code.UNAUTHENTICATED


@pytest.mark.parametrize("kind", list(kinds_of(ProcessorError)), ids=lambda kind: kind.__name__)
async def test_rule_26_each_error_has_its_codes(kind):
    """Guarantees: the whole tree of errors, over both protocols, RetryInfo only where it helps."""
    error = _made(kind)

    async def fail(_batch):
        raise error

    receiver = Receiver("127.0.0.1:0", fail, http=HttpListener("127.0.0.1:0"))
    port = await receiver.start()
    gateway = Gateway(_At(port, receiver.http_port), None)
    refusal, reply = await gateway.call(SPAN), await gateway.post(SPAN)
    await receiver.stop(0.1)
    code, http_status = next(OURS[each] for each in kind.__mro__ if each in OURS)
    assert (refusal.code, reply.status) == (code, http_status)
    assert ("Retry-After" in reply.headers) == (code is Code.UNAVAILABLE)


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK], ids=str)
async def test_rule_26_what_the_backend_says_is_passed_on(open_gateway, code):
    """Guarantees: its code over gRPC, the Collector's status over HTTP; retryable is UNAVAILABLE.

    RESOURCE_EXHAUSTED comes without RetryInfo here, so it is a refusal.
    """
    gateway = await open_gateway(**IMPATIENT)
    gateway.backend.behaviour.answer = code.name
    refusal, reply = await asyncio.gather(gateway.call(SPAN), gateway.post(SPAN))
    is_retryable = code in RETRYABLE
    assert refusal.code is (Code.UNAVAILABLE if is_retryable else code)
    assert reply.status == (503 if is_retryable else COLLECTOR.get(code, 500))


class _At:
    """Where a receiver without an app listens."""

    def __init__(self, port, http_port):
        self.port, self.http_port = port, http_port


async def ask_costs(gateway, **settings) -> bytes | Refusal:
    async with gateway.channel() as channel:
        method = "/llm_cost.v1.CostService/ListUnpriced"
        return await ask(channel, method, b"", timeout=5, **settings)


def _made(kind):
    if issubclass(kind, BackendRefusedError):
        return kind(Code.PERMISSION_DENIED.value[0], "no")
    if kind in {errors.InvalidQuestionError, errors.UnauthenticatedError}:
        return kind("scope", "no")
    return kind([]) if issubclass(kind, errors.ConfigError) else kind("no")
