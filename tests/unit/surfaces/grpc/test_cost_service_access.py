"""Who may ask and who may change over the port that receives spans, over a real connection."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from processor.core.access import ApiTokens
from processor.io.receiver import service_calls
from processor.surfaces.grpc.generated.cost_service_pb2 import (
    ForgetRequest,
    GetHealthRequest,
    GetTotalsRequest,
    ListAuditRequest,
    RepriceRequest,
)

READER, ADMIN, SENDER = (f"{role}-token-of-some-length" for role in ("reader", "admin", "sender"))
SERVICE = "/llm_cost.v1.CostService"
QUESTIONS = {
    "GetTotals": GetTotalsRequest(scope="total"),
    "Reprice": RepriceRequest(),
    "GetHealth": GetHealthRequest(),
}
Code = grpc.StatusCode


async def code(gateway, method, *headers):
    """OK, or the status with which a question is refused; other questions have no answer here."""
    question = QUESTIONS[method].SerializeToString()
    try:
        await gateway.call(f"{SERVICE}/{method}", question, metadata=headers)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return Code.OK


def bearer(token):
    return ("authorization", f"Bearer {token}")


@pytest.fixture
async def guarded(gateway):
    """A receiver with tokens for sending, asking and changing."""
    gateway.tokens = ApiTokens(read=[READER], admin=[ADMIN])
    await gateway.open(bearer_tokens=(SENDER,))
    return gateway


@pytest.mark.parametrize(
    ("token", "read", "change", "health"),
    [
        ("", Code.UNAUTHENTICATED, Code.UNAUTHENTICATED, Code.UNAUTHENTICATED),
        ("another-of-some-length", *[Code.UNAUTHENTICATED] * 3),
        (SENDER, Code.UNAUTHENTICATED, Code.OK, Code.OK),
        (READER, Code.OK, Code.PERMISSION_DENIED, Code.OK),
        (ADMIN, Code.OK, Code.OK, Code.OK),
    ],
)
async def test_each_token_allows_what_it_is_for(guarded, token, read, change, health):
    """Guarantees: on this machine, where a sender may change what is kept, and not ask."""
    headers = [bearer(token)] if token else []
    expected = {"GetTotals": read, "Reprice": change, "GetHealth": health}
    assert {each: await code(guarded, each, *headers) for each in expected} == expected


async def test_from_elsewhere_only_an_administrator_changes(guarded, monkeypatch):
    monkeypatch.setattr(service_calls, "is_local_peer", lambda _peer: False)
    assert await code(guarded, "Reprice", bearer(SENDER)) is Code.UNAUTHENTICATED
    assert await code(guarded, "Reprice", bearer(READER)) is Code.PERMISSION_DENIED
    assert await code(guarded, "Reprice", bearer(ADMIN)) is Code.OK


@pytest.mark.parametrize(
    "header", ["x-forwarded-for", "forwarded", "via", "x-real-ip", "x-envoy-internal"]
)
async def test_what_a_proxy_passes_on_is_not_local(gateway, header):
    """Guarantees: a proxy on this machine that says so gives its callers no right to change."""
    await gateway.open()
    assert await code(gateway, "Reprice") is Code.OK
    assert await code(gateway, "Reprice", (header, "127.0.0.1")) is Code.PERMISSION_DENIED


async def test_without_tokens_a_port_that_others_reach_answers_no_question(gateway):
    """Guarantees: who may send spans to it learns nothing of what others have spent."""
    gateway.is_loopback = False
    await gateway.open()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await gateway.call(f"{SERVICE}/ListAudit", ListAuditRequest().SerializeToString())
    assert caught.value.code() is Code.PERMISSION_DENIED
    assert 'api: {read_tokens: ["${env:LLM_COST_TOKEN}"]}' in caught.value.details()
    assert await code(gateway, "GetHealth") is Code.OK
    assert await code(gateway, "Reprice") is Code.OK, "as before, whoever is on the machine may"


async def test_who_may_not_ask_is_refused_before_the_question_comes(guarded):
    """Guarantees: a stranger has nobody read what it sends."""
    async with guarded.channel() as channel:
        call = channel.stream_unary(f"{SERVICE}/Forget", None, None)()
        assert await asyncio.wait_for(call.code(), 10) is Code.UNAUTHENTICATED


async def test_the_health_is_answered_without_reading_anything(guarded):
    """Guarantees: of whoever may only send, no question takes memory beside the limit for it."""
    async with guarded.channel() as channel:
        call = channel.stream_unary(f"{SERVICE}/GetHealth", None, None)(metadata=[bearer(SENDER)])
        assert await asyncio.wait_for(call.code(), 10) is Code.OK


async def test_a_question_that_does_not_come_is_given_up(guarded, monkeypatch):
    """Guarantees: who may ask and says nothing keeps others out for a moment only."""
    monkeypatch.setattr(service_calls, "_READ_S", 0.5)
    async with guarded.channel() as channel:
        ask = channel.stream_unary(f"{SERVICE}/GetTotals", None, None)
        silent = [ask(metadata=[bearer(READER)]) for _ in range(12)]
        codes = await asyncio.wait_for(asyncio.gather(*(each.code() for each in silent)), 10)
        assert codes == [Code.UNAVAILABLE] * 12
    assert await code(guarded, "GetTotals", bearer(READER)) is Code.OK


async def test_a_question_without_a_message_is_refused(gateway):
    await gateway.open()
    async with gateway.channel() as channel:
        call = channel.stream_unary(f"{SERVICE}/GetTotals", None, None)(iter(()))
        assert await asyncio.wait_for(call.code(), 10) is Code.INVALID_ARGUMENT


async def test_a_token_that_is_there_twice_counts_once(guarded):
    """Guarantees: the first header counts, for sending as for asking."""
    assert await code(guarded, "GetTotals", bearer(READER), bearer("x" * 20)) is Code.OK
    answer = await code(guarded, "GetTotals", bearer("x" * 20), bearer(READER))
    assert answer is Code.UNAUTHENTICATED


async def test_changed_tokens_hold_from_the_next_question_on(guarded):
    guarded.tokens.replace("read", [SENDER])
    assert await code(guarded, "GetTotals", bearer(SENDER)) is Code.OK
    assert await code(guarded, "GetTotals", bearer(READER)) is Code.UNAUTHENTICATED


async def test_an_unknown_method_is_unimplemented_for_whomever(guarded):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await guarded.call(f"{SERVICE}/Drop", ForgetRequest().SerializeToString())
    assert caught.value.code() is Code.UNIMPLEMENTED
