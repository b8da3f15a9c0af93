"""What is HTTP's own about receiving; see tests/contract for what both protocols share."""

import asyncio
import gzip
import json

import aiohttp
import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from processor.core.errors import (
    BackendRefusedError,
    BackendUnavailableError,
    LedgerUnavailableError,
    TooLargeError,
    UndecodableError,
)
from processor.core.memory import MemoryLimit
from processor.core.model import Receipt

JSON = "application/json"
PROTOBUF = "application/x-protobuf"


async def test_json_arrives_as_protobuf_on_the_same_port_and_path(gateway, payload):
    """OTLP conformance: protobuf and JSON on one port; ids are hexadecimal in either case."""
    await gateway.open_http()
    span = {"traceId": "74" * 16, "spanId": ("73" * 8).upper(), "name": "chat"}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    reply = await gateway.post("/v1/traces", body, content_type=JSON)
    assert (reply.status, reply.body) == (200, b"{}")
    sent = ExportTraceServiceRequest.FromString(gateway.batches[0].payload)
    assert sent == ExportTraceServiceRequest.FromString(payload)


async def test_both_protocols_listen_at_once(gateway, payload):
    """OTLP conformance: gRPC and HTTP are served side by side."""
    await gateway.open_http()
    assert await gateway.call(gateway.TRACES, payload) == b""
    assert (await gateway.post(body=payload)).status == 200
    assert gateway.receiver.answers == {"OK": 2}


@pytest.mark.parametrize(("content_type", "body"), [(PROTOBUF, b""), (JSON, b"{}")])
async def test_an_empty_request_is_a_success(gateway, content_type, body):
    """OTLP conformance: an empty request succeeds, and partial_success is not present then."""
    await gateway.open_http()
    reply = await gateway.post(body=body, content_type=content_type)
    assert reply.status == 200
    assert gateway.batches[0].payload == b""


@pytest.mark.parametrize(
    "content_type",
    [PROTOBUF, JSON, "application/json; charset=utf-8", "Application/X-Protobuf ;v=1"],
)
async def test_the_answer_has_the_content_type_of_the_request(gateway, content_type):
    """OTLP conformance: same type as asked with; parameters and case do not matter."""
    await gateway.open_http()
    body = b"{}" if "json" in content_type else b""
    reply = await gateway.post(body=body, content_type=content_type)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == content_type.partition(";")[0].strip().lower()


@pytest.mark.parametrize("accepted", ["", "gzip"])
async def test_an_answer_is_never_compressed(gateway, accepted):
    """OTLP conformance: no gzip in an answer unless asked for; ours are too small for it."""
    await gateway.open_http()
    reply = await gateway.post(Accept_Encoding=accepted or "identity")
    assert "Content-Encoding" not in reply.headers


@pytest.mark.parametrize(
    ("path", "kind", "field"),
    [
        ("/v1/traces", ExportTraceServiceResponse, "rejected_spans"),
        ("/v1/metrics", ExportMetricsServiceResponse, "rejected_data_points"),
        ("/v1/logs", ExportLogsServiceResponse, "rejected_log_records"),
    ],
)
async def test_a_rejection_comes_back_as_partial_success(gateway, path, kind, field):
    """OTLP conformance: 200 with the exact count and a message, in the request's encoding."""

    async def reject(_batch):
        return Receipt(2, "zero span id")

    gateway.work = reject
    await gateway.open_http()
    reply = await gateway.post(path)
    partial = kind.FromString(reply.body).partial_success
    assert (reply.status, getattr(partial, field)) == (200, 2)
    assert partial.error_message == "zero span id"
    answered = json.loads((await gateway.post(path, b"{}", content_type=JSON)).body)[
        "partialSuccess"
    ]
    first, *rest = field.split("_")
    assert answered == {
        first + "".join(word.title() for word in rest): "2",
        "errorMessage": "zero span id",
    }


