# mypy: ignore-errors
# (What these programs import is installed in an environment of their own.)
"""The OpenAI SDK as applications use it: `openai_sdk.py INSTRUMENTATIONS SCENARIO …`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

import openai
import telemetry
from pydantic import BaseModel

QUESTION = [{"role": "user", "content": "Do I need an umbrella?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


class Advice(BaseModel):
    """What the model is asked to fill in."""

    umbrella: bool


def plain(client):
    """One answer in one piece."""
    client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)


def streamed(client):
    """An answer piece by piece, usage at its end."""
    stream = client.chat.completions.create(
        model="gpt-4o-mini", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    for _ in stream:
        pass


def streamed_in_with(client):
    """The same, the stream used as a context manager."""
    with client.chat.completions.create(
        model="gpt-4o-mini", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    ) as stream:
        for _ in stream:
            pass


def unreported(client):
    """An answer piece by piece, without usage."""
    for _ in client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION, stream=True):
        pass


def reasoning(client):
    """An answer with tokens that nobody sees."""
    client.chat.completions.create(model="gpt-5-mini", messages=QUESTION, reasoning_effort="low")


def tools(client):
    """An agent: a call that asks for a tool, and one that uses its answer."""
    with telemetry.agent("forecaster"):
        messages = list(QUESTION)
        while True:
            answer = client.chat.completions.create(
                model="gpt-4o-mini", messages=messages, tools=[WEATHER]
            )
            message = answer.choices[0].message
            if not message.tool_calls:
                return
            messages.append(message.model_dump(exclude_none=True))
            messages += [
                {"role": "tool", "tool_call_id": call.id, "content": "rain"}
                for call in message.tool_calls
            ]


def streamed_tools(client):
    """A stream that asks for a tool."""
    stream = client.chat.completions.create(
        model="gpt-4o-mini", messages=QUESTION, tools=[WEATHER],
        stream=True, stream_options={"include_usage": True},
    )  # fmt: skip
    for _ in stream:
        pass


def refused(client):
    """A request that the provider turns down."""
    with contextlib.suppress(openai.BadRequestError):
        plain(client)


def parsed(client):
    """An answer as an object."""
    client.chat.completions.parse(model="gpt-4o-mini", messages=QUESTION, response_format=Advice)


def raw(client):
    """An answer with its headers."""
    client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=QUESTION).parse()


def stream_helper(client):
    """A stream through the SDK's own helper."""
    with client.chat.completions.stream(
        model="gpt-4o-mini", messages=QUESTION, stream_options={"include_usage": True}
    ) as stream:
        for _ in stream:
            pass


def asynchronous(client):
    """Two answers at once, one of them streamed."""

    async def both():
        async with openai.AsyncOpenAI(base_url=str(client.base_url)) as there:

            async def whole():
                await there.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)

            async def pieces():
                stream = await there.chat.completions.create(
                    model="gpt-4o-mini", messages=QUESTION,
                    stream=True, stream_options={"include_usage": True},
                )  # fmt: skip
                async for _ in stream:
                    pass

            await asyncio.gather(whole(), pieces())

    asyncio.run(both())


def responses(client):
    """The newer interface."""
    client.responses.create(model="gpt-5-mini", input="Do I need an umbrella?")


def responses_streamed(client):
    """The newer interface, piece by piece."""
    for _ in client.responses.create(model="gpt-5-mini", input="Umbrella?", stream=True):
        pass


def embeddings(client):
    """A vector; there is no output."""
    client.embeddings.create(model="text-embedding-3-small", input=["rain", "sun"])


SCENARIOS = {
    "cached": plain, "retried": plain,
} | {
    function.__name__: function
    for function in (
        plain, streamed, streamed_in_with, unreported, reasoning, tools, streamed_tools, refused,
        parsed, raw, stream_helper, asynchronous, responses, responses_streamed, embeddings,
    )
}  # fmt: skip


def main(instrumentations: str, *scenarios: str) -> None:
    """Play the scenarios, each in a trace of its own."""
    provider = telemetry.start(instrumentations)
    for scenario in scenarios:
        client = openai.OpenAI(base_url=f"{os.environ['PROVIDERS']}/{scenario}/v1", max_retries=2)
        with telemetry.request(scenario, instrumentations):
            SCENARIOS[scenario](client)
    provider.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
