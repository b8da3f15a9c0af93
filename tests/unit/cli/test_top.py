"""The questions of a picture are asked anew only where the answers can be others."""

from __future__ import annotations

from types import SimpleNamespace

from processor.cli.top import TopQuestions


class Asked:
    """Answers with what the test sets; remembers what was asked."""

    def __init__(self):
        self.paths = []
        self.version, self.second, self.recent_calls = "1", 0, 0

    def get(self, _kind, path, _query=()):
        self.paths.append(path)
        if path == "/status":
            as_of = SimpleNamespace(
                version=self.version, read_at=f"2026-11-30T12:00:{self.second:02d}+00:00"
            )
            return SimpleNamespace(as_of=as_of, budgets_version="b")
        return SimpleNamespace(totals=SimpleNamespace(calls=self.recent_calls))


def test_a_ledger_without_anything_new_is_asked_for_its_version_only():
    asked = Asked()
    top = TopQuestions(asked, "a test", [])
    top.ask()
    assert asked.paths == ["/status", "/costs", "/costs", "/costs", "/calls", "/budgets"]
    asked.paths.clear()
    asked.second = 2
    assert top.ask().now.second == 2
    assert asked.paths == ["/status"]
    asked.version = "2"
    top.ask()
    assert asked.paths[1:] == ["/status", "/costs", "/costs", "/costs", "/calls"]
    asked.second, asked.version = 12, "3"
    top.ask()
    assert asked.paths[-1] == "/budgets", "their standing is asked for every ten seconds"


def test_a_rate_falls_while_nothing_comes():
    """Guarantees: calls of the last minutes leave them, though the ledger has nothing new."""
    asked = Asked()
    asked.recent_calls = 1
    top = TopQuestions(asked, "a test", [])
    top.ask()
    asked.paths.clear()
    top.ask()
    assert asked.paths.count("/costs") == 3
