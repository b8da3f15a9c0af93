"""Who makes the calls of the ledger's benchmark: agents, users and organisations, and their models.

Everything follows from the seed. Shares are those of a company where many people use a few dozen
agents: cheap models make most of the calls, a few users a large part of them, and nobody uses more
than a handful of agents.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, NamedTuple

from processor.config import bundled
from processor.core import pricing
from processor.core.model import Call, CallKind, Charge, Mark, Owner, Unpriced, Usage

DIMENSIONS: Final = ("environment", "team")
"""The operator's own."""
USERS: Final = 5_000
_ORGS: Final = 40
_AGENTS: Final = 50
_ZIPF: Final = 0.9
"""Exponent of the shares of users: the first one makes about 7 % of the calls."""
_PRICED: Final = 512
"""Different calls of each model; what ledger and files see of a call differs in its ids anyway."""
_CACHED_SHARE: Final = 0.4
_NO_USAGE_SHARE: Final = 0.003
_FAILED_SHARE: Final = 0.007


class Model(NamedTuple):
    """A model, and what its calls are like."""

    provider: str
    name: str
    share: int
    """How often an agent is built on it, relative to others."""
    input_tokens: int
    """Median."""
    output_tokens: int
    """Median."""
    response_id: tuple[str, int]
    """Prefix of the ids that its provider gives to responses, and how many hex digits follow."""
    caches: bool = False
    kind: CallKind = "llm"


