"""Where dialects write models, providers, service tiers, ids and costs in USD."""

from __future__ import annotations

from processor.core.semconv.dialects import llamaindex
from processor.core.semconv.dialects.maps import ADK, AI_SDK, GENKIT, in_maps
from processor.core.semconv.sources import (
    Source,
    Sources,
    inside,
    items_inside,
    keys,
    total_inside,
    total_of,
)

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
CUMULATIVE = "spring.ai.model.request.tool.names"
"""What stands on calls that may count all requests of a tool loop so far: Spring AI's."""
PLAIN_CACHE_MARKS = ("cached", "cache_hit", "cache.hit")
"""Flags of a cache without a namespace, which spans of databases and web servers carry as well."""

TIERS: Sources = (
    *keys(
        "openai.response.service_tier",
        "gen_ai.openai.response.service_tier",
        "anthropic.response.service_tier",
        "gen_ai.response.service_tier",
    ),
    *inside(AI_SDK, "openai.serviceTier"),
    *in_maps("service_tier"),
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

GROUNDING: Sources = (
    *items_inside(
        AI_SDK,
        "google.groundingMetadata.webSearchQueries",
        "vertex.groundingMetadata.webSearchQueries",
        "gateway.groundingMetadata.webSearchQueries",
    ),
    *items_inside(
        ADK, "grounding_metadata.web_search_queries", "groundingMetadata.webSearchQueries"
    ),
)
"""Where the queries stand that Gemini sent to a search engine for an answer."""

_REQUEST_REGIONS = ("inference_geo", "vertex_location")

REGIONS: Sources = (
    *keys(
        "anthropic.usage.inference_geo",
        "anthropic.response.inference_geo",
        "gen_ai.usage.inference_geo",
        "gen_ai.usage.details.inference_geo",
        "gen_ai.response.inference_geo",
        "llm.usage.inference_geo",
        "usage.inference_geo",
    ),
    *in_maps("inference_geo"),
    *inside(GENKIT, "custom.usage.inference_geo"),
    *llamaindex.REGION,
    *keys(
        "anthropic.request.inference_geo",
        "gen_ai.request.inference_geo",
        "gen_ai.anthropic.request.inference_geo",
    ),
    *inside("langfuse.observation.model.parameters", *_REQUEST_REGIONS),
    *inside("llm.invocation_parameters", *_REQUEST_REGIONS),
)
"""Where the tokens were processed, as Anthropic's usage states it, before where that was asked.

The region of a Vertex AI endpoint stands in `HOST` or in the path of the model.
"""

HOST_REGIONS = (
    r"([a-z0-9-]+)-aiplatform\.googleapis\.com",
    r"aiplatform\.([a-z0-9-]+)\.rep\.googleapis\.com",
    r"([a-z]{2})\.api\.openai\.com",
)
"""Regular expressions for hosts that serve one region only: the group is its name."""

RESPONSE_IDS: Sources = (
    *keys("gen_ai.response.id", "ai.response.id"),
    *llamaindex.RESPONSE_ID,
    *keys("request_id", when="bare"),
    *keys("litellm.call_id", "anthropic.request.id"),
)

CACHE_HITS: Sources = (
    *keys(
        "litellm.cache_hit",
        "metadata.cache_hit",
        "llm.cache_hit",
        "gptcache",
        "gptcache.hit",
        "gptcache.cache_hit",
        "portkey.cache_status",
        "helicone.cache",
        "http.response.header.x-portkey-cache-status",
        "http.response.header.helicone-cache",
        "http.response.header.cf-aig-cache-status",
        "langfuse.observation.metadata.cache_hit",
        "langfuse.observation.metadata.cacheHit",
        "langsmith.metadata.cache_hit",
        "traceloop.association.properties.cache_hit",
        "semantic_cache.hit",
    ),
    *inside("hidden_params", "cache_hit"),
    *inside("langfuse.observation.metadata", "cache_hit", "cacheHit"),
    *inside("metadata", "cache_hit", "gptcache"),
)
"""Flags of a cache of whole responses: there may be tokens, but no cost."""

CACHE_MARKS: Sources = (
    # A processor like this one writes it of a prompt cache, and a status beside it.
    Source(("llm.cache.hit",), unless=("llm.cost.status",)),
    Source(("llm.cache.hit.reported",)),
    *keys(
        "gen_ai.cache.hit",
        "gen_ai.response.cache_hit",
        "gen_ai.response.cached",
        "gen_ai.cached",
        "llm.cached",
        "llm.response.cached",
        "cost.cached",
        "langfuse.observation.metadata.cached",
        "langsmith.metadata.cached",
        "traceloop.association.properties.cached",
        "llm.is_cached",
        *PLAIN_CACHE_MARKS,
    ),
    *inside("langfuse.observation.metadata", "cached"),
    *inside("metadata", "cached"),
)
"""Flags that some set of a prompt cache and others of a cache of responses."""

CACHE_SAVED: Sources = keys("llm.cache.tokens_saved.reported", "llm.cache.tokens_saved")

CACHED_AT_NO_COST: Sources = (
    *inside("langsmith.metadata.usage_metadata", "total_cost"),
    *inside("langfuse.observation.usage_details", "total_cost"),
)
"""Where LangChain's mark arrives: a total cost of zero among the tokens of a cached response."""


REPORTED_COSTS: Sources = (
    Source(("llm.cost_usd",), unless=("llm.cost.status",)),
    *keys("llm.cost_usd.reported"),
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
    # What a processor like this one has written is of use where nobody else reports a cost: it has
    # read and priced what is read and priced here. What differs was reported to it.
    *keys("llm.cost.reported_usd", "llm.cost_usd"),
)
"""In order of trust: what was billed, before what a gateway, then an SDK worked out.

Left out on purpose: ``mlflow.trace.cost`` and ``logfire.metrics`` are sums over spans,
``litellm.cost.guardrail`` may be inside the total, ``github.copilot.nano_aiu`` is no money.
"""
