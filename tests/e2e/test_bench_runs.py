"""The measurements of performance run, and find nothing lost, nothing counted twice."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "bench"
CONSERVATION = re.compile(r"- conservation, (?P<what>.+): (?P<figures>\d.+): (?P<verdict>.+)")
SYSTEMS = ("proxy", "ledger off", "ledger on")


@pytest.mark.heavy
def test_what_the_bench_sends_arrives_once_and_adds_up():
    """Guarantees: spans sent = spans received = ids, and costs on spans = total of the ledger."""
    done = subprocess.run(
        [sys.executable, BENCH / "run.py", "--quick"],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    found = [match for match in map(CONSERVATION.fullmatch, done.stdout.splitlines()) if match]
    assert [match["what"].rpartition(", ")[2] for match in found] == [*SYSTEMS, *SYSTEMS]
    for match in found:
        assert match["verdict"] == "holds", match[0]
        sent, received, ids, *costs = map(int, re.findall(r"\b\d+\b", match["figures"]))
        assert sent == received == ids > 0
        if match["what"].endswith("ledger on"):
            calls, priced, on_spans, in_ledger = costs
            assert calls == priced > 0
            assert on_spans == in_ledger > 0


@pytest.mark.heavy
@pytest.mark.timeout(300)
def test_a_ledger_of_200_000_calls_is_not_larger_than_it_may_be():
    """Guarantees: every call of the benchmark's traffic is in the ledger, at so many bytes each."""
    done = subprocess.run(
        [sys.executable, BENCH / "ledger_load.py", "--check"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "| together |" in done.stdout