_CHAT, _RESPONSE, _MESSAGE = ("chatcmpl-", 29), ("resp_", 50), ("msg_01", 22)
_MODELS: Final = (
    Model("openai", "gpt-4o", 3, 1500, 300, _CHAT, caches=True),
    Model("openai", "gpt-4o-mini", 16, 1100, 220, _CHAT, caches=True),
    Model("openai", "gpt-4.1", 3, 1800, 300, _RESPONSE, caches=True),
    Model("openai", "gpt-4.1-mini", 12, 1200, 240, _RESPONSE, caches=True),
    Model("openai", "gpt-4.1-nano", 8, 700, 90, _RESPONSE, caches=True),
    Model("openai", "gpt-5", 2, 2200, 800, _RESPONSE, caches=True),
    Model("openai", "gpt-5-mini", 8, 1600, 500, _RESPONSE, caches=True),
    Model("openai", "o4-mini", 2, 1300, 900, _RESPONSE),
    Model("openai", "text-embedding-3-small", 10, 400, 0, ("", 0), kind="embedding"),
    Model("anthropic", "claude-sonnet-4-5", 4, 2400, 350, _MESSAGE, caches=True),
    Model("anthropic", "claude-haiku-4-5", 8, 1500, 220, _MESSAGE, caches=True),
    Model("anthropic", "claude-opus-4-1", 1, 2500, 400, _MESSAGE, caches=True),
    Model("anthropic", "claude-sonnet-4-20250514", 2, 2000, 300, _MESSAGE, caches=True),
    Model("google", "gemini-2.5-pro", 2, 2200, 600, ("", 22)),
    Model("google", "gemini-2.5-flash", 6, 1400, 260, ("", 22)),
    Model("google", "gemini-2.5-flash-lite", 6, 800, 120, ("", 22)),
    Model("aws.bedrock", "anthropic.claude-3-5-haiku-20241022-v1:0", 3, 1300, 250, ("", 0)),
    Model("mistral", "mistral-large-latest", 2, 1200, 260, ("", 32)),
    Model("deepseek", "deepseek-chat", 3, 1500, 320, ("", 36), caches=True),
    # One that has no price.
    Model("acme", "acme-internal-7b", 1, 900, 200, ("", 32)),
)
_SERVICES: Final = (
    ("support-desk", "support"),
    ("search-api", "search"),
    ("checkout", "shop"),
    ("back-office", "finance"),
    ("docs-assistant", "support"),
    ("data-platform", "data"),
)
"""Name, and the team that runs it: one of the operator's own dimensions."""
_TASK_TYPES: Final = ("answer", "classify", "extract", "summarise", "translate", "plan", "review")
_PURPOSES: Final = ("", "", "", "evaluation", "batch")


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent, and what its runs are like."""

    name: str
    service: str
    origin: Owner
    """What its resource says."""
    feature: str
    task_types: Sequence[str]
    purpose: str | None
    models: Sequence[int]
    """Those that it calls, by number; the first makes most of its calls."""
    reports_sum: bool
    """Its span repeats the usage of the calls below it."""


class User(NamedTuple):
    """A user, of an organisation."""

    id: str
    org: str
    agents: Sequence[Agent]
    """Those that the user works with; the first one most of the time."""


@dataclass(slots=True)
class Population:
    """All of them."""

    seed: int = 7
    agents: list[Agent] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    """Of users, added up: for `random.choices`."""
    priced: list[list[Charge | Unpriced]] = field(default_factory=list)
    """By model, calls with their prices, to take at random."""
    models: Sequence[Model] = _MODELS
    catalog: pricing.Catalog = field(init=False)

    def __post_init__(self) -> None:
        rng = random.Random(self.seed)
        self.agents = [_agent(rng, number) for number in range(_AGENTS)]
        self.users = [_user(rng, self.agents) for _ in range(USERS)]
        self.shares = list(accumulate(1 / rank**_ZIPF for rank in range(1, USERS + 1)))
        prices = pricing.parse_prices(bundled("pricing.yaml"), "pricing.yaml")
        self.catalog = pricing.compile_catalog(prices)
        for model in _MODELS:
            calls = [_call(rng, model) for _ in range(_PRICED)]
            self.priced.append(pricing.price(calls, self.catalog))


def _agent(rng: random.Random, number: int) -> Agent:
    service, team = _SERVICES[number % len(_SERVICES)]
    environment = "staging" if number % 10 == 9 else "production"
    origin = Owner(own_dimensions=(("environment", environment), ("team", team)))
    shares = [model.share for model in _MODELS]
    models = rng.choices(range(len(_MODELS)), shares, k=2)
    if number % 25 == 0:
        models.append(len(_MODELS) - 1)
    return Agent(
        name=f"{service}-agent-{number:02}",
        service=service,
        origin=origin,
        feature=f"feature-{number % 12:02}",
        task_types=rng.sample(_TASK_TYPES, 2),
        purpose=_PURPOSES[number % len(_PURPOSES)] or None,
        models=models,
        reports_sum=number % 10 == 3,
    )


def _user(rng: random.Random, agents: Sequence[Agent]) -> User:
    org = f"org-{rng.choices(range(_ORGS), [1 / (rank + 1) for rank in range(_ORGS)])[0]:02}"
    return User(f"u_{rng.randbytes(6).hex()}", org, rng.sample(agents, rng.randint(2, 5)))


def _call(rng: random.Random, model: Model) -> Call:
    """A call of a model: with tokens of a wide spread, some from a cache, a few without usage."""
    chance = rng.random()
    usage = None
    if chance >= _FAILED_SHARE + _NO_USAGE_SHARE:
        read_share = rng.choice((0.5, 0.8, 0.95)) if rng.random() < _CACHED_SHARE else 0.0
        size = int(rng.lognormvariate(0, 0.9) * model.input_tokens) + 1
        read = int(size * read_share) if model.caches else 0
        written = size // 10 if read and model.provider == "anthropic" else 0
        output = int(rng.lognormvariate(0, 0.9) * model.output_tokens)
        usage = Usage(size - read, read, written, output=output)
    return Call(
        Mark(row=0, time_ns=0),
        kind=model.kind,
        provider=model.provider,
        models=(model.name,),
        usage=usage,
        failed=chance < _FAILED_SHARE,
    )