ERRORS = [
    (UndecodableError("not OTLP"), 400, 3, None),
    (TooLargeError("too big"), 413, 8, None),
    (BackendUnavailableError("down", 1.5), 503, 14, "2"),
    (LedgerUnavailableError("disk full", 0.1), 503, 14, "1"),
    (BackendRefusedError(3, "bad"), 400, 3, None),
    (BackendRefusedError(16, "who?"), 401, 16, None),
    (BackendRefusedError(7, "no"), 403, 7, None),
    (BackendRefusedError(12, "no logs here"), 404, 12, None),
    (BackendRefusedError(8, "quota"), 413, 8, None),
    (BackendRefusedError(13, "bug"), 500, 13, None),
    (BackendRefusedError(2, "?"), 500, 2, None),
    (BackendRefusedError(99, "?"), 500, 2, None),
    (ZeroDivisionError("a bug"), 500, 13, None),
]


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize(("error", "status", "code", "retry_after"), ERRORS)
async def test_each_error_is_its_status_with_a_body_in_the_requests_encoding(
    gateway, content_type, error, status, code, retry_after
):
    """OTLP conformance: google.rpc.Status in every refusal; only 503 invites a retry, and when."""

    async def fail(_batch):
        raise error

    gateway.work = fail
    await gateway.open_http()
    body = b"{}" if content_type == JSON else b""
    reply = await gateway.post(body=body, content_type=content_type)
    assert reply.status == status
    assert reply.headers["Content-Type"] == content_type
    assert reply.headers.get("Retry-After") == retry_after
    if content_type == JSON:
        answered = json.loads(reply.body)
        assert answered["code"] == code
        types = [detail["@type"].rpartition(".")[2] for detail in answered.get("details", [])]
    else:
        answered = Status.FromString(reply.body)
        assert answered.code == code
        types = [detail.type_url.rpartition(".")[2] for detail in answered.details]
    assert ("RetryInfo" in types) == (retry_after is not None)
    assert ("BadRequest" in types) == isinstance(error, UndecodableError)
    assert b"a bug" not in reply.body


async def test_the_delay_is_in_the_body_as_well(gateway):
    """OTLP conformance: throttling is 503 with Retry-After; RetryInfo has the exact delay."""

    async def fail(_batch):
        raise BackendUnavailableError("down", 2.25)

    gateway.work = fail
    await gateway.open_http()
    reply = await gateway.post()
    info = RetryInfo()
    assert Status.FromString(reply.body).details[0].Unpack(info)
    assert info.retry_delay.ToNanoseconds() == 2_250_000_000
    assert reply.headers["Retry-After"] == "3"


async def test_bad_json_is_refused_with_its_place(gateway):
    """OTLP conformance: undecodable is 400, with a BadRequest that says where."""
    await gateway.open_http()
    body = b'{"resourceSpans":[{},{"scopeSpans":[{"spans":[{"spanId":"0"}]}]}]}'
    reply = await gateway.post(body=body, content_type=JSON)
    status = json.loads(reply.body)
    assert reply.status == 400
    assert "resourceSpans[1].scopeSpans[0].spans[0].spanId" in status["message"]
    assert status["details"][0]["fieldViolations"][0]["description"] == status["message"]
    assert not gateway.batches


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_only_post_is_served(gateway, method):
    """OTLP conformance: any other method is 405, and the answer says which is allowed."""
    await gateway.open_http()
    reply = await gateway.post(method=method, body=None, content_type="")
    assert reply.status == 405
    assert reply.headers["Allow"] == "POST"
    assert not gateway.batches
    if method != "HEAD":
        assert json.loads(reply.body)["code"] == 12


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/grpc", "json", ";"])
async def test_a_content_type_that_is_not_otlps_is_415(gateway, content_type):
    """OTLP conformance: unknown or missing Content-Type is 415."""
    await gateway.open_http()
    reply = await gateway.post(body=b"{}", content_type=content_type)
    assert reply.status == 415
    assert "application/json" in json.loads(reply.body)["message"]


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "gzip,deflate", "x"])
async def test_a_content_encoding_that_is_not_known_is_415(gateway, coding):
    """OTLP conformance: unsupported Content-Encoding is refused, with what is supported."""
    await gateway.open_http()
    reply = await gateway.post(body=b"x", Content_Encoding=coding)
    assert reply.status == 415
    assert reply.headers["Accept-Encoding"] == "gzip, zstd"
    assert Status.FromString(reply.body).code == 12


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/v1/traces/", "//v1/traces", "/V1/traces", "/v1/x/..%2ftraces", "/v1/profiles"],
)
async def test_other_paths_are_404(gateway, path):
    await gateway.open_http()
    assert b"HTTP/1.1 404" in await gateway.raw(
        f"POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode()
    )
    assert not gateway.batches


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
async def test_a_gzipped_request_arrives_unpacked(gateway, payload, coding):
    """OTLP conformance: gzip and none are accepted."""
    await gateway.open_http()
    body = gzip.compress(payload * 1000)
    assert (await gateway.post(body=body, Content_Encoding=coding)).status == 200
    assert gateway.batches[0].payload == payload * 1000


async def test_a_body_without_a_length_arrives_whole(gateway, payload):
    await gateway.open_http()

    async def pieces():
        for _ in range(50):
            yield payload

    assert (await gateway.post(body=pieces())).status == 200
    assert gateway.batches[0].payload == payload * 50


