"""/metrics of a running processor, checked by promtool."""

from __future__ import annotations

import re
import urllib.request

import pytest

pytestmark = pytest.mark.backend


def test_prometheus_finds_nothing_wrong_with_the_metrics(serve, promtool, passes):
    """Guarantees: the text can be read, and names, units and sentences follow the conventions."""
    url = re.search(r"http://\S+/metrics", serve().wait_for("metrics "))[0]
    with urllib.request.urlopen(url, timeout=5) as response:
        text = response.read().decode()
    assert passes(promtool, "check", "metrics", input=text) == ""
