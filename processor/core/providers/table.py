"""What is known of providers. A new provider, spelling or host is a line here, and nothing else.

Ids are those of the price catalogue (genai-prices). Only spellings listed here (or in the
operator's file) are mapped: a name that merely contains a known one is another provider, with
other prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Provider(NamedTuple):
    """One company that charges for calls."""

    id: str
    spellings: str = ""
    """Other names of it on spans and in price files, separated by spaces, in lower case."""
    hosts: tuple[str, ...] = ()
    """How the names of its API servers end."""
    paths: str = ""
    """Regular expression: how a model's name begins in a form that only this provider uses."""
    brands: str = ""
    """Regular expression: how the names of models begin that it sells under its own brand."""


PROVIDERS: tuple[Provider, ...] = (
    Provider(
        "anthropic",
        spellings="claude anthropic.messages",
        hosts=("api.anthropic.com",),
        brands=r"claude-",
    ),
    Provider(
        "aws",
        spellings="aws.bedrock aws_bedrock aws-bedrock bedrock amazon amazon-bedrock "
        "amazon_bedrock amazon.bedrock bedrock_converse anthropic-bedrock anthropic_bedrock",
        hosts=(".amazonaws.com",),
        paths=(
            r"arn:aws|(?:us|eu|apac|au|jp|ca|sa|in|global|us-gov)\.[a-z0-9]+\.[a-z]"
            r"|(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|writer|google"
            r"|minimax|moonshotai|nvidia|stability|twelvelabs|zai)\.[a-z]"
            r"|[^/:]+-v\d+:\d+(?::\d+k)?$"
        ),
    ),
    Provider(
        "azure",
        spellings="azure.ai.openai az.ai.openai azure.ai.inference az.ai.inference azure_openai "
        "azure-openai azure.openai azureopenai azure_ai azure-ai azure.ai.foundry "
        "azure_ai_foundry azure_ai_inference azure-cognitive-services microsoft.foundry",
        hosts=(".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"),
    ),
    Provider("ai21", spellings="ai21_labs ai21labs"),
    Provider("assemblyai", spellings="assembly_ai assembly-ai"),
    Provider("baseten"),
    Provider("cerebras"),
    Provider("cloudflare", spellings="cloudflare-workers-ai workers-ai", paths=r"@cf/"),
    Provider(
        "cohere",
        spellings="cohere_chat cohere.chat",
        brands=r"command(?:-|$)|rerank-|embed-(?:english|multilingual|v)",
    ),
    Provider("dashscope", spellings="alibaba alibaba_cloud alibaba-cloud aliyun tongyi"),
    Provider("databricks", paths=r"databricks-"),
    Provider("deepgram"),
    Provider("deepinfra", spellings="deep_infra deep-infra"),
    Provider(
        "deepseek",
        spellings="deepseek_ai deep_seek",
        hosts=("api.deepseek.com",),
        brands=r"deepseek-(?:chat|reasoner|coder|v4)",
    ),
    Provider("elevenlabs", spellings="eleven_labs eleven-labs", brands=r"eleven_|scribe_v"),
    Provider(
        "fireworks",
        spellings="fireworks_ai fireworks-ai fireworks.ai",
        hosts=("api.fireworks.ai",),
        paths=r"accounts/fireworks/",
    ),
    Provider("github-copilot", spellings="github_copilot"),
    Provider(
        "google",
        spellings="gcp.gemini gcp.vertex_ai gcp.gen_ai gemini vertex_ai vertexai vertex-ai "
        "vertex vertex_ai_beta google_vertexai google-vertex google_vertex google.vertex "
        "google-gla google_genai google-genai google_ai_studio google.generative-ai google_ai "
        "google-ai google.gemini google_generative_ai googleai anthropic-vertex anthropic_vertex "
        "vertex_anthropic",
        hosts=("aiplatform.googleapis.com", "generativelanguage.googleapis.com"),
        paths=r"(?:publishers|projects)/|models/(?:gemini|gemma|text-embedding|embedding|imagen|veo"
        r"|aqa|learnlm)",
        brands=r"gemini-|imagen-|veo-|text-embedding-00\d|text-multilingual-embedding-"
        r"|textembedding-gecko",
    ),
    Provider(
        "groq",
        hosts=("api.groq.com",),
        # Its own endings; what many serve under the same name decides nothing.
        paths=r"(?:llama|mixtral|gemma)[\w.-]*-(?:versatile|instant|specdec|8192|32768"
        r"|tool-use-preview)$|llama-?3[\w.-]*-(?:text|vision)-preview$",
    ),
    Provider("jina_ai", spellings="jina jina-ai jinaai", brands=r"jina-"),
    Provider("minimax"),
    Provider(
        "mistral",
        spellings="mistral_ai mistralai mistral-ai mistral.ai",
        hosts=("api.mistral.ai",),
        brands=r"mistral-(?:large|medium|small|tiny|saba|embed|ocr)|codestral-|ministral-|pixtral-"
        r"|magistral-|devstral-",
    ),
    Provider("modal"),
    Provider(
        "moonshotai",
        spellings="moonshot moonshot_ai moonshot-ai",
        hosts=("api.moonshot.ai",),
        brands=r"kimi-latest|moonshot-",
    ),
    Provider("nebius", spellings="nebius_ai"),
    Provider("novita", spellings="novita_ai novita-ai"),
    Provider("nvidia_nim", spellings="nvidia nvidia-nim nim"),
    Provider("ollama"),
    Provider(
        "openai",
        spellings="open_ai openai.chat openai.responses openai-chat openai_chat "
        "text-completion-openai",
        hosts=("api.openai.com",),
        brands=r"(?:ft:)?(?:gpt-|chatgpt-|o[134](?:-|$)|text-embedding-(?:3|ada)|text-davinci"
        r"|davinci-|babbage-)|ada-002|codex-|whisper-1|tts-1|dall-e-|omni-moderation"
        r"|text-moderation|gpt-image",
    ),
    Provider(
        "openrouter", spellings="open_router openrouter.ai", hosts=("openrouter.ai",)
    ),
    Provider("ovhcloud"),
    Provider("sambanova", spellings="samba_nova"),
    Provider(
        "perplexity",
        spellings="perplexity_ai perplexity-ai pplx",
        hosts=("api.perplexity.ai",),
        brands=r"sonar(?:-|$)",
    ),
    Provider(
        "together",
        spellings="together_ai togetherai together-ai together.ai",
        hosts=("api.together.xyz",),
    ),
    Provider("voyageai", spellings="voyage voyage_ai voyage-ai", brands=r"voyage-"),
    Provider("watsonx", spellings="watsonx.ai ibm ibm.watsonx.ai ibm_watsonx ibm-watsonx"),
    Provider(
        "x-ai", spellings="xai x_ai x.ai grok", hosts=("api.x.ai",), brands=r"grok-"
    ),
    Provider("zai", spellings="z_ai z-ai z.ai"),
    Provider("zhipuai", spellings="zhipu"),
)  # fmt: skip

