# mypy: ignore-errors
# (What these programs import is installed in an environment of their own.)
"""What all client programs share: a tracer provider, instrumentations by name, one trace each."""

from __future__ import annotations

import importlib
import os
from contextlib import ExitStack, contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

INSTRUMENTORS = {
    "otel-v2-openai": "opentelemetry.instrumentation.openai_v2:OpenAIInstrumentor",
    "otel-genai-openai": "opentelemetry.instrumentation.genai.openai:OpenAIInstrumentor",
    "otel-genai-anthropic": "opentelemetry.instrumentation.genai.anthropic:AnthropicInstrumentor",
    "openinference-openai": "openinference.instrumentation.openai:OpenAIInstrumentor",
    "openinference-anthropic": "openinference.instrumentation.anthropic:AnthropicInstrumentor",
    "openinference-langchain": "openinference.instrumentation.langchain:LangChainInstrumentor",
    "openinference-agents": (
        "openinference.instrumentation.openai_agents:OpenAIAgentsInstrumentor"
    ),
    "traceloop-openai": "opentelemetry.instrumentation.openai:OpenAIInstrumentor",
    "traceloop-anthropic": "opentelemetry.instrumentation.anthropic:AnthropicInstrumentor",
    "traceloop-langchain": "opentelemetry.instrumentation.langchain:LangchainInstrumentor",
}


def start(instrumentations: str) -> TracerProvider:
    """Spans go to the endpoint that the environment names; returns what to shut down."""
    names = instrumentations.split("+")
    exporter = BatchSpanProcessor(OTLPSpanExporter())
    if "logfire" in names:
        return _start_logfire(exporter)
    provider = TracerProvider(resource=Resource.create({"service.name": "weather"}))
    provider.add_span_processor(exporter)
    trace.set_tracer_provider(provider)
    for name in filter(INSTRUMENTORS.get, names):
        module, _, instrumentor = INSTRUMENTORS[name].partition(":")
        instance = getattr(importlib.import_module(module), instrumentor)()
        instance.instrument(tracer_provider=provider)
    return provider


def _start_logfire(exporter: BatchSpanProcessor) -> TracerProvider:
    """Logfire makes a tracer provider of its own, and would export over HTTP by itself."""
    import logfire  # noqa: PLC0415 - only one environment has it

    for name in tuple(os.environ):
        if name.startswith("OTEL_EXPORTER_"):
            del os.environ[name]
    logfire.configure(
        send_to_logfire=False,
        console=False,
        service_name="weather",
        additional_span_processors=[exporter],
    )
    logfire.instrument_openai()
    logfire.instrument_anthropic()
    return trace.get_tracer_provider()


@contextmanager
def request(scenario: str, instrumentations: str = ""):
    """One request of a user: a trace whose session and user are named after the scenario.

    OpenInference has a way of its own to say whom calls belong to; elsewhere the root says it.
    """
    owner = {"session.id": f"s-{scenario}", "user.id": f"u-{scenario}"}
    names = instrumentations.split("+")
    speaks_for_itself = [name.startswith("openinference-") for name in names]
    root = {"app.scenario": scenario} | ({} if all(speaks_for_itself) else owner)
    with ExitStack() as stack:
        if any(speaks_for_itself):
            from openinference.instrumentation import using_attributes  # noqa: PLC0415 - as above

            stack.enter_context(
                using_attributes(session_id=owner["session.id"], user_id=owner["user.id"])
            )
        tracer = trace.get_tracer("weather")
        stack.enter_context(
            tracer.start_as_current_span("POST /ask", kind=SpanKind.SERVER, attributes=root)
        )
        yield owner["session.id"]


def agent(name: str):
    """A span of an agent that the application wrote itself."""
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
    tracer = trace.get_tracer("weather")
    return tracer.start_as_current_span(f"invoke_agent {name}", attributes=attributes)
