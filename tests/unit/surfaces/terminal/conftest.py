"""Documents of a small ledger, as the API gives them."""

from __future__ import annotations

import pytest
from unit.surfaces.api.conftest import api as api  # noqa: PLC0414 - fixtures are found by name
from unit.surfaces.queries.conftest import ask as ask  # noqa: PLC0414 - likewise
from unit.surfaces.queries.conftest import catalog as catalog  # noqa: PLC0414 - likewise
from unit.surfaces.queries.conftest import given_calls as given_calls  # noqa: PLC0414 - likewise


@pytest.fixture
def lines():
    """What is drawn, as plain lines."""

    def make(drawn):
        return [line.plain.rstrip() for line in drawn]

    return make