SPELLINGS: Mapping[str, str] = {
    spelling: provider.id
    for provider in PROVIDERS
    for spelling in (provider.id, *provider.spellings.split())
}
"""Every spelling in the table -> the provider's id."""

UNNAMED = frozenset({"", "_other", "unknown", "none", "null", "n/a"})
"""What stands where a provider should and names nothing at all."""

INTERMEDIARIES = UNNAMED | {
    "adk", "ag2", "agentgateway", "agentops", "agno", "ai-sdk", "ai_gateway", "aider", "arize",
    "autogen", "autogen-agentchat", "az.ai.agents", "beeai", "bifrost", "braintrust",
    "browser-use", "camel", "camel-ai", "claude-agent-sdk", "claude-code", "cline",
    "cloudflare-ai-gateway", "codex", "copilotkit", "crewai", "deepeval", "dify", "dspy",
    "envoy", "envoy-ai-gateway", "flowise", "gateway", "gcp.vertex.agent", "gemini-cli",
    "genkit", "google-adk", "guardrails", "haystack", "helicone", "hfapimodel", "humanloop",
    "inferenceclientmodel", "instructor", "kong", "kong-ai-gateway", "laminar", "langchain",
    "langchain4j", "langflow", "langfuse", "langgraph", "langsmith", "langtrace", "letta",
    "litellm", "litellm_proxy", "llamaindex", "logfire", "lunary", "marvin", "mastra", "mem0",
    "metagpt", "microsoft.agent_framework", "microsoft.extensions.ai", "mlflow", "n8n",
    "openai-agents", "opencode", "openinference", "openlit", "openllmetry", "opik", "phidata",
    "phoenix", "portkey", "promptflow", "promptlayer", "pydantic-ai", "ragas",
    "semantic-kernel", "smolagents", "spring-ai", "strands", "strands-agents", "traceloop",
    "transformersmodel", "vercel", "vercel-ai-sdk", "vercel_ai_gateway", "weave",
}  # fmt: skip
"""Frameworks, gateways and instrumentations: they say how a call travelled, or who wrote it down,
not who charges for it. However their parts are joined: ``llama_index`` is ``llamaindex``."""

