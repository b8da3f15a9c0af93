"""Which clients are tried, in which scenarios, and what is known of their instrumentations.

What an instrumentation does not tell, nobody behind it can charge for. Such gaps stand here, one
by one; a test fails when one closes, so that this list stays true when versions move on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from clients.answers import Answer, Tokens, ToolUse

Scenarios = Mapping[str, Sequence[Answer]]

_ROME = ToolUse("weather", {"city": "Rome"})


def _one(*tokens: int) -> list[Answer]:
    return [Answer(Tokens(*tokens))]


def _two_steps(asked: Tokens, used: Tokens) -> list[Answer]:
    """A tool is asked for, then its answer is used."""
    return [Answer(asked, tool=_ROME), Answer(used)]


_OPENAI: Scenarios = {
    "plain": _one(1201, 307),
    "cached": _one(331, 211, 1920),
    "streamed": _one(101, 59, 1024),
    "streamed_in_with": _one(103, 61),
    "unreported": _one(107, 67),
    "reasoning": [Answer(Tokens(109, 640, reasoning=512))],
    "tools": _two_steps(Tokens(211, 37), Tokens(401, 83, 128)),
    "streamed_tools": [Answer(Tokens(113, 71), tool=_ROME)],
    "refused": [Answer(status=400)],
    "retried": [Answer(status=429), *_one(127, 73)],
    "parsed": [Answer(Tokens(131, 79), '{"umbrella": true}')],
    "raw": _one(137, 89),
    "stream_helper": _one(139, 97),
    "asynchronous": _one(149, 101) * 2,
    "responses": [Answer(Tokens(151, 256, 64, reasoning=128))],
    "responses_streamed": _one(157, 103, 1024),
    "embeddings": _one(163),
}
_ANTHROPIC: Scenarios = {
    "plain": _one(167, 107),
    "cached": _one(4, 173, 1163, 512),
    "cached_1h": _one(6, 163, 1171, 512, 256),
    "streamed": _one(5, 179, 2048, 64),
    "stream_helper": _one(181, 109),
    "tools": _two_steps(Tokens(191, 113), Tokens(193, 127, 1024)),
    "refused": [Answer(status=400)],
    "exhausted": [Answer(status=529)] * 3,
    "retried": [Answer(status=529), *_one(197, 131)],
    "counting": _one(199),
    "raw": _one(211, 137),
    "asynchronous": _one(223, 139) * 2,
}
_PYDANTIC: Scenarios = {
    "tools": _two_steps(Tokens(211, 37), Tokens(401, 83, 128)),
    "unnamed": _two_steps(Tokens(19, 23), Tokens(29, 31)),
    "streamed": _one(101, 59, 1024),
    "responses": [
        Answer(Tokens(151, 256, 64, reasoning=128), tool=_ROME),
        Answer(Tokens(157, 103, 1024)),
    ],
    "messages": _two_steps(Tokens(191, 113), Tokens(193, 127, 1024, 64)),
    "cached": _one(4, 173, 1163, 512),
    "refused": [Answer(status=400)],
    "retried": [Answer(status=429), *_two_steps(Tokens(127, 73), Tokens(131, 79))],
    "delegated": [Answer(Tokens(211, 37), tool=_ROME), *_one(191, 113), *_one(233, 149)],
}
_CHAINS: Scenarios = {
    "plain": _one(103, 61, 64),
    "streamed": _one(101, 59, 1024),
    "messages": _one(191, 113),
    "cached": _one(4, 173, 1163, 512),
    "tools": _two_steps(Tokens(211, 37), Tokens(401, 83, 128)),
    "refused": [Answer(status=400)],
    "retried": [Answer(status=429), *_one(127, 73)],
    "embeddings": _one(163),
}
_AGENTS: Scenarios = {
    "tools": _two_steps(Tokens(211, 37), Tokens(401, 83, 128)),
    "responses": [
        Answer(Tokens(151, 256, 64, reasoning=128), tool=_ROME),
        Answer(Tokens(157, 103, 1024)),
    ],
}
SCENARIOS: Mapping[str, Scenarios] = {
    "openai_sdk": _OPENAI,
    "anthropic_sdk": _ANTHROPIC,
    "pydantic_agent": _PYDANTIC,
    "chains": _CHAINS,
    "openai_agents": _AGENTS,
}
"""By program."""


class Client(NamedTuple):
    """A program under certain instrumentations, with their gaps."""

    environment: str
    program: str
    instrumentations: str
    blind: frozenset[str] = frozenset()
    """Scenarios in which they write no span for the call."""
    hides: frozenset[str] = frozenset({"cache_write_1h"})
    """Fields of `Tokens` that they leave out: they stand in the input, or as living 5 minutes."""
    hides_more: Mapping[str, frozenset[str]] = {}
    """What they leave out beside that, by scenario."""
    adds: Mapping[str, int] = {}
    """Output tokens that they report beyond those billed, by scenario."""
    doubles: Mapping[str, str] = {}
    """Scenarios in which a call is charged twice so far, and why; each fails until fixed."""
    drops_session: bool = False
    """True when the session named at the root does not arrive."""

    @property
    def name(self) -> str:
        """How it is called in test results."""
        return f"{self.program}-{self.instrumentations}"

    @property
    def scenarios(self) -> Scenarios:
        """What it is put through."""
        return SCENARIOS[self.program]

    def reported(self, scenario: str, tokens: Tokens) -> Tokens:
        """What of a provider's counts arrives."""
        hidden = self.hides | self.hides_more.get(scenario, frozenset())
        if "cache_write_1h" in hidden:
            all_writes = tokens.cache_write_5m + tokens.cache_write_1h
            tokens = tokens._replace(cache_write_5m=all_writes, cache_write_1h=0)
        for field in ("cache_read", "cache_write_5m"):
            if field in hidden:
                tokens = tokens._replace(**{
                    "input": tokens.input + getattr(tokens, field), field: 0,
                })  # fmt: skip
        return tokens


