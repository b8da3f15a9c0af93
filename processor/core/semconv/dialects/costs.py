"""Where dialects write a cost in USD."""

from __future__ import annotations

from processor.core.semconv.sources import Sources, inside, keys, total_inside, total_of

REPORTED_COSTS: Sources = (
    *keys("llm.cost_usd"),
    *inside("langfuse.observation.cost_details", "total"),
    *total_inside("langfuse.observation.cost_details", "input", "output"),
    *keys(
        "litellm.cost.total",
        "gen_ai.cost.total_cost",
        # A cost in USD, whatever it is called; Sentry's convention.
        "gen_ai.cost.total_tokens",
        "gen_ai.usage.total_cost",
        "gen_ai.usage.cost",
        "llm.cost.total",
        "llm.response.cost",
        "operation.cost",
    ),
    *inside("mlflow.llm.cost", "total_cost"),
    *keys("agw.ai.usage.cost.total", "langwatch.span.cost"),
    *total_of("gen_ai.usage.input_cost", "gen_ai.usage.output_cost"),
    *keys("gen_ai.token.cost.total"),
    *keys("cost_usd", when="bare"),
)
"""In order of trust: what was billed, before what a gateway, then an SDK worked out.

Left out on purpose: ``mlflow.trace.cost`` and ``logfire.metrics`` are sums over spans,
``litellm.cost.guardrail`` may be inside the total, ``github.copilot.nano_aiu`` is no money.
"""
