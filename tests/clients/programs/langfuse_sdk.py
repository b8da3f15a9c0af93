# mypy: ignore-errors
# (What these programs import is installed in an environment of their own.)
"""Langfuse's SDK as applications use it: `langfuse_sdk.py MAJOR_VERSION SCENARIO …`.

Its spans go to the endpoint that the environment names instead of Langfuse.
"""

from __future__ import annotations

import contextlib
import os
import sys

import anthropic
import langfuse
import openai as bare_openai
from langfuse.langchain import CallbackHandler
from langfuse.openai import openai
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

PROVIDERS = os.environ["PROVIDERS"]
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


class Program:
    """The SDK's client, and the scenarios."""

    def __init__(self, major: str) -> None:
        """Spans go to OTLP/gRPC, as each version lets one do it."""
        self.major = major
        self.provider = TracerProvider(resource=Resource.create({"service.name": "weather"}))
        settings = {"public_key": "pk", "secret_key": "sk", "tracer_provider": self.provider}
        if major == "3":
            # The SDK's own exporter only knows Langfuse, so it is set to leave everything out.
            self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            settings["blocked_instrumentation_scopes"] = ["langfuse-sdk"]
        else:
            settings["span_exporter"] = OTLPSpanExporter()
        self.client = langfuse.Langfuse(host="http://127.0.0.1:9", **settings)

    @contextlib.contextmanager
    def request(self, scenario: str):
        """A trace with session, user and tags, as each version's documentation names them."""
        owner = {"session_id": f"s-{scenario}", "user_id": f"u-{scenario}"}
        with self.client.start_as_current_observation(as_type="span", name="ask"):
            trace.get_current_span().set_attribute("app.scenario", scenario)
            if self.major == "3":
                self.client.update_current_trace(**owner, tags=["support"])
                yield
            else:
                with langfuse.propagate_attributes(**owner, tags=["support"]):
                    yield

    def openai(self, scenario: str, **more):
        """OpenAI's client as Langfuse wraps it."""
        return openai.OpenAI(base_url=f"{PROVIDERS}/{scenario}/v1", **more)

    def chat(self, scenario: str, model: str = "gpt-4o-mini", **more):
        """One answer."""
        completions = self.openai(scenario).chat.completions
        return completions.create(model=model, messages=QUESTION, **more)

    def chat_streamed(self, scenario: str, **more) -> None:
        """An answer piece by piece."""
        for _ in self.chat(scenario, **(more or WITH_USAGE)):
            pass

    def respond(self, scenario: str, model: str = "gpt-4o-mini") -> None:
        """The newer interface."""
        self.openai(scenario).responses.create(model=model, input=TEXT)

    def respond_streamed(self, scenario: str, model: str = "gpt-4o-mini") -> None:
        """The newer interface, piece by piece."""
        for _ in self.openai(scenario).responses.create(model=model, input=TEXT, stream=True):
            pass

    def by_hand(self, scenario: str, name_usage) -> None:
        """A generation that the program writes itself, in Langfuse's own names of usage."""
        with self.client.start_as_current_observation(
            as_type="generation", name="claude", model="claude-sonnet-4-5"
        ) as generation:
            answer = anthropic.Anthropic(base_url=f"{PROVIDERS}/{scenario}").messages.create(
                model="claude-sonnet-4-5", max_tokens=500, messages=QUESTION
            )
            generation.update(model=answer.model, usage_details=name_usage(answer.usage))

    def in_chain(self, scenario: str) -> None:
        """A LangChain model traced by Langfuse's callback."""
        from langchain_anthropic import ChatAnthropic  # noqa: PLC0415 - slow to import

        model = ChatAnthropic(model="claude-sonnet-4-5", base_url=f"{PROVIDERS}/{scenario}")
        model.invoke(TEXT, config={"callbacks": [CallbackHandler()]})

    def repeated(self, scenario: str) -> None:
        """A generation by hand around the wrapped client, which reports the same call again."""
        with self.client.start_as_current_observation(
            as_type="generation", name="outer", model="gpt-4o-mini"
        ) as generation:
            usage = self.chat(scenario).usage
            generation.update(
                usage_details={"input": usage.prompt_tokens, "output": usage.completion_tokens}
            )

    def run_agent(self, scenario: str) -> None:
        """An agent that calls a tool until it has its answer."""
        messages = list(QUESTION)
        completions = self.openai(scenario).chat.completions
        with self.client.start_as_current_observation(as_type="agent", name="forecaster"):
            while True:
                answer = completions.create(model="gpt-4o-mini", messages=messages, tools=[WEATHER])
                message = answer.choices[0].message
                if not message.tool_calls:
                    return
                (call,) = message.tool_calls
                with self.client.start_as_current_observation(as_type="tool", name="weather"):
                    content = "rain"
                messages.append(message.model_dump(exclude_none=True))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})

    def refused(self, scenario: str) -> None:
        """A request that the provider turns down."""
        with contextlib.suppress(bare_openai.BadRequestError):
            self.chat(scenario)

    def embed(self, scenario: str) -> None:
        """Vectors; there is no output."""
        self.openai(scenario).embeddings.create(
            model="text-embedding-3-small", input=["rain", "sun"]
        )


