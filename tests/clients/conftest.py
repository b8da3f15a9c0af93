"""Runs of client programs, each made once for all tests that look at it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cache import NoEnvironmentError
from clients.cases import Client
from clients.runs import Run, play


class RunError(Exception):
    """A client could not be run."""


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Client], Run]:
    """What came of a client's run through all its scenarios."""
    done: dict[str, Run | Exception] = {}

    def get(client: Client) -> Run:
        if client.name not in done:
            folder = tmp_path_factory.mktemp("run")
            try:
                done[client.name] = play(
                    client.environment,
                    client.program,
                    client.instrumentations,
                    client.scenarios,
                    folder,
                )
            except Exception as problem:  # noqa: BLE001 - kept, so that no test tries it again
                done[client.name] = problem
        result = done[client.name]
        if isinstance(result, NoEnvironmentError):
            pytest.skip(f"NO CLIENT LIBRARIES, so nothing is proven with {client.name}: {result}")
        if isinstance(result, Exception):
            # No assertion of the test's own: it must not pass for a failure that is expected.
            raise RunError(f"{client.name} did not run: {result}") from result
        return result

    return get
