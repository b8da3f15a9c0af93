"""What a stand-in provider answers, what it bills for that, and what that costs.

The tests' own arithmetic: it shares no code with the processor, so that both can be compared.
"""

from __future__ import annotations

from typing import NamedTuple


class Tokens(NamedTuple):
    """What a provider bills for one request; no token is in two fields."""

    input: int
    output: int = 0
    """Reasoning included."""
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    """The part of `output` that nobody sees; it costs no more and no less."""

    @property
    def whole_input(self) -> int:
        """All input tokens."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h


class ToolUse(NamedTuple):
    """A tool that the model asks for."""

    name: str
    arguments: dict[str, str]


class Answer(NamedTuple):
    """One answer of a provider."""

    tokens: Tokens = Tokens(0)
    text: str = "Rain is likely, take an umbrella."
    tool: ToolUse | None = None
    status: int = 200
    """Any other status is an error, which is not billed."""


class Prices(NamedTuple):
    """Nano-USD for one token, in the order of `Tokens` as far as it goes."""

    input: int
    output: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int


# No price is a multiple of another one, so that a token in the wrong class shows in the sum.
PRICES = {
    "gpt-4o-mini": Prices(2_503, 10_007, 313, 3_137, 5_021),
    "gpt-5-mini": Prices(1_259, 10_037, 127, 1_571, 2_531),
    "text-embedding-3-small": Prices(23, 0, 23, 23, 23),
    "claude-sonnet-4-5": Prices(3_001, 15_013, 307, 3_761, 6_011),
    "gemini-2.5-pro": Prices(1_277, 10_039, 131, 1_277, 1_277),
}
SERVED_AS = {
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "text-embedding-3-small": "text-embedding-3-small",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
    "gemini-2.5-pro": "gemini-2.5-pro",
}
"""The name that a provider gives the model in its answers."""
_MAKERS = {"claude": "anthropic", "gemini": "google"}


def cost_nano_usd(model: str, tokens: Tokens, *, knows_1h: bool = True) -> int:
    """What one request costs; without `knows_1h`, all cache writes as living five minutes."""
    prices = PRICES[model]
    write_1h = prices.cache_write_1h if knows_1h else prices.cache_write_5m
    return (
        tokens.input * prices.input
        + tokens.output * prices.output
        + tokens.cache_read * prices.cache_read
        + tokens.cache_write_5m * prices.cache_write_5m
        + tokens.cache_write_1h * write_1h
    )


def price_file() -> str:
    """`PRICES` as the processor's price file, per million tokens, and nothing beside them."""
    lines = ["version: 1", "catalogue: {source: none}", "models:"]
    for model, prices in PRICES.items():
        provider = _MAKERS.get(model.partition("-")[0], "openai")
        # Nano-USD per token are thousandths of a USD per million tokens.
        usd = {
            name: f"{nano_usd // 1000}.{nano_usd % 1000:03d}"
            for name, nano_usd in zip(
                ("input", "output", "cache_read", "cache_write", "cache_write_1h"),
                prices,
                strict=True,
            )
        }
        rates = ", ".join(f"{name}: {amount}" for name, amount in usd.items())
        served = SERVED_AS[model]
        aliases = f"aliases: [{served}], " if served != model else ""
        lines.append(
            f"  - {{provider: {provider}, model: {model}, {aliases}prices: [{{{rates}}}]}}"
        )
    return "\n".join(lines) + "\n"
