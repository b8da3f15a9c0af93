"""Who makes the calls of the demo's history: a company, its teams, their agents and users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

Rhythm = Literal["office", "customers", "night"]

HOURS: Final[dict[Rhythm, Sequence[int]]] = {
    "office": (0, 0, 0, 0, 0, 0, 1, 4, 9, 12, 12, 10, 6, 9, 12, 11, 9, 6, 3, 1, 1, 0, 0, 0),
    "customers": (3, 2, 1, 1, 1, 2, 4, 6, 9, 10, 10, 10, 9, 9, 10, 10, 9, 9, 9, 10, 10, 9, 7, 5),
    "night": (2, 12, 12, 10, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
}
"""Traffic of the hours of a day in UTC, relative to each other."""
WEEKEND: Final[dict[Rhythm, float]] = {"office": 0.06, "customers": 0.55, "night": 0.8}
"""Traffic of a Saturday or Sunday, relative to a weekday."""

INTERNAL_MODEL: Final = ("acme", "acme-search-14b")
"""A model of the company's own, which its price file prices; that price changes."""
UNPRICED_MODEL: Final = ("acme", "house-translator-v2")


class Step(NamedTuple):
    """Calls of one model that an agent makes in a run."""

    provider: str
    model: str
    input_tokens: int
    """Median."""
    output_tokens: int
    """Median; 0 for embeddings."""
    calls: tuple[int, int] = (1, 1)
    """Least and most."""
    cached: float = 0.0
    """Share of the input that the provider's cache has, once a run has begun."""
    thought: float = 0.0
    """Share of the output that is reasoning."""
    answered_by_cache: float = 0.0
    """Share of calls that the application's own cache answers."""
    without_usage: float = 0.0
    """Share of calls that report no usage, as streams do that nobody asked for it."""
    tool: str = ""
    """The tool that is used after each call."""
    sub_agent: str = ""
    """The agent, below the other one, that makes these calls."""


class Agent(NamedTuple):
    """An agent, and what its runs are like."""

    name: str
    share: int
    """How many of the team's runs are its own, relative to others."""
    task_type: str
    steps: Sequence[Step]
    purpose: str = ""
    rhythm: Rhythm | None = None
    """Where it differs from that of the team."""


class Team(NamedTuple):
    """A team, its service, and who uses that."""

    name: str
    service: str
    feature: str
    runs: int
    """On a weekday, about."""
    rhythm: Rhythm
    users: Sequence[str]
    """The first ones use it most."""
    orgs: Sequence[str]
    """Customers; each user belongs to one of them."""
    task_prefix: str
    titles: Sequence[str]
    """Of tasks; ``{}`` stands for a number."""
    agents: Sequence[Agent]


_SONNET: Final = ("anthropic", "claude-sonnet-4-5")
_HAIKU: Final = ("anthropic", "claude-haiku-4-5")
_OPUS: Final = ("anthropic", "claude-opus-4-5")
_FLASH: Final = ("gcp.gemini", "gemini-2.5-flash")
_PRO: Final = ("gcp.gemini", "gemini-2.5-pro")
_EMBEDDINGS: Final = ("openai", "text-embedding-3-small")

TEAMS: Final = (
    Team(
        "support", "support-chat", "customer-chat", 100, "customers",
        ("maria", "jonas", "aisha", "wei", "lucas", "ines", "tomas", "nora", "samir", "olga"),
        ("northwind", "globex", "initech", "umbrella", "hooli"),
        "SUP",
        ("Refund of order {}", "Parcel {} has not arrived", "Cannot sign in, ticket {}",
         "Invoice {} charged twice", "Change the address of order {}", "Cancel contract {}"),
        (
            Agent("ticket-triage", 5, "classify", (
                Step("openai", "gpt-4.1-nano", 900, 60, answered_by_cache=0.12),
            )),
            Agent("reply-writer", 4, "answer", (
                Step(*_EMBEDDINGS, 350, 0, tool="search_articles", sub_agent="knowledge-search"),
                Step(*_HAIKU, 2_600, 180, sub_agent="knowledge-search"),
                Step(*_SONNET, 6_400, 420, (1, 3), cached=0.7, tool="read_order"),
            )),
        ),
    ),
    Team(
        "search", "search-api", "product-search", 70, "customers",
        ("web-shop", "mobile-app", "partner-api"),
        ("northwind", "globex", "hooli"),
        "SRCH",
        ("Synonyms for category {}", "Ranking experiment {}", "Relevance of catalogue {}"),
        (
            Agent("query-rewriter", 6, "rewrite", (
                Step(*INTERNAL_MODEL, 1_400, 90, (1, 2), answered_by_cache=0.15),
            )),
            Agent("answer-composer", 3, "answer", (
                Step(*INTERNAL_MODEL, 2_200, 120),
                Step(*_FLASH, 9_500, 520, cached=0.4, tool="search_products"),
            )),
            Agent("relevance-judge", 2, "evaluate", (
                Step("openai", "gpt-5-mini", 3_800, 700, (2, 5), thought=0.6),
            ), "evaluation", "night"),
        ),
    ),
    Team(
        "engineering", "code-review", "pull-requests", 42, "office",
        ("priya", "sven", "chloe", "mateo", "hana", "dmitri"),
        ("acme",),
        "ENG",
        ("Review of pull request {}", "Flaky test in build {}", "Upgrade of dependency {}",
         "Incident {}: find the cause", "Migrate table {}"),
        (
            Agent("code-reviewer", 5, "review", (
                Step(*_SONNET, 21_000, 900, (2, 6), cached=0.85, tool="read_file"),
            )),
            Agent("test-writer", 3, "generate", (
                Step("openai", "gpt-5-mini", 9_000, 2_400, (1, 4), cached=0.5, thought=0.5,
                     tool="run_tests"),
            )),
            Agent("incident-analyst", 1, "plan", (
                Step(*_OPUS, 26_000, 1_600, (2, 4), cached=0.6, tool="query_logs"),
            )),
        ),
    ),
    Team(
        "finance", "back-office", "invoices", 24, "night",
        ("batch-import",),
        ("acme",),
        "FIN",
        ("Invoices of batch {}", "Monthly closing, part {}", "Receipts of supplier {}"),
        (
            Agent("invoice-reader", 6, "extract", (
                Step(*_PRO, 5_200, 640, (2, 6), thought=0.3, tool="load_document"),
            ), "batch"),
            Agent("report-writer", 1, "summarise", (
                Step(*_SONNET, 12_000, 1_800, (1, 2), cached=0.5),
            ), "", "office"),
        ),
    ),
    Team(
        "marketing", "content-studio", "campaigns", 20, "office",
        ("elena", "marc", "yuki"),
        ("acme",),
        "MKT",
        ("Campaign {}", "Newsletter {}", "Landing page {}", "Product texts, part {}"),
        (
            Agent("copy-writer", 3, "generate", (
                Step("openai", "gpt-4.1", 2_400, 900, (1, 3), without_usage=0.05),
            )),
            Agent("translator", 2, "translate", (
                Step("openai", "gpt-4.1-mini", 1_500, 1_100, (1, 4)),
                Step(*UNPRICED_MODEL, 700, 720, (0, 1)),
            )),
        ),
    ),
)  # fmt: skip

RUNAWAY_TEAM: Final = TEAMS[1]
RUNAWAY_AGENT: Final = Agent("relevance-judge", 0, "evaluate", (
    Step(*_OPUS, 24_000, 900, (9, 14), tool="search_products"),
), "evaluation")  # fmt: skip
"""The same agent on the night when somebody gave it a dear model and no limit of repeats."""
RUNAWAY_RUNS: Final = 34