async def test_a_request_over_the_limit_in_chunks_is_413(gateway):
    """OTLP conformance: a body that does not say its length is refused as soon as it is known."""
    await gateway.open_http(max_body_bytes=10_000)

    async def pieces():
        for _ in range(20):
            yield bytes(1_000)

    assert (await gateway.post(body=pieces())).status == 413


async def test_the_limit_on_requests_is_shared_with_grpc(gateway, payload):
    """OTLP conformance: overload is 503 with a delay, never 429 without one."""
    gate = asyncio.Event()

    async def wait(_batch):
        await gate.wait()
        return Receipt()

    gateway.work = wait
    await gateway.open_http(more={"max_concurrent_requests": 1})
    first = asyncio.ensure_future(gateway.call(gateway.TRACES, payload))
    await gateway.arrived.wait()
    reply = await gateway.post(body=payload)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
    gate.set()
    assert await first == b""
    assert (await gateway.post(body=payload)).status == 200


async def test_callers_without_a_deadline_get_the_time_that_exporters_wait(gateway):
    await gateway.open_http()
    await gateway.post()
    assert 9 < gateway.batches[0].timeout_s <= 10


async def test_a_connection_is_kept_for_many_requests(gateway):
    """OTLP conformance: connections are reused, also after a refusal."""
    port = await gateway.open_http()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for content_type, expected in [(JSON, b"200"), ("text/html", b"415"), (JSON, b"200")]:
        writer.write(
            b"POST /v1/logs HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
            b"Content-Type: %b\r\n\r\n{}" % content_type.encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert expected in head.splitlines()[0]
        (length,) = [line for line in head.splitlines() if line.startswith(b"Content-Length")]
        await reader.readexactly(int(length.split()[1]))
    writer.close()


async def test_a_sender_that_waits_for_permission_gets_it(gateway):
    """A large body is only sent once it is known to be wanted."""
    port = await gateway.open_http()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "POST {} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
    head += "Content-Type: application/json\r\n\r\n"
    writer.write(head.format("/v1/traces").encode())
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}")
    assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
    assert await reader.readexactly(2) == b"{}"
    writer.write(head.format("/v1/nothing").encode())
    refusal = await reader.readuntil(b"\r\n\r\n")
    assert b"404" in refusal
    assert b"Connection: close" in refusal
    writer.close()


async def test_stop_finishes_what_is_under_way_and_refuses_the_rest(gateway, payload):
    gate = asyncio.Event()

    async def wait(_batch):
        await gate.wait()
        return Receipt()

    gateway.work = wait
    port = await gateway.open_http()
    async with aiohttp.ClientSession() as session:
        url, headers = f"http://127.0.0.1:{port}/v1/traces", {"Content-Type": PROTOBUF}

        async def send():
            async with session.post(url, data=payload, headers=headers) as response:
                return response.status

        # One connection is idle, and asks again while the server stops.
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        first = asyncio.ensure_future(send())
        await gateway.arrived.wait()
        stop = asyncio.ensure_future(gateway.receiver.stop(30))
        while not gateway.receiver._admission._draining:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)
        writer.write(b"POST /v1/logs HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n")
        writer.write(b"Content-Type: application/json\r\n\r\n{}")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"503" in head.splitlines()[0]
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        assert not stop.done()
        gate.set()
        assert await first == 200
        await asyncio.wait_for(stop, 10)


async def test_work_that_outlasts_the_grace_is_answered_with_a_delay(gateway, payload):
    async def hang(_batch):
        await asyncio.Event().wait()
        return Receipt()

    gateway.work = hang
    await gateway.open_http()
    send = asyncio.ensure_future(gateway.post(body=payload))
    await gateway.arrived.wait()
    await asyncio.wait_for(gateway.receiver.stop(0.1), 10)
    reply = await send
    assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
    assert gateway.receiver.under_way == 0


@pytest.mark.parametrize("host", ["localhost", "", "[::]", "0.0.0.0"])
async def test_every_address_behind_a_name_has_the_same_port(gateway, host):
    port = await gateway.open_http(f"{host}:0")
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


@pytest.mark.parametrize(("size_kib", "status"), [(300, 200), (400, 200), (600, 413)])
async def test_json_that_is_allowed_can_be_converted(gateway, size_kib, status):
    """Guarantees: alone it is read, or refused for good; no sender repeats it for ever."""
    memory = MemoryLimit(8 * 1024 * 1024)
    await gateway.open_http(more={"memory": memory, "max_message_bytes": 1024 * 1024})
    body = json.dumps({"resourceSpans": [{"schemaUrl": "x" * size_kib * 1024}]}).encode()
    reply = await gateway.post(body=body, content_type=JSON)
    assert reply.status == status
    assert memory.used_bytes == 0
