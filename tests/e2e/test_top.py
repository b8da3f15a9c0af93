"""What is used at what price, and what is spent at this moment, beside a running processor."""

from __future__ import annotations

import json
import os
import re
import signal

import pytest
from e2e.applications import run_agents, tracer
from e2e.terminals import Terminal
from e2e.test_budget import run


@pytest.fixture
def there(serve, files):
    """Where the API of a processor is that has charged some calls a moment ago."""
    pricing, budgets = files
    processor = serve("--pricing", pricing, "--budgets", budgets)
    url = re.search(r"http://\S+:\d+", processor.wait_for("api "))[0]
    provider, app = tracer(processor.port)
    run_agents(app)
    provider.shutdown()
    return ["--endpoint", url]


def test_prices_and_spend_are_shown_and_given_as_data(there):
    shown = run("prices", *there)
    assert re.search(r"gpt-4o +openai +\d+ .* line \d+\n", shown)
    models = json.loads(run("prices", *there, "--period", "24h", "--json"))["data"]
    header, *rows = run("prices", *there, "--csv").splitlines()
    assert len(rows) == len(models)
    assert "source_line" in header.split(",")

    once = run("top", *there)
    assert "today at this rate" in once
    figures = json.loads(run("top", *there, "--json"))
    assert figures["today_usd"] == figures["today"]["totals"]["cost_usd"]
    header, row = run("top", *there, "--csv").splitlines()
    as_csv = dict(zip(header.split(","), row.split(","), strict=True))
    assert as_csv["today_calls"] == str(figures["today_calls"])
    assert as_csv["at_least"] in {"true", "false"}


WITHOUT_SIGINT = pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
    reason="it is ignored by all that is started in a background of a shell without job control",
)


@pytest.mark.parametrize("key", [b"q", pytest.param(None, marks=WITHOUT_SIGINT)])
def test_top_draws_until_q_or_ctrl_c_and_leaves_the_terminal_as_it_was(there, key):
    terminal = Terminal("top", *there, "--interval", "0.2")
    try:
        terminal.wait_for("last calls")
        if key is None:
            assert terminal.stop() == 130
        else:
            os.write(terminal._main, key)
            assert terminal.popen.wait(20) == 0
    finally:
        terminal.kill()
    assert terminal.raw.rstrip().endswith("\x1b[?1049l"), "the screen of before is back"
