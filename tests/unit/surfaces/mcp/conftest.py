"""An agent beside a server of tools, and the small ledger that these are asked about."""

from __future__ import annotations

import pytest
from mcp import Client
from unit.surfaces.api.conftest import api as api  # noqa: PLC0414 - fixtures are found by name
from unit.surfaces.queries.conftest import ask as ask  # noqa: PLC0414 - likewise
from unit.surfaces.queries.conftest import catalog as catalog  # noqa: PLC0414 - likewise
from unit.surfaces.queries.conftest import given_calls as given_calls  # noqa: PLC0414 - likewise

from processor.surfaces.mcp.server import build_server


@pytest.fixture
def agent(api):
    """Calls a tool in a process of its own kind; what it answers, and what the API answers."""

    async def call(tool, arguments=None, *charges, **ledger):
        answer = api(*charges, **ledger)

        async def asked(kind, path, query):
            document = await answer(path, *query)
            assert isinstance(document, kind)
            return document

        async with Client(build_server(asked)) as client:
            return await client.call_tool(tool, arguments or {}), answer

    return call
