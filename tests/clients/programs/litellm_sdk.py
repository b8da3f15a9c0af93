# mypy: ignore-errors
# (What these programs import is installed in an environment of their own.)
"""LiteLLM's SDK as applications use it: `litellm_sdk.py MODE SCENARIO …`.

MODE says which version of its OpenTelemetry callback traces the calls: ``v1`` or ``v2``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # Its own prices, from its own package.
if "v2" in sys.argv:
    os.environ["LITELLM_OTEL_V2"] = "true"
# Otherwise the first version writes each call on the span around it, one over the other.
os.environ["USE_OTEL_LITELLM_REQUEST_SPAN"] = "true"

# The import reads the environment.
import litellm
import telemetry

TEXT = "Do I need an umbrella?"
QUESTION = [{"role": "user", "content": TEXT}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
WITH_USAGE = {"stream": True, "stream_options": {"include_usage": True}}


def place(scenario: str, model: str) -> dict[str, object]:
    """Which model, where, and for whom."""
    base = f"{os.environ['PROVIDERS']}/{scenario}"
    if model.startswith("claude"):
        return {"model": f"anthropic/{model}", "api_base": base, "user": f"u-{scenario}"}
    return {"model": f"openai/{model}", "api_base": f"{base}/v1", "user": f"u-{scenario}"}


async def chat(scenario: str, model: str = "gpt-4o-mini", messages=QUESTION, **more):
    """One answer."""
    return await litellm.acompletion(messages=messages, **place(scenario, model), **more)


async def chat_streamed(scenario: str, model: str = "gpt-4o-mini", **more) -> None:
    """An answer piece by piece."""
    async for _ in await chat(scenario, model, **(more or WITH_USAGE)):
        pass


async def blocking(scenario: str) -> None:
    """The synchronous interface."""
    await asyncio.to_thread(litellm.completion, messages=QUESTION, **place(scenario, "gpt-4o-mini"))


async def respond(scenario: str, model: str = "gpt-4o-mini") -> None:
    """The newer interface of OpenAI."""
    await litellm.aresponses(input=TEXT, **place(scenario, model))


async def run_agent(scenario: str) -> None:
    """An agent that calls a tool until it has its answer."""
    messages = list(QUESTION)
    while True:
        answer = await chat(scenario, messages=messages, tools=[WEATHER])
        message = answer.choices[0].message
        if not message.tool_calls:
            return
        (call,) = message.tool_calls
        messages.append(message.model_dump(exclude_none=True))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "rain"})


async def refused(scenario: str) -> None:
    """A request that the provider turns down."""
    with contextlib.suppress(litellm.BadRequestError):
        await chat(scenario)


async def embed(scenario: str) -> None:
    """Vectors; there is no output."""
    await litellm.aembedding(input=["rain", "sun"], **place(scenario, "text-embedding-3-small"))


async def repeated(scenario: str) -> None:
    """The same question twice, the second time answered by LiteLLM's own cache."""
    litellm.cache = litellm.Cache()
    await chat(scenario, caching=True)
    await asyncio.sleep(0.5)  # It is filled behind the caller's back.
    await chat(scenario, caching=True)
    litellm.cache = None


PLAY = {
    "plain": chat,
    "plain-blocking": blocking,
    "plain-streamed": chat_streamed,
    "plain-responses": respond,
    "plain-anthropic": lambda scenario: chat(scenario, "claude-sonnet-4-5"),
    "plain-bare": chat,
    "plain-repeated": repeated,
    "cached": chat,
    "cached-streamed": chat_streamed,
    "cached-anthropic": lambda scenario: chat(scenario, "claude-sonnet-4-5"),
    "cached-anthropic-streamed": lambda scenario: chat_streamed(scenario, "claude-sonnet-4-5"),
    "reasoning": lambda scenario: chat(scenario, "gpt-5-mini"),
    "reasoning-responses": lambda scenario: respond(scenario, "gpt-5-mini"),
    "tools": run_agent,
    "retried": lambda scenario: chat(scenario, num_retries=1),
    "refused": refused,
    "silent-streamed": lambda scenario: chat_streamed(scenario, stream=True),
    "embedded": embed,
}


async def main(_mode: str, *scenarios: str) -> None:
    """Play the scenarios, each in a trace of its own."""
    provider = telemetry.start("")
    litellm.callbacks = ["otel"]
    litellm.num_retries = 0
    for scenario in scenarios:
        if scenario.endswith("-bare"):
            await PLAY[scenario](scenario)
        else:
            with telemetry.request(scenario):
                await PLAY[scenario](scenario)
    await asyncio.sleep(2.0)  # Callbacks run behind the callers' backs; nothing tells when.
    provider.shutdown()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
