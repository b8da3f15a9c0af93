"""A model without a price, from the first call to the corrected ledger, as an operator does it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import yaml
from e2e.applications import PRICES
from e2e.operators import NEW_MODEL, batch
from e2e.processes import ROOT, attributes, wait_until
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.surfaces.grpc.generated.cost_service_pb2 import (
    ListUnpricedRequest,
    ListUnpricedResponse,
    RepriceRequest,
    RepriceResponse,
)

# A call of the known model costs 0.0035, one of the new model 0.006.
FIRST = batch((1, "gpt-4o", "s-1"), (2, "brand-new", "s-1"), (3, "brand-new", "s-2"))
SECOND = batch((1, "brand-new", "s-1"), trace=2)
SINCE = ["--since", "2026-09-01"]


# It starts a dozen processes, one after the other, which takes long where others run beside it.
@pytest.mark.timeout(300)
def test_from_an_unknown_model_to_a_corrected_ledger(operator):
    """Guarantees: after a reprice the ledger is as if the price had been there from the start."""
    processor = operator.start()
    first = operator.send(FIRST)
    assert "llm.cost_usd" not in attributes(first["call 2"])
    before = operator.totals()
    assert before["session", "s-1"].at_least

    listed = json.loads(operator.run("unpriced", "--json", *operator.api))["data"]
    [unknown] = listed
    assert (unknown["provider"], unknown["models"]) == ("openai", ["brand-new"])
    assert (unknown["calls"], unknown["tokens"], unknown["service"]) == (2, 2200, "shop")
    assert unknown["first_at"] == "2026-09-21T14:13:22.000000+00:00"
    assert yaml.safe_load("\n".join(unknown["entry"]))[0]["model"] == "brand-new"
    text = operator.run("unpriced", *operator.api)
    assert "  models:" in text
    suggested = yaml.safe_load(text[text.index("  models:") :])
    assert suggested["models"][0]["provider"] == "openai"

    operator.add_price()
    assert attributes(operator.send(SECOND)["call 1"])["llm.cost_usd"] == 0.006
    before = operator.totals()
    assert json.loads(operator.run("unpriced", "--json", *operator.api))["data"][0]["has_price"]

    shown = operator.run("reprice", *SINCE, "--dry-run", *operator.there)
    assert "This was a dry run: 2 calls would change" in shown
    assert "unknown" in shown
    assert "now exceeded" in shown
    assert "that the backend has stored do not change" in shown
    assert operator.totals() == before
    assert operator.ask("ListUnpriced", ListUnpricedRequest(), ListUnpricedResponse).models

    done = json.loads(operator.run("reprice", *SINCE, "--json", *operator.there))
    assert (done["calls"], done["before_usd"], done["after_usd"]) == (2, "0.00", "0.012")
    after = operator.totals()
    assert after["session", "s-1"].cost_nano_usd == 15_500_000
    assert not after["total", ""].at_least
    assert json.loads(operator.run("unpriced", "--json", *operator.api))["data"] == []
    again = operator.run("reprice", *SINCE, *operator.there)
    assert again.endswith("nothing changes at these prices\n")
    assert operator.totals() == after

    assert operator.send(FIRST) == first, "a span that is sent again is stamped as the first time"
    later = operator.send(batch((1, "gpt-4o", "s-1"), trace=3, at_s=60))["call 1"]
    assert attributes(later)["llm.budget.exceeded"] == "per-session"
    assert not later.events, "a reprice has no span to put its crossing on"
    after = operator.totals()

    assert processor.stop() == 0
    operator.start()
    assert operator.totals() == after
    assert operator.send(FIRST) == first
    assert operator.totals() == after
    assert processor.stop() == 0

    operator.start(data=operator.data.with_name("fresh"))
    for payload in (FIRST, SECOND, batch((1, "gpt-4o", "s-1"), trace=3, at_s=60)):
        operator.send(payload)
    assert operator.totals() == after


def test_without_a_processor_the_commands_open_the_ledger_themselves(operator):
    """Guarantees: the same answers from the file, and the processor finds them when it starts."""
    processor = operator.start()
    operator.send(FIRST)
    assert processor.stop() == 0
    assert json.loads(operator.run("unpriced", "--json"))["data"][0]["models"] == ["brand-new"]
    operator.pricing.write_text(PRICES + NEW_MODEL)
    shown = json.loads(operator.run("reprice", *SINCE, "--json"))
    assert (shown["dry_run"], shown["calls"]) == (False, 2)
    assert [item["budget"] for item in shown["budgets"]] == ["per-session", "per-session"]
    assert json.loads(operator.run("unpriced", "--json"))["data"] == []
    operator.start()
    totals = operator.totals()
    assert totals["total", ""].cost_nano_usd == 15_500_000
    assert not totals["total", ""].at_least


def test_a_processor_that_was_killed_has_lost_no_correction(operator):
    """Guarantees: what a reprice has answered is on the disk."""
    processor = operator.start()
    operator.send(FIRST)
    operator.add_price()
    operator.ask("Reprice", RepriceRequest(), RepriceResponse)
    after = operator.totals()
    assert processor.stop(signal.SIGKILL) == -signal.SIGKILL
    operator.start()
    assert operator.totals() == after


def test_a_processor_that_is_killed_in_a_reprice_goes_on_with_it(operator):
    """Guarantees: then totals are those of one whole reprice."""
    processor = operator.start()
    for first in range(0, 3000, 300):
        request = ExportTraceServiceRequest()
        for trace in range(first + 10, first + 310):
            request.MergeFromString(batch((1, "brand-new", "s-1"), trace=trace))
        operator.send(request.SerializeToString())
    operator.add_price()
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(operator.ask, "Reprice", RepriceRequest(), RepriceResponse)
        progress = wait_until(operator.started_reprice, what="the reprice did not begin")
        assert processor.stop(signal.SIGKILL) == -signal.SIGKILL
        assert isinstance(asked.exception(), grpc.RpcError)
    assert progress.left
    processor = operator.start()
    processor.wait_for("an unfinished reprice goes on")
    processor.wait_for("the reprice is done: 3000 calls have changed, from USD 0.00 to USD 18.00")
    totals = operator.totals()
    assert totals["total", ""].cost_nano_usd == 3000 * 6_000_000
    assert not totals["session", "s-1"].at_least
    again = json.loads(operator.run("reprice", *SINCE, "--json", *operator.there))
    assert (again["calls"], again["renamed_calls"]) == (0, 0)


def test_a_ledger_that_a_processor_elsewhere_keeps_is_one_clear_line(operator):
    """Guarantees: neither a traceback nor a second writer."""
    operator.start()
    operator.send(FIRST)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        config = operator.pricing.with_name("processor.yaml")
        address = f"127.0.0.1:{free.getsockname()[1]}"
        config.write_text(
            f"receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '{address}'}}}}}}}}"
        )
        told = operator.run("reprice", *SINCE, "--config", config, code=1)
    assert told.count("\n") == 1
    assert "a running processor has the ledger" in told
    assert f"no processor answers at {address}" in told
    assert "--grpc-endpoint" in told


def test_a_change_of_prices_is_shown_beside_the_running_processor(operator):
    """Guarantees: what a new file would do to stored calls is known before it is in force."""
    operator.start()
    operator.send(FIRST)
    before = operator.totals()
    new = operator.pricing.with_name("new.yaml")
    new.write_text(PRICES.replace("2.50", "5.00") + NEW_MODEL)
    done = subprocess.run(
        [sys.executable, "-m", "processor.cli", "check-config", "--data-dir", operator.data,
         "--pricing", new, "--against", operator.pricing],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=True,
    )  # fmt: skip
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "changed openai:gpt-4o 2.5 / 10 / 1.25 -> 5 / 10 / 1.25" in lines
    assert "new openai:brand-new no price -> 4 / 20 / 4" in lines
    assert "1 of 1 models without a price in the ledger would get one (2 of 2 calls)" in lines
    assert operator.totals() == before
