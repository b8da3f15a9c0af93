"""Headers of senders that travel on: those that the operator has named, and no others."""

from __future__ import annotations

import asyncio

import pytest
from backends.recorder import Recorder
from conformance.incoming import METHODS, Gateway, a_span, ask, traces
from conformance.outgoing import TENANTS, seen, span_id, spans_in, until


async def test_rule_49_no_header_of_a_sender_travels_on_unless_it_is_named(gateway):
    """Tenants, credentials and anything else stay here by default."""
    headers = {"x-scope-orgid": "a", "authorization": "Bearer x", "x-secret": "s"}
    assert await gateway.call(traces(a_span()), metadata=tuple(headers.items())) == b""
    await gateway.post(traces(a_span()), **headers)
    assert not headers.keys() & set().union(*(each.metadata for each in gateway.backend.records))


async def test_rule_49_named_headers_travel_on_from_both_protocols_to_both(open_gateway):
    """Each backend gets what its own list names, and no more."""
    second = Recorder()
    port = await second.start_http()
    text = """
exporters:
  otlp: {forward_headers: [X-Scope-OrgID], headers: {x-scope-orgid: nobody}}
  otlphttp: {forward_headers: [Authorization]}
"""
    endpoint = {"exporters.otlphttp.endpoint": f"http://127.0.0.1:{port}"}
    gateway: Gateway = await open_gateway(text, **endpoint)
    headers = {"x-scope-orgid": "a", "authorization": "Bearer x", "x-other": "o"}
    assert await gateway.call(traces(a_span()), metadata=tuple(headers.items())) == b""
    reply = await gateway.post(
        traces(a_span()), **{"X-Scope-OrgID": "b", "AUTHORIZATION": "Basic y"}
    )
    assert reply.status == 200
    assert await gateway.call(traces(a_span())) == b""
    await second.stop()
    assert seen(gateway.backend, "x-scope-orgid") == ["a", "b", "nobody"]
    assert seen(gateway.backend, "authorization") == [None] * 3
    assert seen(second, "authorization") == ["Bearer x", "Basic y", None]
    assert seen(second, "x-scope-orgid") == [None] * 3
    assert seen(second, "x-other") == [None] * 3


async def test_rule_49_requests_of_different_tenants_never_become_one(open_gateway):
    """Under load requests are merged, but only with those that have the same headers."""
    gateway: Gateway = await open_gateway(TENANTS)
    gateway.backend.behaviour.delay_s = 0.02
    async with gateway.channel() as channel:
        answers = await asyncio.gather(
            *(
                ask(
                    channel,
                    METHODS["traces"],
                    traces(a_span(tenant, span_id=span_id(number))),
                    metadata=(("x-scope-orgid", tenant),),
                    timeout=10,
                )
                for number in range(1, 31)
                for tenant in ("one", "two", "three")
            )
        )
    assert set(answers) == {b""}
    merged = [record for record in gateway.backend.records if len(spans_in(record.payload)) > 1]
    assert merged
    for record in gateway.backend.records:
        names = {span.name for span in spans_in(record.payload)}
        assert names == {record.metadata["x-scope-orgid"]}
    assert len(gateway.spans()) == 90


@pytest.mark.parametrize("value", ["x" * 5000, "caf\u00e9"])
async def test_rule_49_a_header_that_cannot_be_passed_on_costs_the_request(open_gateway, value):
    """To leave it out would make one tenant's spans another's."""
    gateway: Gateway = await open_gateway(TENANTS)
    reply = await gateway.post(traces(a_span()), x_scope_orgid=value)
    assert reply.status == 400
    assert "x-scope-orgid" in reply.error().message
    assert gateway.backend.attempts == 0


async def test_rule_49_headers_outlast_a_restart_in_the_queue_on_the_disk(open_gateway, tmp_path):
    """What was acknowledged while the backend was away is sent with its tenant later."""
    folder = {
        "data_dir": str(tmp_path / "shared"),
        "exporters.otlp.sending_queue.enabled": "true",
        "exporters.otlp.sending_queue.spill_after": "10ms",
    }
    first: Gateway = await open_gateway(TENANTS, **folder)
    first.backend.behaviour.answer = "UNAVAILABLE"
    for tenant in ("one", "two"):
        metadata = (("x-scope-orgid", tenant),)
        assert await first.call(traces(a_span(tenant)), metadata=metadata) == b""
    await first.app.stop(1.0)
    second: Gateway = await open_gateway(TENANTS, **folder)
    await until(lambda: len(second.backend.records) == 2)
    assert {
        (record.metadata["x-scope-orgid"], *(span.name for span in spans_in(record.payload)))
        for record in second.backend.records
    } == {("one", "one"), ("two", "two")}
