"""What follows from calls is asked like the other questions: advice, what-if, forecasts."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from asked.calls import Sent, write_calls

from processor.cli import main
from processor.core.model import Owner, Usage
from processor.core.pricing import compile_catalog, parse_prices

PRICES = """\
catalogue: {source: none}
models:
  - {provider: openai, model: large, prices: {input: 10, output: 40}}
  - {provider: openai, model: large-mini, prices: {input: 1, output: 4}}
"""


@pytest.fixture
def flags(tmp_path):
    """Flags that name a ledger with a few calls of this hour, and its prices."""
    folder, prices, config = (tmp_path / name for name in ("data", "prices.yaml", "s.yaml"))
    folder.mkdir()
    prices.write_text(PRICES)
    config.write_text("api: {enabled: false}\n")
    own = Owner(task="T-1", task_type="plan")
    sent = [
        Sent(1, span, time.time() - 100 + 10 * span, "large", Usage(input=900, output=10), own=own)
        for span in (1, 2, 3)
    ]
    catalog = compile_catalog(parse_prices(PRICES, "p.yaml"))
    asyncio.run(write_calls(folder / "ledger.db", sent, catalog))
    return ["--data-dir", str(folder), "--config", str(config), "--pricing", str(prices)]


def ask(capsys, *arguments):
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_advice_as_a_picture_json_and_csv(flags, capsys):
    text = ask(capsys, "advise", *flags)
    assert "the same request again" in text
    assert "as large-mini" in text
    document = json.loads(ask(capsys, "advise", *flags, "--json", "--since", "1h"))
    assert [each["kind"] for each in document["data"]] == ["repeated_calls", "cheaper_model"]
    assert document["data"][0]["saving_usd"] == "0.018800000"
    assert ask(capsys, "advise", *flags, "--csv").startswith("kind,what_if,saving_usd,cost_usd")


def test_a_task_beside_others(flags, capsys):
    text = ask(capsys, "advise", "--task", "T-1", *flags)
    assert "no efficiency score: there are fewer than 10 other tasks" in text
    assert main(["advise", "--task", "T-1", "--period", "7d", *flags]) == 2
    assert "--period: cannot be used with --task" in capsys.readouterr().err
    assert main(["advise", "--task", "nobody", *flags]) == 1


def test_another_model(flags, capsys):
    text = ask(capsys, "what-if", "--model", "large=large-mini", *flags)
    assert "$0.0282 for 3 calls would have been $0.0028: $0.0254 less (-90%)" in text
    assert main(["what-if", *flags]) == 2
    assert main(["what-if", "--model", "large=nobody-sells-it", *flags]) == 2
    assert "--model: there is no price for 'nobody-sells-it'" in capsys.readouterr().err


def test_another_price_file(flags, capsys, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(PRICES.replace("input: 10", "input: 20"))
    text = ask(capsys, "what-if", "--prices", str(other), *flags)
    assert "$0.0270 more" in text
    assert main(["what-if", "--prices", str(other), "--endpoint", "http://127.0.0.1:1"]) == 2


def test_reports_of_what_is_not_over_say_why_there_is_no_forecast(flags, capsys):
    assert "no forecast: " in ask(capsys, "report", "--period", "month", *flags)
    assert "forecast" not in ask(capsys, "report", "--period", "7d", *flags)
    assert "this month: no forecast" in ask(capsys, "today", *flags)
    assert json.loads(ask(capsys, "today", *flags, "--json"))["forecast"]["projected_usd"] is None
