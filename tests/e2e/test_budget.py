"""Budgets as an operator sees and changes them, while the processor runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from e2e.operators import batch
from e2e.processes import ROOT, attributes


def run(*words):
    command = [sys.executable, "-m", "processor.cli", *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_limit_set_by_command_is_in_force_and_in_the_audit_once(operator):
    """Guarantees: a processor that runs uses the changed file, and its audit names the change."""
    operator.budgets.write_text(
        "budgets:\n  - {name: all, scope: total, limit_usd: 5.00}   # ours\n"
    )
    processor = operator.start()
    there = operator.api
    first = operator.send(batch((1, "gpt-4o", "s-1")))["call 1"]
    assert "llm.budget.exceeded" not in attributes(first)

    files = ["--budgets", operator.budgets]
    out = run("budget", "set", "all", "--limit", "0.005", *files)
    assert "before  5.00 USD in all" in out
    assert operator.budgets.read_text().endswith("limit_usd: 0.005}   # ours\n")
    processor.wait_for("has changed and is in force", 15)

    second = operator.send(batch((1, "gpt-4o", "s-1"), trace=2))["call 1"]
    assert attributes(second)["llm.budget.exceeded"] == "all"
    lines = json.loads(operator.run("audit", "--json", *operator.api))["data"]
    changed = [each for each in lines if each["action"] == "budgets" and each["before"]]
    assert [(each["before"]["all"], each["after"]["all"]) for each in changed] == [
        ("5.00 USD in all", "0.005 USD in all")
    ]

    shown = run("budget", *there)
    assert re.search(r"all +everything +█+ +140% over +\$0\.0070 / \$0\.0050 +never", shown)
    document = json.loads(run("budget", *there, "--json"))
    assert document["data"][0]["ratio"] == 1.4
    assert document["budgets"][0]["limit_usd"] == "0.005000000"
    header, row = run("budget", *there, "--csv").splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["spent_usd"] == "0.007000000"


def test_a_limit_set_while_it_is_stopped_is_in_the_audit_after_the_start(operator):
    """Guarantees: one line for the change, whenever the processor reads the file."""
    operator.budgets.write_text("budgets: [{name: all, scope: total, limit_usd: 5}]\n")
    operator.start().stop()
    run("budget", "set", "all", "--limit", "6", "--budgets", operator.budgets)
    for _ in range(2):
        operator.start().stop()
    lines = json.loads(operator.run("audit", "--json"))["data"]
    changed = [each for each in lines if each["action"] == "budgets" and each["before"]]
    assert [each["after"]["all"] for each in changed] == ["6.00 USD in all"]
