"""Who wrote a span, and what its numbers mean.

Whether "input" contains the cached tokens, and "output" the reasoning, depends on the library
that wrote the span more than on the model: the same model is reported both ways.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Family = Literal["anthropic", "bedrock", "google", "openai"]
"""Whose wire format the raw counts came in; ``openai`` is what everybody else imitates."""

Inclusion = Literal["inclusive", "exclusive"]

OPENAI_GATEWAYS = frozenset({
    "bifrost", "helicone", "litellm", "litellm_proxy", "portkey", "vercel_ai_gateway",
})  # fmt: skip
"""Gateways that answer in OpenAI's format, whoever serves the call behind them."""

OPENAI_APIS = frozenset({"chat", "completion", "responses"})
"""What follows the dot where the AI SDK names the provider of a client for OpenAI's format."""


class Dialect(NamedTuple):
    """How to recognise an emitter; any one of the signs is enough."""

    name: str
    scopes: tuple[str, ...] = ()
    """How the name of its instrumentation scope begins."""
    keys: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    """Attributes with the value, in lower case, that only it writes."""
    sdk: str = ""
    """Its ``telemetry.sdk.name``."""


DIALECTS: tuple[Dialect, ...] = (
    Dialect("claude-code", scopes=("com.anthropic.claude_code",)),
    Dialect("anthropic-sdk", scopes=("com.anthropic.sdk", "com.anthropic.claude-platform")),
    Dialect("codex", keys=("codex.turn.token_usage.input_tokens",)),
    Dialect("openlit", scopes=("openlit",), keys=("gen_ai.application_name",), sdk="openlit"),
    Dialect("logfire", scopes=("logfire",)),
    Dialect("pydantic-ai", scopes=("pydantic-ai",)),
    Dialect(
        "strands",
        scopes=("strands",),
        values=(("gen_ai.system", "strands-agents"), ("gen_ai.provider.name", "strands-agents")),
    ),
    Dialect("litellm", scopes=("litellm",), keys=("litellm.call_id", "litellm.cost.total")),
    Dialect("openrouter", scopes=("openrouter",)),
    Dialect("agentgateway", scopes=("agentgateway",), keys=("agw.ai.usage.cost.total",)),
    Dialect("laminar", scopes=("lmnr",), keys=("lmnr.span.type",)),
    Dialect("mastra", keys=("mastra.span.type",)),
    Dialect("agentops", keys=("agentops.span.kind",)),
    Dialect("langsmith", scopes=("langsmith",), keys=("langsmith.span.kind",)),
    Dialect("mlflow", keys=("mlflow.spanType", "mlflow.chat.tokenUsage")),
    Dialect("langfuse", scopes=("langfuse-sdk",), keys=("langfuse.observation.type",)),
    Dialect("vercel-ai", keys=("ai.operationId", "ai.model.id")),
    Dialect("dify", scopes=("dify",), keys=("dify.tenant_id",)),
    Dialect("gemini-cli", scopes=("gemini-cli", "qwen-code")),
    Dialect("llamaindex", scopes=("llamaindex.opentelemetry",)),
    Dialect("genkit", scopes=("genkit-tracer",)),
    Dialect("haystack", scopes=("haystack",), keys=("haystack.component.type",)),
    Dialect(
        "openinference",
        scopes=("openinference.", "@arizeai/openinference-"),
        keys=("openinference.span.kind",),
    ),
    Dialect("google-adk", scopes=("gcp.vertex.agent",)),
    Dialect("microsoft", scopes=("microsoft.", "experimental.microsoft.", "agent_framework")),
    Dialect("copilot", scopes=("copilot-chat", "github-copilot")),
    Dialect(
        "otel-genai",
        scopes=(
            "opentelemetry.instrumentation.openai_v2",
            "opentelemetry.instrumentation.genai",
            "opentelemetry.instrumentation.google_genai",
            "opentelemetry.instrumentation.botocore",
            "opentelemetry.util.genai",
        ),
    ),
    Dialect(
        "traceloop",
        scopes=("opentelemetry.instrumentation.", "@traceloop/"),
        keys=("traceloop.span.kind", "traceloop.entity.name", "llm.request.type"),
    ),
    Dialect("seed", keys=("llm.tokens.input", "llm.tokens.output", "llm.model")),
    Dialect(
        "otel-genai",
        keys=(
            "gen_ai.operation.name",
            "gen_ai.provider.name",
            "gen_ai.system",
            "gen_ai.request.model",
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
        ),
    ),
)  # fmt: skip
"""The first that fits names the span's dialect."""


class Rule(NamedTuple):
    """A row of `CACHE_RULES` or `REASONING_RULES`. What is empty fits anything."""

    inclusion: Inclusion
    scope: str = ""
    dialect: str = ""
    families: tuple[Family, ...] = ()
    since: tuple[int, ...] = ()
    below: tuple[int, ...] = ()
    """Bounds on the scope's version; a scope without a version fits neither."""
    span_name: str = ""
    model: str = ""
    """A part of the model's name."""
    stated: str = ""
    """The provider as the span states it, in lower case."""
    key: str = ""
    """How the name of one of the span's attributes ends."""
    adds_total: bool = False
    """The emitter itself adds input and output up: its total shows nothing about either."""
    is_certain: bool = True
    """False where versions that look alike count differently, or nobody has verified it:
    then the cached tokens are in doubt unless something else on the span tells."""