def flat(usage):
    """Cache writes as one number, whatever their lifetime."""
    return {
        "input": usage.input_tokens,
        "output": usage.output_tokens,
        "cache_read_input_tokens": usage.cache_read_input_tokens,
        "cache_creation_input_tokens": usage.cache_creation_input_tokens,
    }


def by_lifetime(usage):
    """Cache writes by their lifetime, each under its own name."""
    return {
        "input": usage.input_tokens,
        "output": usage.output_tokens,
        "input_cache_read": usage.cache_read_input_tokens,
        "input_cache_creation_5m": usage.cache_creation.ephemeral_5m_input_tokens,
        "input_cache_creation_1h": usage.cache_creation.ephemeral_1h_input_tokens,
    }


def long_apart(usage):
    """Long-lived cache writes under their own name, the others under the old one."""
    return flat(usage) | {
        "cache_creation_input_tokens": usage.cache_creation.ephemeral_5m_input_tokens,
        "input_cache_creation_1h": usage.cache_creation.ephemeral_1h_input_tokens,
    }


PLAY = {
    "plain": Program.chat,
    "plain-streamed": Program.chat_streamed,
    "plain-responses": Program.respond,
    "plain-responses-streamed": Program.respond_streamed,
    "plain-by-hand": lambda program, scenario: program.by_hand(scenario, flat),
    "plain-repeated": Program.repeated,
    "cached": Program.chat,
    "cached-streamed": Program.chat_streamed,
    "cached-responses": Program.respond,
    "cached-anthropic-flat": lambda program, scenario: program.by_hand(scenario, flat),
    "cached-anthropic-by-lifetime": lambda program, scenario: program.by_hand(
        scenario, by_lifetime
    ),
    "cached-anthropic-long-apart": lambda program, scenario: program.by_hand(scenario, long_apart),
    "cached-anthropic-in-chain": Program.in_chain,
    "reasoning": lambda program, scenario: program.chat(scenario, "gpt-5-mini"),
    "reasoning-responses": lambda program, scenario: program.respond(scenario, "gpt-5-mini"),
    "reasoning-responses-streamed": lambda program, scenario: program.respond_streamed(
        scenario, "gpt-5-mini"
    ),
    "tools": Program.run_agent,
    "retried": Program.chat,
    "refused": Program.refused,
    "silent-streamed": lambda program, scenario: program.chat_streamed(scenario, stream=True),
    "embedded": Program.embed,
}


def main(major: str, *scenarios: str) -> None:
    """Play the scenarios, each in a trace of its own."""
    program = Program(major)
    for scenario in scenarios:
        with program.request(scenario):
            PLAY[scenario](program, scenario)
    program.client.flush()
    program.provider.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
