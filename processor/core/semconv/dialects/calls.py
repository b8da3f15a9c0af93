"""Where dialects write models, providers, service tiers, ids and costs in USD."""

from __future__ import annotations

from processor.core.semconv.dialects import llamaindex
from processor.core.semconv.sources import Sources, inside, keys, total_inside, total_of

MODELS: Sources = (
    *keys(
        "llm.model",
        "langfuse.observation.model.name",
        "gen_ai.response.model",
        "ai.response.model",
        "llm.response.model_name",
        "llm.model_name",
        "mlflow.llm.model",
        "litellm.provider.model",
        "gen_ai.request.model",
        "llm.request.model_name",
        "embedding.model_name",
        "reranker.model_name",
        "ai.model.id",
        "llm.response.model",
        "llm.request.model",
    ),
    *llamaindex.RESPONSE_MODEL,
    *llamaindex.REQUEST_MODEL,
    *keys("genkit:name", when="genkit_model"),
    *keys("model", when="bare"),
    *keys("langsmith.metadata.ls_model_name"),
)
"""The response model comes first: it resolves deployments, aliases and routers."""

MODELS_INSIDE: Sources = (
    *inside("gcp.vertex.agent.llm_request", "model"),
    *inside("llm.invocation_parameters", "model", "model_name", "model_id", "modelId"),
    *inside(
        "haystack.component.output",
        "replies.0.meta.model",
        "replies.0._meta.model",
        "meta.model",
        "meta.0.model",
    ),
)
"""Read span by span, and only where no attribute above names a model."""

PROVIDERS: Sources = keys(
    "gen_ai.provider.name",
    "gen_ai.system",
    "llm.provider",
    "ai.model.provider",
    "mlflow.llm.provider",
    "llm.system",
    "langsmith.metadata.ls_provider",
    "trace.metadata.openrouter.provider_slug",
)
HOST = "server.address"

TIERS: Sources = (
    *keys(
        "openai.response.service_tier",
        "gen_ai.openai.response.service_tier",
        "anthropic.response.service_tier",
        "gen_ai.response.service_tier",
    ),
    *inside("ai.response.providerMetadata", "openai.serviceTier", "anthropic.usage.service_tier"),
    *inside("gen_ai.usage.raw", "service_tier"),
    *llamaindex.TIER,
    *inside("langfuse.observation.model.parameters", "service_tier"),
    *keys(
        "gen_ai.cost.service_tier",
        "openai.request.service_tier",
        "gen_ai.openai.request.service_tier",
        "anthropic.request.service_tier",
    ),
    *keys("speed", when="bare"),
    *inside("llm.invocation_parameters", "service_tier"),
)
"""The tier served comes before the tier asked for."""

RESPONSE_IDS: Sources = (
    *keys("gen_ai.response.id", "ai.response.id"),
    *llamaindex.RESPONSE_ID,
    *keys("request_id", when="bare"),
    *keys("litellm.call_id", "anthropic.request.id"),
)

CACHE_HITS = ("litellm.cache_hit",)
"""Flags of a gateway that answered from its own cache: there are tokens, but no cost."""


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