CACHE_RULES: tuple[Rule, ...] = (
    Rule("inclusive", dialect="seed"),
    # Names of OpenAI's answer, whose input contains them whoever imitates it.
    Rule("inclusive", key="prompt_tokens_details.cached_tokens"),
    Rule("inclusive", key="input_tokens_details.cached_tokens"),
    Rule("exclusive", scope="opentelemetry.instrumentation.botocore"),
    Rule("inclusive", scope="opentelemetry.instrumentation.openai_v2"),
    Rule("inclusive", scope="opentelemetry.instrumentation.genai"),
    Rule("inclusive", scope="opentelemetry.instrumentation.google_genai"),
    Rule("inclusive", scope="opentelemetry.util.genai"),
    Rule(
        "inclusive",
        scope="openinference.instrumentation.bedrock",
        since=(0, 1, 60),
        span_name="bedrock.converse",
    ),
    Rule(
        "inclusive",
        scope="openinference.instrumentation.bedrock",
        since=(0, 1, 60),
        span_name="bedrock.converse_stream",
    ),
    Rule("exclusive", scope="openinference.instrumentation.bedrock", model="nova"),
    Rule(
        "inclusive",
        scope="openinference.instrumentation.bedrock",
        span_name="bedrock.invoke_model",
    ),
    Rule("exclusive", scope="openinference.instrumentation.bedrock"),
    Rule("inclusive", dialect="openinference"),
    Rule("exclusive", scope="opentelemetry.instrumentation.bedrock", adds_total=True),
    Rule("inclusive", scope="opentelemetry.instrumentation.openai"),
    Rule("inclusive", scope="opentelemetry.instrumentation.anthropic"),
    Rule("inclusive", scope="openlit.instrumentation.claude_agent_sdk"),
    Rule("inclusive", scope="openlit.instrumentation.litellm"),
    Rule("inclusive", dialect="openlit", stated="litellm"),
    Rule("exclusive", dialect="openlit", families=("anthropic", "bedrock"), adds_total=True),
    Rule("inclusive", dialect="openlit", families=("openai", "google"), adds_total=True),
    Rule("inclusive", scope="gen_ai"),
    # True of version 5; version 6 writes the same attributes, and counts that tell only later.
    Rule(
        "exclusive",
        dialect="vercel-ai",
        families=("anthropic", "bedrock"),
        adds_total=True,
        is_certain=False,
    ),
    Rule("inclusive", dialect="vercel-ai"),
    Rule("inclusive", dialect="pydantic-ai"),
    Rule("inclusive", dialect="logfire"),
    Rule("inclusive", dialect="google-adk"),
    Rule("exclusive", dialect="strands", below=(1, 34)),
    Rule("inclusive", dialect="strands", since=(1, 34)),
    Rule("exclusive", dialect="claude-code"),
    Rule("inclusive", dialect="codex"),
    Rule("inclusive", dialect="gemini-cli"),
    Rule("inclusive", dialect="anthropic-sdk"),
    Rule("inclusive", dialect="litellm"),
    Rule("inclusive", dialect="openrouter"),
    Rule("exclusive", dialect="agentgateway", families=("anthropic",), adds_total=True),
    Rule("exclusive", dialect="agentgateway", families=("bedrock",)),
    Rule("inclusive", dialect="agentgateway"),
    Rule(
        "exclusive",
        dialect="agentops",
        families=("anthropic", "bedrock"),
        adds_total=True,
        is_certain=False,
    ),
    Rule("inclusive", dialect="agentops"),
    Rule(
        "exclusive",
        dialect="mastra",
        families=("anthropic", "bedrock"),
        adds_total=True,
        is_certain=False,
    ),
    Rule("inclusive", dialect="mastra"),
    Rule("inclusive", dialect="laminar"),
    Rule("inclusive", dialect="langsmith"),
    # Only some of what it listens to is known to count so.
    Rule("inclusive", dialect="mlflow", families=("anthropic",), is_certain=False),
    # These show what the provider answered.
    Rule("exclusive", dialect="genkit", families=("anthropic",)),
    Rule("exclusive", dialect="llamaindex", key="raw.usage.cache_read_input_tokens"),
    Rule("exclusive", dialect="llamaindex", families=("anthropic", "bedrock")),
    Rule("inclusive", dialect="llamaindex"),
    Rule("exclusive", dialect="haystack", families=("anthropic", "bedrock")),
    Rule("inclusive", dialect="haystack"),
    Rule("inclusive", dialect="microsoft"),
    Rule("inclusive", dialect="copilot"),
    Rule("inclusive", scope="envoyproxy/ai-gateway"),
)
"""Whether input contains the cached tokens, where emitter and wire format decide it."""

REASONING_RULES: tuple[Rule, ...] = (
    Rule("exclusive", scope="opentelemetry.instrumentation.google_generativeai"),
    Rule("exclusive", scope="opentelemetry.instrumentation.vertexai"),
    Rule("exclusive", scope="openinference.instrumentation.vertexai"),
    Rule("exclusive", dialect="openlit", families=("google",)),
    Rule("exclusive", dialect="gemini-cli"),
    Rule("exclusive", dialect="genkit", families=("google",)),
    Rule("exclusive", dialect="llamaindex", families=("google",)),
    Rule("inclusive", scope="openinference.instrumentation.google_genai"),
    Rule("inclusive", scope="@arizeai/openinference-instrumentation-genai"),
    Rule("inclusive", scope="opentelemetry.instrumentation.google_genai"),
    Rule("inclusive", scope="opentelemetry.instrumentation.genai"),
    Rule("inclusive", scope="opentelemetry.util.genai"),
    Rule("inclusive", dialect="google-adk", since=(2,)),
    Rule("inclusive", dialect="pydantic-ai"),
    Rule("inclusive", dialect="logfire"),
    Rule("inclusive", dialect="litellm"),
    Rule("inclusive", dialect="openrouter"),
)
"""Whether output contains the reasoning; it does wherever no row says otherwise. ``inclusive`` is
only stated of emitters that add Gemini's thoughts: what its total has beyond is no reasoning."""
