"""While the backend is away for a moment, the sender's SDK is what tries again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from senders.runs import Line, Run, line
from senders.table import BY_PROTOCOL, CALLS, GRPC, SPANS, WHOLE_NANO_USD, Sender

pytestmark = [pytest.mark.clients, pytest.mark.timeout(2700)]

# The backend asks for a longer pause than the processor would wait, and of the three signals only
# spans go on: so the one failure is theirs, and the sender hears of it. With a queue on the disk
# it would not.
PAUSE_S = 2
SETTINGS = """
exporters:
  otlp: {retry_on_failure: {max_elapsed_time: 1900ms}, sending_queue: {enabled: false}}
forward: {metrics: false, logs: false}
log: {level: debug}
"""
GIVES_UP = {("javascript", GRPC)}
"""Exporters that never try again, whatever the answer."""


@pytest.fixture(scope="module")
def impatient_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A line that hands every failure of the backend on to the sender."""
    with line(tmp_path_factory.mktemp("impatient"), SETTINGS) as running:
        yield running


@pytest.mark.parametrize("sender", BY_PROTOCOL, ids=str)
def test_what_is_sent_again_is_charged_once(
    impatient_line: Line, send_or_skip: Callable[..., Run], sender: Sender
) -> None:
    """Guarantees: a sender that is asked to try again does, loses nothing and pays nothing."""
    reason = f"restarting under {sender}"
    impatient_line.behave(answer="UNAVAILABLE", times=1, retry_info_s=PAUSE_S, message=reason)
    run = send_or_skip(impatient_line, sender)
    logged = impatient_line.processor.lines
    assert any("was not delivered" in each and reason in each for each in logged)
    total = run.session_totals
    assert (total.cost_nano_usd, total.calls) == (WHOLE_NANO_USD, CALLS)
    if (sender.language, sender.protocol) in GIVES_UP:
        assert run.exit_code
        assert reason in run.errors
        assert not run.arrivals
        return
    assert run.exit_code == 0, run.errors
    assert len(run.arrivals) == len(SPANS)
    costs = {name: found.cost_nano_usd for name, found in run.found.items()}
    assert costs == {name: sent.cost_nano_usd for name, sent in SPANS.items()}
