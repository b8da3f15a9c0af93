# mypy: ignore-errors
# (What these programs import is installed in an environment of their own.)
"""LangChain models and agents: `chains.py INSTRUMENTATIONS SCENARIO …`."""

from __future__ import annotations

import contextlib
import os
import sys

import anthropic
import openai
import telemetry
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

QUESTION = "Do I need an umbrella?"


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"rain in {city}"


def _chat(url, **more):
    return ChatOpenAI(model="gpt-4o-mini", base_url=f"{url}/v1", api_key="sk-none", **more)


def _messages(url):
    return ChatAnthropic(model="claude-sonnet-4-5", base_url=url, api_key="sk-none")


def plain(url):
    """One answer in one piece."""
    _chat(url).invoke(QUESTION)


def streamed(url):
    """An answer piece by piece."""
    for _ in _chat(url, stream_usage=True).stream(QUESTION):
        pass


def messages(url):
    """One answer of an Anthropic model."""
    _messages(url).invoke(QUESTION)


def tools(url):
    """An agent that asks for a tool and uses its answer."""
    agent = create_agent(_chat(url), tools=[weather], name="forecaster")
    agent.invoke({"messages": [{"role": "user", "content": QUESTION}]})


def refused(url):
    """A request that the provider turns down."""
    with contextlib.suppress(openai.BadRequestError, anthropic.BadRequestError):
        plain(url)


def embeddings(url):
    """A vector."""
    OpenAIEmbeddings(
        model="text-embedding-3-small", base_url=f"{url}/v1", api_key="sk-none",
        check_embedding_ctx_length=False,
    ).embed_query(QUESTION)  # fmt: skip


SCENARIOS = {"cached": messages, "retried": plain} | {
    function.__name__: function
    for function in (plain, streamed, messages, tools, refused, embeddings)
}


def main(instrumentations: str, *scenarios: str) -> None:
    """Play the scenarios, each in a trace of its own."""
    provider = telemetry.start(instrumentations)
    for scenario in scenarios:
        with telemetry.request(scenario, instrumentations):
            SCENARIOS[scenario](f"{os.environ['PROVIDERS']}/{scenario}")
    provider.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
