"""Rules 16, 47 and 52: what a backend rejects is seen, a loss has a reason, nothing is missing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count, cycle

import grpc
import pytest
from backends.recorder import Behaviour
from conformance.incoming import Gateway, a_call, a_span, traces
from conformance.scraping import Scrape, settled, until, watching
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

PLAIN = traces(a_span())
HASTY = {
    "exporters.otlp.retry_on_failure.initial_interval": "10ms",
    "exporters.otlp.retry_on_failure.max_elapsed_time": "100ms",
}
PATIENT = {"exporters.otlp.retry_on_failure.max_elapsed_time": "10s"}
UNDECODABLE = b"\xff\xff\xff"
LARGE = traces(a_span("x" * 700_000))


def a_request(number: int) -> bytes:
    """A call and a plain span that nobody has sent before."""
    return traces(
        a_call(trace_id=number.to_bytes(16), span_id=b"call-id!"),
        a_span(trace_id=number.to_bytes(16), span_id=b"plain-id"),
    )


async def test_rule_16_items_that_the_backend_rejected_are_counted_and_told(gateway):
    """Guarantees: a partial success downstream is a metric, and the sender gets the same."""
    gateway.backend.behaviour = Behaviour(rejected=2, message="too old")
    answer = ExportTraceServiceResponse.FromString(
        await gateway.call(traces(a_span(), a_span(span_id=b"2" * 8), a_span(span_id=b"3" * 8)))
    )
    assert answer.partial_success.rejected_spans == 2
    assert answer.partial_success.error_message == "too old"
    found = await settled(gateway)
    assert found.sum("exporter_rejected_items_total") == 2
    assert found.sum("exporter_delivered_requests_total") == 1
    assert found.sum("pipeline_acknowledged_spans_total") == 3


async def test_rule_16_a_merged_request_loses_no_rejected_item(open_gateway):
    """Guarantees: where nobody can tell whose items were rejected, the metric has all of them."""
    gateway = await open_gateway(**PATIENT)
    gateway.backend.behaviour = Behaviour(rejected=1, delay_s=0.05)
    await asyncio.gather(*(gateway.call(a_request(number)) for number in range(1, 9)))
    found = await settled(gateway)
    assert found.sum("exporter_merged_requests_total") > 0
    assert found.sum("exporter_rejected_items_total") == gateway.backend.attempts


@pytest.mark.parametrize(
    ("answer", "place", "reason", "counted"),
    [
        ("PERMISSION_DENIED", "dropped", "backend_refused", "permission_denied"),
        ("INVALID_ARGUMENT", "dropped", "backend_refused", "invalid_argument"),
        ("INTERNAL", "dropped", "backend_refused", "internal"),
        ("UNAVAILABLE", "returned", "backend_unavailable", ""),
        ("RESOURCE_EXHAUSTED", "dropped", "backend_refused", "resource_exhausted"),
    ],
)
async def test_rule_47_what_the_backend_does_not_take_is_counted_by_its_reason(
    open_gateway, answer, place, reason, counted
):
    """Guarantees: requests and spans that were accepted and not delivered are in a metric."""
    gateway = await open_gateway(**HASTY)
    gateway.backend.behaviour = Behaviour(answer=answer)
    await gateway.call(a_request(1))
    found = await settled(gateway)
    assert found.sum(f"pipeline_{place}_requests_total", signal="traces", reason=reason) == 1
    assert found.sum(f"pipeline_{place}_spans_total", reason=reason) == 2
    assert found.sum("pipeline_acknowledged_requests_total") == 0
    assert found.sum("exporter_delivered_requests_total") == 0
    if counted:
        assert found.sum("exporter_refused_requests_total", reason=counted) == 1
    else:
        assert found.sum("exporter_unavailable_requests_total") == 1
        # The last one may have been cut short before it reached the backend.
        unseen = found.sum("exporter_retried_attempts_total") - (gateway.backend.attempts - 1)
        assert unseen in {0, 1}


async def test_rule_47_what_is_not_let_in_is_counted_by_its_reason(open_gateway):
    """Guarantees: whatever is wrong with a request, the metric says what."""
    gateway = await open_gateway(
        """
        receivers: {otlp: {protocols: {http: {max_request_body_size_mib: 1}}}}
        exporters: {otlp: {max_in_flight_mib: 1}}
        forward: {logs: false}
        """,
        **PATIENT,
    )
    assert (await gateway.call(UNDECODABLE)).code is grpc.StatusCode.INVALID_ARGUMENT
    assert (await gateway.post(UNDECODABLE)).status == 400
    assert (await gateway.post(PLAIN, type="text/plain")).status == 415
    assert (await gateway.post(bytes(2 * 2**20))).status == 413
    assert (await gateway.post(PLAIN, "logs")).status == 200
    assert (await gateway.post(traces(a_span(), a_span(span_id=b"")))).status == 200
    gateway.backend.behaviour = Behaviour(delay_s=0.5)
    both = await asyncio.gather(gateway.call(LARGE), gateway.call(LARGE))
    assert sorted(isinstance(each, bytes) for each in both) == [False, True]
    found = await settled(gateway)
    for name, value, labels in (
        ("receiver_rejected_requests_total", 1, {"transport": "grpc", "reason": "undecodable"}),
        ("receiver_rejected_requests_total", 1, {"transport": "http", "reason": "undecodable"}),
        ("receiver_rejected_requests_total", 1, {"transport": "http", "reason": "unsupported"}),
        ("receiver_rejected_requests_total", 1, {"transport": "http", "reason": "too_large"}),
        ("receiver_rejected_spans_total", 1, {"transport": "http", "reason": "invalid_id"}),
        ("receiver_refused_requests_total", 1, {"transport": "grpc", "reason": "overloaded"}),
        ("pipeline_dropped_requests_total", 1, {"signal": "logs", "reason": "switched_off"}),
    ):
        assert found.sum(name, **labels) == value, (name, labels)
    assert found.sum("receiver_rejected_requests_total") == 4
    assert found.sum("receiver_refused_requests_total") == 1


BEHAVIOURS = (
    Behaviour(delay_s=0.02),
    Behaviour(answer="UNAVAILABLE"),
    Behaviour(answer="UNAVAILABLE", times=3),
    Behaviour(rejected=1, message="some"),
    Behaviour(answer="PERMISSION_DENIED"),
    Behaviour(poison="chat"),
    Behaviour(),
)
EVERYTHING = (
    "receiver_refused_requests_total",
    "receiver_rejected_requests_total",
    "pipeline_returned_requests_total",
    "pipeline_dropped_requests_total",
    "pipeline_acknowledged_requests_total",
    "exporter_rejected_items_total",
    "exporter_retried_attempts_total",
    "exporter_merged_requests_total",
    "ledger_repeated_calls_total",
)


ATTEMPTS_PER_BEHAVIOUR = 15


async def misbehave(gateway: Gateway, seen: list[Scrape]) -> None:
    """A backend that changes its behaviour until everything has happened that can."""
    async with asyncio.timeout(60):
        for behaviour in cycle(BEHAVIOURS):
            gateway.backend.behaviour = replace(behaviour)
            enough = gateway.backend.attempts + ATTEMPTS_PER_BEHAVIOUR
            while gateway.backend.attempts < enough:  # noqa: ASYNC110 - the backend has no event
                await asyncio.sleep(0.01)
            if seen and all(seen[-1].sum(name) for name in EVERYTHING):
                return


async def one_sender(gateway: Gateway, first: int) -> None:
    """Good requests and bad ones, repeats, all signals, both protocols, and calls cut short."""
    for number in count(first):
        await gateway.call(a_request(number))
        await gateway.post(a_request(number))
        await gateway.call(UNDECODABLE)
        await gateway.call(PLAIN, "metrics")
        await gateway.post(b"{", "logs", type="application/json")
        await gateway.post(traces(a_span(), a_span(trace_id=b"short")))
        await gateway.call(a_request(number + 10_000), timeout_s=0.01)
        await gateway.call(LARGE)


async def test_rule_52_the_equations_hold_at_every_scrape(open_gateway):
    """Guarantees: whatever comes in and however the backend behaves, nothing is ever missing."""
    gateway = await open_gateway("exporters: {otlp: {max_in_flight_mib: 1}}", **HASTY)
    async with watching(gateway) as seen:
        senders = [
            asyncio.ensure_future(one_sender(gateway, first)) for first in range(1000, 6000, 1000)
        ]
        await misbehave(gateway, seen)
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
    found = await settled(gateway)
    assert any(not each.is_at_rest() for each in seen)
    accepted = found.sum("receiver_accepted_requests_total")
    assert accepted == found.sum("exporter_given_requests_total")
    assert found.sum("pipeline_acknowledged_requests_total") == found.sum(
        "exporter_delivered_requests_total"
    )
    assert found.sum("receiver_accepted_spans_total") == sum(
        found.sum("pipeline_handled_spans_total", outcome=outcome)
        for outcome in ("untouched", "stamped", "unread", "unwritten")
    )


async def test_rule_52_what_is_under_way_is_there_to_be_seen(open_gateway):
    """Guarantees: while a backend thinks, its request and spans are neither gone nor delivered."""
    gateway = await open_gateway(**PATIENT)
    gateway.backend.behaviour = Behaviour(delay_s=1.0)
    task = asyncio.ensure_future(gateway.call(a_request(1)))
    found = await until(gateway, lambda each: each.sum("exporter_under_way_requests") == 1)
    assert found.sum("pipeline_under_way_requests", signal="traces", transport="grpc") == 1
    assert found.sum("pipeline_under_way_spans") == 2
    assert found.sum("gate_reserved_requests") == 1
    assert found.sum("gate_reserved_bytes") == len(a_request(1))
    assert found.sum("pipeline_acknowledged_requests_total") == 0
    assert await task == b""
    assert (await settled(gateway)).sum("pipeline_acknowledged_spans_total") == 2


async def test_rule_52_what_waits_on_the_disk_is_part_of_the_sum(open_gateway):
    """Guarantees: accepted is delivered or queued, while the backend is away and afterwards."""
    gateway = await open_gateway("exporters: {otlp: {sending_queue: {enabled: true}}}", **HASTY)
    gateway.backend.behaviour = Behaviour(answer="UNAVAILABLE")
    async with watching(gateway):
        answers = [await gateway.call(a_request(number)) for number in range(1, 6)]
    assert answers == [b""] * 5
    away = await settled(gateway)
    assert away.sum("pipeline_acknowledged_requests_total") == 5
    assert away.sum("queue_waiting_requests") == 5
    assert away.sum("queue_backend_is_away") == 1
    assert not list(away.queue_imbalances())
    gateway.backend.behaviour = Behaviour()
    async with watching(gateway):
        back = await until(gateway, lambda each: not each.sum("queue_waiting_requests"))
    assert back.sum("queue_delivered_requests_total") == 5
    assert not list(back.queue_imbalances())
    assert len(gateway.spans()) == 10
