"""/metrics of a running processor, checked by promtool."""

from __future__ import annotations

import re
import subprocess
import urllib.request

import pytest

pytestmark = pytest.mark.backend


def test_prometheus_finds_nothing_wrong_with_the_metrics(serve, promtool):
    """Guarantees: the text can be read, and names, units and sentences follow the conventions."""
    url = re.search(r"http://\S+/metrics", serve().wait_for("metrics "))[0]
    with urllib.request.urlopen(url, timeout=5) as response:
        text = response.read().decode()
    # The one counter whose name was asked for without the ending that promtool wants.
    allowed = 'llm_cost_total_dollars counter metrics should have "_total" suffix'
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert "llm_cost_total_dollars" in text
    assert (done.stdout + done.stderr).splitlines() == [allowed]
