"""A small agent application, instrumented with the real SDK, and files with known numbers."""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.trace import SpanKind

PRICES = """
version: 1
models:
  - {provider: openai, model: gpt-4o, prices: [{input: 2.50, output: 10.00, cache_read: 1.25}]}
  - {provider: anthropic, model: claude-test, prices: [{input: 3.00, output: 15.00}]}
"""
BUDGETS = """
version: 1
budgets:
  - {name: per-call, scope: call, limit_usd: 0.02}
  - {name: per-session, scope: session, limit_usd: 0.0100, warn_at: [0.5]}
"""


def tracer(port, batch=False, **resource):
    """A real SDK whose spans go to the processor."""
    provider = TracerProvider(resource=Resource.create({"service.name": "shop", **resource}))
    exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{port}", insecure=True, timeout=20)
    kind = BatchSpanProcessor if batch else SimpleSpanProcessor
    provider.add_span_processor(kind(exporter))
    return provider, provider.get_tracer("shop-agents")


def chat(tracer, name, model="gpt-4o", tokens=(1000, 200), cached=0, provider="openai", **more):
    """One call as OpenTelemetry's GenAI convention has it."""
    span = tracer.start_span(name, kind=SpanKind.CLIENT)
    span.set_attribute("gen_ai.operation.name", "chat")
    span.set_attribute("gen_ai.provider.name", provider)
    span.set_attribute("gen_ai.request.model", model)
    span.set_attribute("gen_ai.usage.input_tokens", tokens[0])
    span.set_attribute("gen_ai.usage.output_tokens", tokens[1])
    if cached:
        span.set_attribute("gen_ai.usage.cache_read.input_tokens", cached)
    for key, value in more.items():
        span.set_attribute(key.replace("__", "."), value)
    span.end()
    return span


def run_agents(tracer):
    """A session with an agent, a tool, a cached call and an unknown model; the trace id."""
    with tracer.start_as_current_span("POST /ask") as root:
        root.set_attribute("session.id", "s-1")
        root.set_attribute("user.id", "u-1")
        with tracer.start_as_current_span("invoke_agent planner") as agent:
            agent.set_attribute("gen_ai.operation.name", "invoke_agent")
            agent.set_attribute("gen_ai.agent.name", "planner")
            agent.set_attribute("gen_ai.request.model", "gpt-4o")
            agent.set_attribute("gen_ai.usage.input_tokens", 3000)
            agent.set_attribute("gen_ai.usage.output_tokens", 400)
            chat(tracer, "chat plain")
            chat(tracer, "chat cached", tokens=(2000, 200), cached=800)
            with tracer.start_as_current_span("execute_tool search") as tool:
                tool.set_attribute("gen_ai.operation.name", "execute_tool")
        chat(tracer, "chat unknown", model="nobody-knows-this")
        seed = tracer.start_span("llm.call")
        seed.set_attributes(
            {"llm.model": "claude-test", "llm.tokens.input": 100, "llm.tokens.output": 10,
             "llm.tokens.total": 110, "cost.feature": "summary",
             "cost.task_id": "T-9", "cost.task_title": "Fix the bug", "cost.purpose": "explain",
             "cost.task_type": "review"}
        )  # fmt: skip
        seed.end()
    return f"{root.get_span_context().trace_id:032x}"
