"""Wrong calls leave all sums and come back, and the audit says who did that."""

from __future__ import annotations

import csv
import getpass
import io
import json
import signal
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from e2e.applications import PRICES
from e2e.operators import batch
from e2e.processes import attributes, wait_until
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.surfaces.grpc.generated.cost_service_pb2 import ExcludeRequest, ExcludeResponse

# Each call costs 0.0035; the budget of a session is 0.01.
FIRST = batch((1, "gpt-4o", "s-1"), (2, "gpt-4o", "s-1"), (3, "gpt-4o", "s-1"))
SECOND = batch((1, "gpt-4o", "s-2"), trace=2)


def cost(operator, scope, scope_id=""):
    found = operator.totals()[scope, scope_id]
    return found.cost_nano_usd, found.calls


@pytest.mark.timeout(300)
def test_wrong_calls_leave_all_sums_and_come_back(operator):
    """Guarantees: also after a restart and a kill; what is sent again changes nothing."""
    processor = operator.start()
    first = operator.send(FIRST)
    operator.send(SECOND)
    before = operator.totals()
    what = ["--session", "s-1", "--reason", "load test"]
    shown = operator.run("exclude", *what, "--dry-run", *operator.there)
    assert "This was a dry run: 3 calls would leave all sums; nothing has changed." in shown
    assert "no longer exceeded" in shown
    assert operator.totals() == before
    done = json.loads(operator.run("exclude", *what, "--json", *operator.there))
    assert (done["calls"], done["before_usd"], done["after_usd"]) == (3, "0.0105", "0.00")
    assert cost(operator, "session", "s-1") == (0, 0)
    assert cost(operator, "total") == (3_500_000, 1)
    after = operator.totals()
    assert operator.send(FIRST) == first, "a span that is sent again is stamped as the first time"
    assert operator.totals() == after
    again = operator.run("exclude", *what, *operator.there)
    assert again.endswith("no call matches, or all that match are excluded already\n")
    assert processor.stop(signal.SIGKILL) == -signal.SIGKILL

    processor = operator.start()
    assert operator.totals() == after
    later = operator.send(batch((4, "gpt-4o", "s-1"), at_s=60))["call 4"]
    assert attributes(later)["llm.cost_usd"] == 0.0035, "a new call of the session counts"
    assert "llm.budget.exceeded" not in attributes(later)
    assert cost(operator, "session", "s-1") == (3_500_000, 1)
    assert processor.stop() == 0

    undone = operator.run("exclude", "--undo", str(done["exclusion"]))
    assert "3 calls count again" in undone
    refused = operator.run("exclude", "--undo", str(done["exclusion"]), code=1)
    assert "is undone already" in refused
    operator.start()
    assert cost(operator, "session", "s-1") == (14_000_000, 4)
    assert cost(operator, "total") == (17_500_000, 5)


@pytest.mark.timeout(300)
def test_the_audit_says_who_has_changed_what(operator):
    """Guarantees: files that change, also while it is stopped, and commands, with their users."""
    processor = operator.start()
    operator.send(FIRST)
    budgets = operator.budgets.read_text()
    operator.budgets.write_text(budgets.replace("0.0100", "0.0200"))
    processor.wait_for("has changed and is in force", 15)
    operator.run("exclude", "--trace", f"{1:032x}", "--reason", "a mistake", *operator.there)
    operator.run("reprice", "--since", "2026-09-01", *operator.there)
    assert processor.stop() == 0
    operator.pricing.write_text(PRICES.replace("2.50", "2.00"))
    operator.start().wait_for("listens on")
    operator.send(SECOND)
    lines = json.loads(operator.run("audit", "--json", *operator.api))["data"]
    actions = [(line["action"], line["actor"]) for line in reversed(lines)]
    user = getpass.getuser()
    owner = f"{user}, owner of the file"
    assert actions == [
        ("budgets", owner), ("prices", owner), ("settings", "the settings it was started with"),
        ("budgets", owner), ("exclude", user),
        ("reprice", user), ("prices", f"{owner}, while it was stopped"),
    ]  # fmt: skip
    changed = lines[3]
    assert changed["before"]["per-session"] != changed["after"]["per-session"]
    assert changed["before"]["expensive-call"] == changed["after"]["expensive-call"]
    assert lines[2]["subject"] == f"trace {1:032x}"
    after = {"exclusion": "1", "reason": "a mistake", "calls": "3", "usd": "0.00"}
    assert (lines[2]["before"], lines[2]["after"]) == ({"usd": "0.0105"}, after)
    shown = operator.run("audit", *operator.api)
    assert "per-session: 0.01 USD" in shown
    assert "0.02 USD" in shown
    rows = list(csv.reader(io.StringIO(operator.run("audit", "--csv", *operator.api))))
    assert (rows[0][3], len(rows)) == ("action", 8)


@pytest.mark.timeout(300)
def test_a_processor_that_is_killed_in_an_exclusion_goes_on_with_it(operator):
    """Guarantees: then all that matched has left, with batches that come in between."""
    processor = operator.start()
    for first in range(10, 3010, 300):
        request = ExportTraceServiceRequest()
        for trace in range(first, first + 300):
            request.MergeFromString(batch((1, "gpt-4o", "s-1"), trace=trace))
        operator.send(request.SerializeToString())
    operator.send(SECOND)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(operator.ask, "Exclude", ExcludeRequest(session="s-1"), ExcludeResponse)
        wait_until(operator.started_reprice, what="the exclusion did not begin")
        assert processor.stop(signal.SIGKILL) == -signal.SIGKILL
        assert isinstance(asked.exception(), grpc.RpcError)
    processor = operator.start()
    processor.wait_for("an unfinished exclusion goes on")
    operator.send(batch((2, "gpt-4o", "s-2"), trace=2))
    processor.wait_for("3000 calls, from USD 10.50 to USD 0.00")
    assert cost(operator, "session", "s-1") == (0, 0)
    assert cost(operator, "total") == (7_000_000, 2)
    lines = json.loads(operator.run("audit", "--json", *operator.api))["data"]
    [line] = [line for line in lines if line["action"] == "exclude"]
    assert (line["actor"], line["after"]["calls"]) == ("a caller over gRPC", "3000")
    operator.run("exclude", "--undo", line["after"]["exclusion"], *operator.there)
    assert cost(operator, "total") == (3002 * 3_500_000, 3002)
