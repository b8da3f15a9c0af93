"""When a request is sent again, and after how long."""

from __future__ import annotations

import asyncio
import itertools
import time
from types import SimpleNamespace

import grpc
import pytest
from conformance.scripted_backend import (
    grpc_ok,
    grpc_page,
    grpc_status,
    http_answer,
    say_nothing,
)
from conformance.sending import PROTOCOLS, QUICK, Pauses, request, scripted, sending

from processor.config import Settings
from processor.core.errors import BackendRefusedError, BackendUnavailableError
from processor.core.model import Receipt
from processor.io.exporter import RetryPolicy

PAYLOAD = request("chat")
RETRYABLE = {
    "CANCELLED",
    "DEADLINE_EXCEEDED",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNAVAILABLE",
    "DATA_LOSS",
}
FINAL = {code.name for code in grpc.StatusCode} - RETRYABLE - {"OK"}
RETRYABLE_HTTP = (429, 502, 503, 504)
FINAL_HTTP = sorted({*range(400, 418), *range(421, 432), 451, *range(500, 512)} - {*RETRYABLE_HTTP})


PROTOBUF = "application/x-protobuf"
STATUS = b"\x12\x07go away"
"""A google.rpc.Status with a message."""


def code_of(name: str) -> int:
    return int(grpc.StatusCode[name].value[0])


def busy(protocol: str, after_s: float | None = None):
    """A backend's way to say: not now."""
    if protocol == "grpc":
        return grpc_status(14, after_s=after_s)
    if after_s is None:
        return http_answer("503 Busy")
    return http_answer("503 Busy", Retry_After=f"{after_s:.0f}")


def taken(protocol: str):
    return grpc_ok() if protocol == "grpc" else http_answer()


@pytest.mark.parametrize("name", sorted(RETRYABLE))
async def test_rule_17_a_passing_grpc_status_is_retried(name):
    """The six retryable codes are sent again, with RetryInfo or without, until they are over."""
    code = code_of(name)
    backend = scripted("grpc", grpc_status(code), grpc_status(code, after_s=0.001), grpc_ok())
    async with backend.listening() as port, sending("grpc", port) as out:
        assert await out.deliver("traces", PAYLOAD, 30.0) == Receipt()
    assert backend.bodies == [PAYLOAD] * 3


@pytest.mark.parametrize("name", sorted(FINAL))
async def test_rule_17_every_other_grpc_status_is_final_and_counted(name):
    """UNKNOWN, INTERNAL and the rest are sent once, counted, and answered with their own code."""
    backend = scripted("grpc", grpc_status(code_of(name)))
    async with backend.listening() as port, sending("grpc", port) as out:
        with pytest.raises(BackendRefusedError, match="go away") as caught:
            await out.deliver("traces", PAYLOAD, 30.0)
    assert caught.value.code == code_of(name)
    assert (len(backend.bodies), out.counters.refused) == (1, 1)


async def test_rule_17_resource_exhausted_is_retried_with_retry_info_only():
    """RESOURCE_EXHAUSTED with a delay is a busy backend; without, one that never takes it."""
    backend = scripted("grpc", grpc_status(8, after_s=0.001), grpc_status(8, after_s=0), grpc_ok())
    async with backend.listening() as port, sending("grpc", port) as out:
        assert await out.deliver("traces", PAYLOAD, 30.0) == Receipt()
    assert len(backend.bodies) == 3


@pytest.mark.parametrize("status", RETRYABLE_HTTP)
async def test_rule_20_a_passing_http_status_is_retried(status):
    """429, 502, 503 and 504 are sent again, also without a Retry-After."""
    backend = scripted("http", http_answer(f"{status} Later"), http_answer())
    async with backend.listening() as port, sending("http", port) as out:
        assert await out.deliver("traces", PAYLOAD, 30.0) == Receipt()
    assert backend.bodies == [PAYLOAD] * 2


