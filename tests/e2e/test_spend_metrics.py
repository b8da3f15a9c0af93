"""What a scrape of the running process says of spend, whatever happens to it."""

from __future__ import annotations

import json
import re
import signal
import urllib.request

import pytest
from e2e.operators import batch
from e2e.processes import wait_until
from prometheus_client.parser import text_string_to_metric_families

FIRST = batch((1, "gpt-4o", "s-1"), (2, "gpt-4o", "s-1"), (3, "brand-new", "s-1"))
SECOND = batch((1, "gpt-4o", "s-2"), trace=2)


class Scraped:
    """All counters of spend and budgets, by name and labels."""

    def __init__(self, text):
        self.values = {
            (family.name, sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if family.name.startswith("llm_") and not family.name.startswith("llm_cost_processor_")
            if family.type == "counter"
        }

    def sum(self, name, **labels):
        wanted = set(labels.items())
        return sum(value for key, value in self.values.items() if key[0] == name
                   and wanted <= set(key[2:]))  # fmt: skip

    def net(self, name, corrections, **labels):
        """What was charged first, and what corrections have made of it."""
        up, down = (self.sum(corrections, direction=way, **labels) for way in ("up", "down"))
        return self.sum(name, **labels) + up - down

    @property
    def spend(self):
        """Without budgets, which are read every five seconds at most."""
        return {key: value for key, value in self.values.items() if "budget" not in key[0]}

    @property
    def cost_usd(self):
        return self.net("llm_cost_total_dollars", "llm_cost_corrections_dollars")

    def is_before(self, later):
        """Whether nothing has fallen from this one to a later one."""
        return all(value <= later.values.get(key, 0) for key, value in self.values.items())


class Scrapes:
    """Scrapes a processor until what it shows is what the ledger has."""

    def __init__(self, operator):
        self._operator = operator
        self.all = []

    def _get(self, path):
        url = re.search(r"http://\S+:\d+", self._operator.processor.wait_for("metrics "))[0]
        with urllib.request.urlopen(f"{url}{path}", timeout=5) as answer:
            return answer.read().decode()

    def __call__(self):
        """What it shows now; nothing has fallen since the last time."""

        def agreed():
            found, totals = Scraped(self._get("/metrics")), self._totals()
            calls = found.net("llm_requests", "llm_requests_corrections")
            unpriced = found.net("llm_unpriced_calls", "llm_unpriced_calls_corrections")
            same = (calls, unpriced) == (totals["calls"], totals["unpriced_calls"])
            is_close = found.cost_usd == pytest.approx(float(totals["cost_usd"]), rel=1e-12)
            return found if same and is_close else None

        found = wait_until(agreed, what="metrics do not show what the ledger has")
        assert all(before.is_before(found) for before in self.all)
        self.all.append(found)
        return found

    def _totals(self):
        return json.loads(self._get("/api/v1/costs"))["totals"]


@pytest.mark.timeout(300)
def test_counters_never_fall_and_are_what_the_ledger_has(operator):
    """Guarantees: through kills, an exclusion, a reprice and what is sent again."""
    scrape = Scrapes(operator)
    operator.start()
    assert scrape().cost_usd == 0
    operator.send(FIRST)
    operator.send(SECOND)
    wait_until(lambda: scrape().sum("llm_budget_crossings", threshold="0.5") == 1)
    first = scrape()
    assert first.sum("llm_cost_total_dollars", model="gpt-4o") == pytest.approx(0.0105)
    assert first.sum("llm_unpriced_calls", model="brand-new") == 1
    assert operator.processor.stop(signal.SIGKILL) == -signal.SIGKILL

    operator.start()
    assert scrape().spend == first.spend, "a kill changes nothing"
    operator.send(FIRST)
    assert scrape().spend == first.spend, "nor does what is sent again"
    operator.run("exclude", "--session", "s-2", "--reason", "load test", *operator.there)
    excluded = scrape()
    assert excluded.sum("llm_requests") == 4
    assert excluded.sum("llm_requests_corrections", direction="down") == 1
    operator.add_price()
    operator.run("reprice", "--since", "2026-09-01", *operator.there)
    repriced = scrape()
    assert repriced.cost_usd > excluded.cost_usd
    assert repriced.net("llm_unpriced_calls", "llm_unpriced_calls_corrections") == 0
    assert operator.processor.stop() == 0

    operator.start()
    assert scrape().spend == repriced.spend
    assert operator.processor.stop() == 0
