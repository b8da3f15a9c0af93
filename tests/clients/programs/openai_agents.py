# mypy: ignore-errors
# (What these programs import is installed in an environment of their own.)
"""The OpenAI Agents SDK: `openai_agents.py INSTRUMENTATIONS SCENARIO …`."""

from __future__ import annotations

import os
import sys

import telemetry
from agents import Agent, Runner, function_tool
from agents.models.openai_chatcompletions import OpenAIChatCompletionsModel
from agents.models.openai_responses import OpenAIResponsesModel
from openai import AsyncOpenAI

QUESTION = "Do I need an umbrella?"


@function_tool
def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"rain in {city}"


def responses(client):
    """An agent with a tool on the newer interface."""
    model = OpenAIResponsesModel("gpt-5-mini", client)
    Runner.run_sync(Agent("forecaster", model=model, tools=[weather]), QUESTION)


def tools(client):
    """An agent with a tool on chat completions."""
    model = OpenAIChatCompletionsModel("gpt-4o-mini", client)
    Runner.run_sync(Agent("forecaster", model=model, tools=[weather]), QUESTION)


SCENARIOS = {"responses": responses, "tools": tools}


def main(instrumentations: str, *scenarios: str) -> None:
    """Play the scenarios, each in a trace of its own."""
    provider = telemetry.start(instrumentations)
    for scenario in scenarios:
        client = AsyncOpenAI(base_url=f"{os.environ['PROVIDERS']}/{scenario}/v1")
        with telemetry.request(scenario, instrumentations):
            SCENARIOS[scenario](client)
    provider.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