async def test_rule_20_every_other_http_status_is_final_and_counted():
    """All other 4xx and 5xx of a backend are sent once, counted, and never become retryable."""
    retryable = {code_of(name) for name in RETRYABLE}
    answers = [
        http_answer(f"{status} Never", STATUS, Content_Type=PROTOBUF, Retry_After="1")
        for status in FINAL_HTTP
    ]
    backend = scripted("http", *answers)
    async with backend.listening() as port, sending("http", port) as out:
        for status in FINAL_HTTP:
            with pytest.raises(BackendRefusedError, match=f"HTTP {status} ") as caught:
                await out.deliver("traces", PAYLOAD, 30.0)
            assert caught.value.code not in retryable
    assert len(backend.bodies) == out.counters.refused == len(FINAL_HTTP)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>nginx</html>", "text/html"),
        (b"", "text/plain"),
        (b'{"message":"no Route matched with those values"}', "application/json"),
        (b'{"error":{"code":404}}', "application/json"),
        (b'{"timestamp":"2026-11-01","status":500,"code":"E1"}', "application/json"),
        (b"<html>", PROTOBUF),
    ],
)
async def test_rule_20_an_answer_that_is_not_otlps_is_no_refusal(body, kind):
    """What a proxy gives in the backend's place is sent again, whatever its status: ours is
    stricter than the specification, which knows of no proxies, since the payload may be the last
    copy there is."""
    statuses = [*(status for status in FINAL_HTTP if status != 413), *range(520, 531), 301, 302]
    answers = [http_answer(f"{status} Proxy", body, Content_Type=kind) for status in statuses]
    backend = scripted("http", *answers, http_answer())
    async with backend.listening() as port, sending("http", port, sleep=Pauses().sleep) as out:
        assert await out.deliver("traces", PAYLOAD, 60.0) == Receipt()
    assert len(backend.bodies) == len(statuses) + 1
    assert out.counters.refused == 0


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html; charset=utf-8", b"\n<!doctype html>"),
        ("text/html", b"\xef\xbb\xbf<!doctype html>"),
        ("text/html", b"Please log in"),
        ("application/xhtml+xml", b"<html/>"),
        ("text/plain", b"Service under maintenance"),
        ("", b"<html>"),
    ],
)
@pytest.mark.parametrize("status", ["200 OK", "202 Accepted", "206 Partial"])
async def test_rule_20_what_is_not_otlps_is_no_success_either(status, kind, body):
    """A login, or the start page of an application at a wrong address, has taken nothing."""
    headers = {"Content_Type": kind} if kind else {}
    empty = http_answer("200 OK", b"", Content_Type="text/html")
    backend = scripted("http", http_answer(status, body, **headers), empty)
    async with backend.listening() as port, sending("http", port) as out:
        assert await out.deliver("traces", PAYLOAD, 30.0) == Receipt()
    assert len(backend.bodies) == 2


async def test_rule_20_a_backend_may_answer_texts_when_the_operator_says_so():
    """`final_statuses: [200]` makes every 200 the backend's own."""
    backend = scripted("http", http_answer("200 OK", b"ok", Content_Type="text/plain"))
    async with backend.listening() as port, sending("http", port, final_statuses=(200,)) as out:
        assert await out.deliver("traces", PAYLOAD, 30.0) == Receipt()
    assert len(backend.bodies) == 1


async def test_rule_20_what_is_too_large_for_a_proxy_is_final():
    """413 means the same whoever gives it."""
    backend = scripted("http", http_answer("413 Large", b"<html>", Content_Type="text/html"))
    async with backend.listening() as port, sending("http", port) as out:
        with pytest.raises(BackendRefusedError, match="HTTP 413"):
            await out.deliver("traces", PAYLOAD, 30.0)
    assert len(backend.bodies) == 1


STATUSES = [200, 302, 400, 401, 403, 404, 408, 429, 500, 502, 503, 504, 520, 530]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("body", [b"", b"<html>nginx</html>"])
async def test_rule_17_an_answer_without_a_grpc_status_is_no_refusal(status, body):
    """A proxy's page over HTTP/2, which gRPC gives a code of its own choice, is sent again."""
    backend = scripted("grpc", grpc_page(status, body), grpc_ok())
    async with backend.listening() as port, sending("grpc", port) as out:
        assert await out.deliver("traces", PAYLOAD, 30.0) == Receipt()
    assert (len(backend.bodies), out.counters.refused) == (2, 0)