_NOTHING: frozenset[str] = frozenset()
_NO_CACHE = frozenset({"cache_read", "cache_write_5m", "cache_write_1h"})
_NO_WRITES = frozenset({"cache_write_5m", "cache_write_1h"})

# It adds the count at the start of a stream to the one at its end, which repeats it.
_ADDED_AT_START = {"streamed": 1, "stream_helper": 1, "asynchronous": 1}


CLIENTS = (
    Client("sdks", "openai_sdk", "otel-genai-openai"),
    Client("sdks", "openai_sdk", "openinference-openai"),
    Client("sdks", "openai_sdk", "traceloop-openai"),
    Client(
        "openai2", "openai_sdk", "otel-v2-openai",
        blind=frozenset({"parsed", "responses", "responses_streamed"}), hides=_NO_CACHE,
    ),
    Client("sdks", "anthropic_sdk", "native-anthropic", hides=_NOTHING),
    Client("sdks", "anthropic_sdk", "otel-genai-anthropic"),
    Client("sdks", "anthropic_sdk", "openinference-anthropic"),
    Client("sdks", "anthropic_sdk", "traceloop-anthropic", adds=_ADDED_AT_START),
    Client("frameworks", "pydantic_agent", "pydantic"),
    Client("frameworks", "pydantic_agent", "logfire", hides=_NOTHING),
    Client("frameworks", "openai_sdk", "logfire", hides=_NOTHING, drops_session=True),
    Client(
        "frameworks", "anthropic_sdk", "logfire",
        blind=frozenset({"raw"}), hides=_NOTHING, drops_session=True,
    ),
    Client(
        "frameworks", "chains", "openinference-langchain", blind=frozenset({"embeddings"}),
    ),
    Client(
        "frameworks", "chains", "traceloop-langchain",
        blind=frozenset({"embeddings"}), hides=_NO_WRITES,
    ),
    Client(
        "frameworks", "openai_agents", "openinference-agents", hides_more={"tools": _NO_CACHE},
    ),
    # Two instrumentations of the same call:
    Client("sdks", "openai_sdk", "otel-genai-openai+openinference-openai"),
    Client("sdks", "openai_sdk", "otel-genai-openai+traceloop-openai"),
    Client("sdks", "openai_sdk", "openinference-openai+traceloop-openai"),
    Client(
        "sdks", "anthropic_sdk", "native-anthropic+otel-genai-anthropic", hides=_NOTHING,
    ),
    Client(
        "sdks", "anthropic_sdk", "native-anthropic+openinference-anthropic",
        hides=_NOTHING,
    ),
    Client(
        "sdks", "anthropic_sdk", "native-anthropic+traceloop-anthropic",
        hides=_NOTHING,
    ),
    Client(
        "frameworks", "pydantic_agent", "pydantic+openinference-openai+openinference-anthropic",
    ),
    Client(
        "frameworks", "chains",
        "openinference-langchain+openinference-openai+openinference-anthropic",
    ),
    Client(
        "frameworks", "chains", "openinference-langchain+traceloop-openai",
    ),
    Client(
        "frameworks", "chains", "traceloop-langchain+traceloop-openai", hides=_NO_WRITES,
    ),
    Client("frameworks", "openai_agents", "openinference-agents+openinference-openai"),
)  # fmt: skip
