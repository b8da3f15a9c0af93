"""A sender of gRPC at the HTTP port sees an error of its library; the processor says what it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from senders.runs import Line, Run
from senders.table import GRPC, PROTOBUF, PROTOCOLS, Sender

pytestmark = [pytest.mark.clients, pytest.mark.timeout(2700)]

A_SECOND = {"python": "1"}
"""Elsewhere the variable counts milliseconds."""


@pytest.mark.parametrize("language", PROTOCOLS)
def test_the_log_tells_what_the_sender_cannot(
    open_line: Line, send_or_skip: Callable[..., Run], language: str
) -> None:
    """Guarantees: the program fails, and one line, not one for each try, names the mistake."""
    endpoint = open_line.endpoint(PROTOBUF)
    run = send_or_skip(
        open_line,
        Sender(language, GRPC),
        OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
        OTEL_EXPORTER_OTLP_TIMEOUT=A_SECOND.get(language, "1000"),
    )
    assert run.exit_code
    assert run.errors
    logged = [each for each in open_line.processor.lines if "speaks gRPC to the port of" in each]
    assert len(logged) == 1