async def test_which_answers_are_final_is_a_setting():
    """Guarantees: an operator decides where a backend and its proxies use statuses otherwise."""
    backend = scripted("http", http_answer("404 None", b"<html>", Content_Type="text/html"))
    async with (
        backend.listening() as port,
        sending("http", port, final_statuses=[404]) as out,
    ):
        with pytest.raises(BackendRefusedError, match="HTTP 404"):
            await out.deliver("traces", PAYLOAD, 30.0)
    backend = scripted(
        "http", http_answer("500 Oops", STATUS, Content_Type=PROTOBUF), taken("http")
    )
    async with (
        backend.listening() as port,
        sending("http", port, retryable_statuses=[500]) as out,
    ):
        assert await out.deliver("traces", PAYLOAD, 30.0) == Receipt()
    backend = scripted("grpc", grpc_status(12), grpc_ok())
    async with backend.listening() as port, sending("grpc", port, retryable_codes=[12]) as out:
        assert await out.deliver("traces", PAYLOAD, 30.0) == Receipt()


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("after", "asked_s"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Thu, 01 Jan 1970 00:01:49 GMT", 9.0),
        ("Thursday, 01-Jan-70 00:01:49 GMT", 9.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("1e9", 0.0),
    ],
)
async def test_rule_21_retry_after_is_read_in_seconds_and_as_a_date(status, after, asked_s):
    """Both forms are a least wait; a date that is over asks for none, and rubbish is ignored."""
    pauses = Pauses()
    backend = scripted("http", http_answer(f"{status} Later", Retry_After=after), http_answer())
    settings = {"now": lambda: 100.0, "sleep": pauses.sleep, "chance": lambda: 0.0}
    async with backend.listening() as port, sending("http", port, **settings) as out:
        assert await out.deliver("traces", PAYLOAD, 60.0) == Receipt()
    assert pauses == [pytest.approx(asked_s)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_rule_22_the_asked_delay_is_the_least_wait_and_grows_from_there(protocol):
    """RetryInfo and Retry-After come first; what is added to them grows with each failure."""
    pauses = Pauses()
    backend = scripted(protocol, *[busy(protocol, 2.0)] * 5, taken(protocol))
    retry = RetryPolicy(initial_s=1.0, factor=2.0, max_s=30.0)
    settings = {"retry": retry, "sleep": pauses.sleep, "chance": lambda: 1.0}
    async with backend.listening() as port, sending(protocol, port, **settings) as out:
        assert await out.deliver("traces", PAYLOAD, None) == Receipt()
    assert pauses == pytest.approx([3.0, 4.0, 6.0, 10.0, 18.0])


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_rule_22_without_an_asked_delay_waits_grow_and_have_jitter(protocol):
    """Waits are drawn from a range that grows up to its end: senders do not come all at once."""
    pauses = Pauses()
    chances = itertools.cycle([0.0, 0.5, 1.0])
    backend = scripted(protocol, *[busy(protocol)] * 6, taken(protocol))
    retry = RetryPolicy(initial_s=1.0, factor=2.0, max_s=8.0)
    settings = {"retry": retry, "sleep": pauses.sleep, "chance": lambda: next(chances)}
    async with backend.listening() as port, sending(protocol, port, **settings) as out:
        assert await out.deliver("traces", PAYLOAD, None) == Receipt()
    assert pauses == pytest.approx([0.0, 1.0, 4.0, 0.0, 4.0, 8.0])


async def test_rule_22_real_chance_makes_different_waits():
    """Left to itself, no two senders wait alike."""
    found = set()
    for _ in range(3):
        pauses = Pauses()
        backend = scripted("http", busy("http"), taken("http"))
        async with backend.listening() as port, sending("http", port, sleep=pauses.sleep) as out:
            await out.deliver("traces", PAYLOAD, 30.0)
        found.add(pauses[0])
    assert len(found) == 3


def test_rule_44_the_default_is_ten_seconds_an_attempt():
    """As OpenTelemetry's exporters have it, for both protocols."""
    exporters = Settings().exporters
    assert (exporters.otlp.timeout_s, exporters.otlphttp.timeout_s) == (10.0, 10.0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_rule_44_an_attempt_ends_in_time_and_another_one_follows(protocol):
    """A backend that hangs once costs one attempt's time, and not the request."""
    backend = scripted(protocol, say_nothing, taken(protocol))
    settings = {"attempt_timeout_s": 0.2}
    async with backend.listening() as port, sending(protocol, port, **settings) as out:
        assert await asyncio.wait_for(out.deliver("traces", PAYLOAD, 60.0), 10) == Receipt()
    assert out.counters.retried >= 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_rule_44_a_senders_own_deadline_goes_before_ours(protocol):
    """The sender hears an answer that it can retry while it still listens."""
    backend = scripted(protocol, say_nothing)
    settings = {"attempt_timeout_s": 60.0}
    async with backend.listening() as port, sending(protocol, port, **settings) as out:
        with pytest.raises(BackendUnavailableError):
            await asyncio.wait_for(out.deliver("traces", PAYLOAD, 0.4), 10)
    assert out.counters.unavailable == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_rule_44_the_time_for_all_attempts_can_be_set(protocol):
    """Beyond it the payload goes back to its sender, whatever the sender's own deadline."""
    backend = scripted(protocol, busy(protocol))
    retry = RetryPolicy(initial_s=0.01, max_s=0.02, max_elapsed_s=0.1)
    async with backend.listening() as port, sending(protocol, port, retry=retry) as out:
        with pytest.raises(BackendUnavailableError):
            await asyncio.wait_for(out.deliver("traces", PAYLOAD, 3600.0), 10)
    assert len(backend.bodies) > 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_rule_44_without_a_limit_it_goes_on_until_it_is_taken(protocol):
    """An infinite budget, which 0s in the settings stands for, outlasts any number of failures."""
    pauses = Pauses()
    backend = scripted(protocol, *[busy(protocol, 3600.0)] * 50, taken(protocol))
    retry = RetryPolicy(max_elapsed_s=float("inf"))
    settings = {"retry": retry, "sleep": pauses.sleep}
    async with backend.listening() as port, sending(protocol, port, **settings) as out:
        assert await asyncio.wait_for(out.deliver("traces", PAYLOAD, None), 20) == Receipt()
    assert len(pauses) == 50


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("jump_s", [86_400.0, -86_400.0])
async def test_rule_58_a_clock_that_jumps_changes_no_wait(protocol, jump_s, monkeypatch):
    """A day forwards or back between attempts neither ends the retries nor draws them out."""
    pauses = Pauses()
    real_s, real_ns = time.time, time.time_ns
    # gRPC turns its deadlines into the kernel's time with the kernel's clock, which does not jump.
    monkeypatch.setattr("grpc.aio._utils.time", SimpleNamespace(time=real_s))

    async def jump_and_sleep(pause_s: float) -> None:
        pauses.append(pause_s)
        jumps = len(pauses)
        monkeypatch.setattr(time, "time", lambda: real_s() + jumps * jump_s)
        monkeypatch.setattr(time, "time_ns", lambda: real_ns() + int(jumps * jump_s * 1e9))
        await asyncio.sleep(0)

    backend = scripted(protocol, *[busy(protocol)] * 3, taken(protocol))
    settings = {"sleep": jump_and_sleep, "chance": lambda: 1.0, "retry": QUICK}
    async with backend.listening() as port, sending(protocol, port, **settings) as out:
        assert await asyncio.wait_for(out.deliver("traces", PAYLOAD, 60.0), 20) == Receipt()
    assert pauses == pytest.approx([0.01, 0.015, 0.02])


async def test_rule_58_a_date_seen_by_a_wrong_clock_asks_for_a_minute_at_most():
    """Retry-After as a date needs the clock; one that is a day behind does not stop deliveries."""
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 1))
    backend = scripted("http", http_answer("503 Busy", Retry_After=date))
    settings = {"now": lambda: time.time() - 86_400.0}
    async with backend.listening() as port, sending("http", port, **settings) as out:
        with pytest.raises(BackendUnavailableError) as caught:
            await asyncio.wait_for(out.deliver("traces", PAYLOAD, None), 10)
    assert caught.value.delay_s == 60.0
