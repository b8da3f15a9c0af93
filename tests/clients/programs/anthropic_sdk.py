# mypy: ignore-errors
# (What these programs import is installed in an environment of their own.)
"""The Anthropic SDK as applications use it: `anthropic_sdk.py INSTRUMENTATIONS SCENARIO …`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

import anthropic
import telemetry

MODEL = "claude-sonnet-4-5"
QUESTION = [{"role": "user", "content": "Do I need an umbrella?"}]
CACHED = {"type": "ephemeral", "ttl": "1h"}
SYSTEM = [{"type": "text", "text": "You are a forecaster.", "cache_control": CACHED}]
WEATHER = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
ASKED = {"model": MODEL, "max_tokens": 100, "messages": QUESTION}


def plain(client):
    """One answer in one piece."""
    client.messages.create(**ASKED)


def cached(client):
    """An answer for which a prompt was written to the cache, or read from it."""
    client.messages.create(**ASKED, system=SYSTEM)


def streamed(client):
    """An answer piece by piece."""
    for _ in client.messages.create(**ASKED, system=SYSTEM, stream=True):
        pass


def stream_helper(client):
    """A stream through the SDK's own helper."""
    with client.messages.stream(**ASKED) as stream:
        for _ in stream.text_stream:
            pass
        stream.get_final_message()


def tools(client):
    """An agent: a call that asks for a tool, and one that uses its answer."""
    with telemetry.agent("forecaster"):
        messages = list(QUESTION)
        while True:
            answer = client.messages.create(
                model=MODEL, max_tokens=100, messages=messages, tools=[WEATHER]
            )
            if answer.stop_reason != "tool_use":
                return
            messages.append({
                "role": "assistant",
                "content": [block.model_dump(exclude_none=True) for block in answer.content],
            })  # fmt: skip
            results = [
                {"type": "tool_result", "tool_use_id": block.id, "content": "rain"}
                for block in answer.content
                if block.type == "tool_use"
            ]
            messages.append({"role": "user", "content": results})


def refused(client):
    """A request that the provider turns down."""
    with contextlib.suppress(anthropic.BadRequestError):
        plain(client)


def exhausted(client):
    """A provider that is overloaded for longer than the SDK tries."""
    with contextlib.suppress(anthropic.InternalServerError):
        plain(client)


def counting(client):
    """A question that costs nothing."""
    client.messages.count_tokens(model=MODEL, messages=QUESTION)


def raw(client):
    """An answer with its headers."""
    client.messages.with_raw_response.create(**ASKED).parse()


def asynchronous(client):
    """Two answers at once, one of them streamed."""

    async def both():
        async with anthropic.AsyncAnthropic(base_url=str(client.base_url)) as there:

            async def pieces():
                async for _ in await there.messages.create(**ASKED, stream=True):
                    pass

            await asyncio.gather(there.messages.create(**ASKED), pieces())

    asyncio.run(both())


SCENARIOS = {"retried": plain, "cached_1h": cached} | {
    function.__name__: function
    for function in (
        plain, cached, streamed, stream_helper, tools, refused, exhausted, counting, raw,
        asynchronous,
    )
}  # fmt: skip


def main(instrumentations: str, *scenarios: str) -> None:
    """Play the scenarios, each in a trace of its own."""
    provider = telemetry.start(instrumentations)
    for scenario in scenarios:
        url = f"{os.environ['PROVIDERS']}/{scenario}"
        client = anthropic.Anthropic(base_url=url, max_retries=2)
        with telemetry.request(scenario, instrumentations):
            SCENARIOS[scenario](client)
    provider.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
