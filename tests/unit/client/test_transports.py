"""How both clients reach a processor, and what they say where they do not."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from conformance.certificates import make_self_signed

from processor.client import (
    AsyncCostClient,
    CostClient,
    CostClientError,
    ForbiddenError,
    InvalidQuestionError,
    RefusedError,
    TimedOutError,
    TooSlowError,
    UnauthenticatedError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
)
from processor.core.errors import QuestionTooSlowError
from processor.surfaces.queries import CostQueries

TOKEN = "a-token-of-some-length"


def status(client):
    return client.sessions.get("s1")


def summary(client):
    return client.costs.get_summary()


async def test_a_token_is_shown(asked, endpoint, usual, monkeypatch):
    """Guarantees: without one it is said what to do; the variable is used unless one is given."""
    url = await endpoint(*usual, read=[TOKEN])
    with pytest.raises(UnauthenticatedError, match=r"set LLM_COST_TOKEN"):
        await asked(url, summary)
    assert (await asked(url, summary, token=TOKEN)).total_calls == 5
    monkeypatch.setenv("LLM_COST_TOKEN", f"{TOKEN}\n")
    assert (await asked(url, summary)).total_calls == 5
    with pytest.raises(UnauthenticatedError) as caught:
        await asked(url, summary, token="another-token-of-some-length")
    assert (caught.value.status, TOKEN in str(caught.value)) == (401, False)


async def test_a_processor_that_answers_nobody_says_what_to_set(asked, endpoint, usual):
    url = await endpoint(*usual, is_loopback=False)
    with pytest.raises(ForbiddenError, match=r"api: \{read_tokens"):
        await asked(url, summary)


async def test_parameters_that_cannot_be_used_are_all_named(asked, endpoint, usual):
    """Guarantees: an error has every problem with its fix, in its text as well."""
    url = await endpoint(*usual)
    with pytest.raises(InvalidQuestionError, match="agent") as caught:
        await asked(url, lambda client: client.costs.get_summary(filters={"agnt": "writer"}))
    [problem] = caught.value.problems
    assert (problem.parameter, "agent" in problem.choices) == ("filter", True)


async def test_executions_that_take_too_long_to_count_are_unknown(
    asked, endpoint, usual, monkeypatch
):
    """Guarantees: the cost is there all the same, and the reason for what is not."""
    usage = CostQueries.usage

    async def slow_by_trace(queries, request):
        if request.group_by:
            raise QuestionTooSlowError("this takes longer than 10 s")
        return await usage(queries, request)

    monkeypatch.setattr(CostQueries, "usage", slow_by_trace)
    url = await endpoint(*usual)
    found = await asked(url, summary)
    assert (found.total_calls, found.total_executions) == (5, None)
    assert "shorter" in found.partial[0]
    with pytest.raises(TooSlowError, match="longer than 10 s") as caught:
        await asked(url, lambda client: client.costs.get_report())
    assert caught.value.retry_after_s == 5


@pytest.mark.parametrize(
    ("code", "kind", "body", "said"),
    [
        (429, UnavailableError, {"detail": "16 are under way"}, "16 are under way"),
        (503, UnavailableError, {"detail": "cannot be read now"}, "cannot be read now"),
        (500, RefusedError, {"detail": "see the log"}, "see the log"),
        (200, UnexpectedAnswerError, "<html>", "no llm-cost-processor"),
        (200, UnexpectedAnswerError, {"hello": 1}, "another version"),
        (404, UnexpectedAnswerError, "there is only /metrics", "api.enabled"),
        (302, UnexpectedAnswerError, "", "status 302"),
    ],
)
async def test_other_answers_are_errors(asked, answering, code, kind, body, said):
    """Guarantees: whatever answers, there is one kind of error, and a redirect gets no token."""
    text = body if isinstance(body, str) else json.dumps(body)
    headers = ["Retry-After: 7", "Location: http://127.0.0.1:1/elsewhere"]
    url = await answering(code, text.encode(), headers)
    with pytest.raises(kind, match=said) as caught:
        await asked(url, summary)
    assert url in str(caught.value) or said == "another version"
    if kind is UnavailableError:
        assert caught.value.retry_after_s == 7


async def test_nothing_that_listens_is_said(asked):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(UnreachableError, match=rf"{url} .*llm-cost serve"):
        await asked(url, summary)


async def test_a_name_that_leads_nowhere_is_said(asked):
    with pytest.raises(UnreachableError, match="leads nowhere"):
        await asked("http://nobody.invalid:8888", summary)


async def test_no_answer_ends_in_time(asked, answering):
    url = await answering(sent=0)
    with pytest.raises(TimedOutError, match="timeout_s"):
        await asked(url, summary, timeout_s=0.1)


async def test_what_speaks_no_http_is_said(asked):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"\x00\x00\x18\x04\x00\x00\x00\x00\x00" + b"\x00" * 24)

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(CostClientError, match="cannot be asked"):
            await asked(f"http://127.0.0.1:{listener.getsockname()[1]}", summary)


async def test_an_answer_that_is_cut_short_is_no_answer(asked, answering):
    """Guarantees: what a processor said before it was killed is not taken for all of it."""
    url = await answering(body=b'{"costs": 1}', sent=-1)
    with pytest.raises(UnreachableError, match="ends the connection"):
        await asked(url, status)


async def test_threads_may_share_a_client(endpoint, usual):
    loop = asyncio.get_running_loop()
    # Threads of its own: the server makes its documents in those of the loop.
    with ThreadPoolExecutor(12) as threads, CostClient(await endpoint(*usual)) as client:
        asked = [loop.run_in_executor(threads, summary, client) for _ in range(36)]
        assert len(set(await asyncio.gather(*asked))) == 1
        assert len(client._idle) <= 8


def test_a_client_of_another_event_loop_says_so():
    """Guarantees: a client that is kept between two `asyncio.run` gives a reason, not a riddle."""
    client = AsyncCostClient("http://127.0.0.1:1")

    async def ask(*, is_last):
        try:
            with pytest.raises(UnreachableError):
                await summary(client)
        finally:
            if is_last:
                await client.close()

    async def twice():
        with pytest.raises(RuntimeError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, ask(is_last=False))

    async def outer():
        await ask(is_last=False)
        await twice()
        await ask(is_last=True)

    asyncio.run(outer())


async def test_tls_is_checked_unless_its_authority_is_given(asked, answering, tmp_path):
    """Guarantees: a certificate that nobody trusts gets no token."""
    files = make_self_signed(tmp_path)
    url = await answering(body=b'{"costs": {}}', files=files)
    with pytest.raises(UnreachableError, match="not trusted here"):
        await asked(url, status, token=TOKEN)
    assert not answering.requests
    context = ssl.create_default_context(cafile=files[0])
    assert await asked(url, status, token=TOKEN, tls=context) == {"costs": {}}
    assert f"Authorization: Bearer {TOKEN}".encode() in answering.requests[0]


async def test_connections_are_used_again(asked, answering):
    url = await answering(headers=["Connection: keep-alive"])
    assert await asked(url, status, status, status) == [{}, {}, {}]
    assert len(answering.requests) == 3


def test_a_connection_that_was_idle_too_long_is_made_again():
    """Guarantees: that the server has closed it meanwhile is no failure."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = threading.Event()

        def serve():
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                closed.set()

        threading.Thread(target=serve, daemon=True).start()
        with CostClient(f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
            assert client.sessions.get("s1") == {}
            assert closed.wait(10)
            assert client.sessions.get("s1") == {}
