"""What the command that forgets a user prints, and asks."""

from __future__ import annotations

import json

import pytest

from processor.cli import forget, main
from processor.cli.choice import Answer
from processor.core.model import Forgetting

FOUND = Forgetting("forgotten-0a1b2c3d", 3, (("owners", 2), ("stamps", 1)))


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs the command with an answer; returns what it prints, and what it asked."""
    monkeypatch.setenv("COLUMNS", "100")

    def given(found, *flags):
        asked = []

        class Ledger:
            async def forget(self, user, *, is_dry_run):
                asked.append((user, is_dry_run))
                return found

        def answer(_settings, _endpoint, question):
            coroutine = question(Ledger())
            with pytest.raises(StopIteration) as stopped:
                coroutine.send(None)
            return Answer(stopped.value.value, "answered by somebody")

        monkeypatch.setattr(forget, "ask", answer)
        assert main(("forget", "--user", "ada", *flags)) == 0
        return capsys.readouterr().out, asked

    return given


def test_it_says_where_the_id_stood_and_what_is_not_covered(run):
    shown, asked = run(FOUND)
    assert asked == [("ada", False)]
    assert "The user is forgotten: 3 calls stay under forgotten-0a1b2c3d." in shown
    assert "        2  owners" in shown
    assert "may hold old bytes of it until they are used again" in " ".join(shown.split())
    assert "llm-cost backup" in shown
    not_covered = " ".join(shown.partition("Not covered:")[2].split())
    for words in ("backends", "exports", "backups", "on their way to a backend"):
        assert words in not_covered
    assert "ada" not in shown


def test_a_dry_run_says_that_nothing_has_changed(run):
    shown, asked = run(FOUND._replace(tombstone=""), "--dry-run")
    assert asked == [("ada", True)]
    assert "This was a dry run: 3 calls would stay" in shown
    assert "Rows that would lose the id:" in shown


def test_json_has_the_same(run):
    found = json.loads(run(FOUND, "--json")[0])
    assert (found["tombstone"], found["calls"]) == (FOUND.tombstone, 3)
    assert found["rows"] == {"owners": 2, "stamps": 1}
    assert found["unused_bytes"] == forget.UNUSED_BYTES
    assert found["not_covered"] == list(forget.NOT_COVERED)