CLASS_PREFIXES = ("async", "chat")
CLASS_SUFFIXES = (
    "api", "chat", "client", "compatible", "completion", "completions", "connector", "converse",
    "core", "document", "embedder", "embedding", "embeddings", "ext", "generator", "inference",
    "language", "like", "llm", "llms", "lm", "model", "models", "multimodal", "provider",
    "rerank", "reranker", "response", "responses", "sdk", "server", "service", "text", "wrapper",
)  # fmt: skip
"""What names of classes and modules have before and after the provider or framework that they
stand for: ``ChatOpenAI``, ``openai_responses_llm``, ``AnthropicChatGenerator``."""

TAGGED_MODELS = frozenset({"mistral"})
"""Names of models that local servers write a tag after (``mistral:7b``), and of providers too."""

RESELLERS = frozenset({"openrouter"})
"""Ids of gateways that charge in their own name; on a span that also names who served the call
behind them, that one is the provider."""

CLIENT_IDS = frozenset({"openai"})
"""Ids that a client library states whoever answers, because others imitate its API: the host of
the server knows better."""

IMITATED = CLIENT_IDS | {"anthropic"}
"""Ids of providers whose clients are used with the servers of others, and who sell only their own
models: a model of another maker was answered by somebody else."""

PUBLISHERS = frozenset({
    "cohere", "databricks", "deepseek", "google", "minimax", "mistral", "moonshotai", "openai",
})  # fmt: skip
"""Ids of makers whose name before a slash may mean "published by" rather than "served by"."""

OPEN_WEIGHTS = (
    r"gpt-oss|gemma|llama|qwen|phi-\d|mi[sx]tral-(?:\d|nemo)|deepseek-(?:r1|v[23])|kimi-k2|dbrx"
)
"""Regular expression, anywhere in a model's name: models that many providers serve."""

CUSTOMER_NAMED = frozenset({"azure"})
"""Ids of providers where the customer chooses the model's name: a similar name says nothing."""

STANDARD_TIERS = frozenset({
    "", "auto", "default", "normal", "on_demand", "standard", "standard_only",
})  # fmt: skip
"""Names of the service tier that costs the list price."""

REGION_MARK = "geo:"
"""How the word of a service tier begins that says where a call was served (``geo:us``)."""

NO_REGIONS = frozenset({"", "global", "not_available", "unknown"})
"""Where a call was served for which no provider asks more."""

PLACEHOLDER_MODELS = frozenset({"", "unknown", "none", "null", "n/a", "test", "undefined"})
"""What instrumentations write when they do not know the model, or when there is none."""

PLACEHOLDER_PREFIXES = ("function:",)
"""How such texts begin: a function of the application answered in place of a model."""
