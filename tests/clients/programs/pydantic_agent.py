# mypy: ignore-errors
# (What these programs import is installed in an environment of their own.)
"""Pydantic AI agents: `pydantic_agent.py INSTRUMENTATIONS SCENARIO …`.

The framework's own instrumentation is always on; others are stacked on it by name.
"""

from __future__ import annotations

import os
import sys

import telemetry
from pydantic_ai import Agent, InstrumentationSettings
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

QUESTION = "Do I need an umbrella?"


def _agent(model, name="forecaster"):
    agent = Agent(model, name=name)

    @agent.tool_plain
    def weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"rain in {city}"

    return agent


def _chat(url):
    provider = OpenAIProvider(base_url=f"{url}/v1", api_key="sk-none")
    return OpenAIChatModel("gpt-4o-mini", provider=provider)


def _messages(url):
    provider = AnthropicProvider(base_url=url, api_key="sk-none")
    return AnthropicModel("claude-sonnet-4-5", provider=provider)


def tools(url, session):
    """An agent that asks for a tool and uses its answer."""
    _agent(_chat(url)).run_sync(QUESTION, conversation_id=session)


def unnamed(url, _):
    """An agent that does not know which conversation it serves; the framework makes one up."""
    _agent(_chat(url)).run_sync(QUESTION)


def streamed(url, session):
    """An agent whose answer comes piece by piece."""
    result = _agent(_chat(url)).run_stream_sync(QUESTION, conversation_id=session)
    for _ in result.stream_text():
        pass


def responses(url, session):
    """An agent on the newer interface."""
    provider = OpenAIProvider(base_url=f"{url}/v1", api_key="sk-none")
    model = OpenAIResponsesModel("gpt-5-mini", provider=provider)
    _agent(model).run_sync(QUESTION, conversation_id=session)


def messages(url, session):
    """An agent on Anthropic's interface, with a tool."""
    _agent(_messages(url)).run_sync(QUESTION, conversation_id=session)


def delegated(url, session):
    """An agent whose tool is another agent."""
    helper = _agent(_messages(url), "helper")
    agent = Agent(_chat(url), name="chief")

    @agent.tool_plain
    async def weather(city: str) -> str:
        """Tell the weather of a city."""
        return (await helper.run(f"The weather in {city}?", conversation_id=session)).output

    agent.run_sync(QUESTION, conversation_id=session)


def refused(url, session):
    """A request that the provider turns down."""
    try:
        tools(url, session)
    except ModelHTTPError:
        return
    raise AssertionError("the provider should have turned it down")


SCENARIOS = {"retried": tools, "cached": messages} | {
    function.__name__: function
    for function in (tools, unnamed, streamed, responses, messages, delegated, refused)
}


def main(instrumentations: str, *scenarios: str) -> None:
    """Play the scenarios, each in a trace of its own."""
    provider = telemetry.start(instrumentations)
    Agent.instrument_all(InstrumentationSettings(tracer_provider=provider))
    for scenario in scenarios:
        with telemetry.request(scenario, instrumentations) as session:
            SCENARIOS[scenario](f"{os.environ['PROVIDERS']}/{scenario}", session)
    provider.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
