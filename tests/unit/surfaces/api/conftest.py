"""Documents are made of answers from small ledgers."""

from __future__ import annotations

import pytest
from unit.surfaces.queries.conftest import ask as ask  # noqa: PLC0414 - fixtures are found by name
from unit.surfaces.queries.conftest import catalog as catalog  # noqa: PLC0414 - likewise
from unit.surfaces.queries.conftest import given_calls as given_calls  # noqa: PLC0414 - likewise

from processor.surfaces.api import Sources, get


@pytest.fixture
def api(ask, given_calls):
    """Asks a ledger with these charges, without any transport; without some, of a usual one."""

    def make(*charges, **more):
        made, day = given_calls.charged, given_calls.DAY_S
        usual = (
            made(1, 10, 1_000_000_001, agent="writer", user="u1", model="gpt-4o",
                 provider="openai", session="s1", task="t1", input_tokens=70, output_tokens=30),
            made(2, 20, 2, agent="reader", user="u1", model="gpt-4o", provider="openai", trace=2),
            made(3, 30, 0, user="u2", model="who", provider="openai", unpriced=1, trace=3),
            made(4, -day, 4_000_000_000, agent="writer", model="gpt-4o", provider="openai",
                 trace=4, own=(("team", "search"),)),
        )  # fmt: skip
        more.setdefault("dimensions", ("team",) if "policy" not in more else ())
        sources = Sources(ask(*(charges or usual), **more))

        async def answer(path, *query):
            return await get(sources, path, query)

        return answer

    return make
