"""What the command about exclusions prints, and asks."""

from __future__ import annotations

import json
import shlex
from zoneinfo import ZoneInfo

import pytest

from processor.cli import ledger_access, main
from processor.cli.arguments import build_parser
from processor.cli.choice import Answer
from processor.cli.moments import read_moment
from processor.core.model import Difference, Exclusion
from processor.surfaces.queries import ExcludeRequest

FOUND = Exclusion(
    7, 3, 1, 10_500_000, 0, (Difference("gpt-4o", "", 3, 10_500_000, 0),),
    (Difference("daily", "u1", 3, 12_000_000, 1_500_000, 10_000_000),),
)  # fmt: skip
TRACE = "0f" * 16


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a command with an answer; returns what it prints, and what it asked."""
    monkeypatch.setenv("COLUMNS", "100")

    def given(found, *flags):
        asked = []

        class WorkingSet:
            async def zone(self):
                return None

            async def exclude(self, request, undo, *, is_dry_run):
                asked.append((request, undo, is_dry_run))
                return found

        def answer(_settings, _endpoint, question):
            coroutine = question(WorkingSet())
            with pytest.raises(StopIteration) as stopped:
                coroutine.send(None)
            return Answer(stopped.value.value, "answered by somebody")

        monkeypatch.setattr(ledger_access, "ask", answer)
        assert main(flags) == 0
        return capsys.readouterr().out, asked

    return given


def test_what_has_left_all_sums_is_shown(run):
    out, asked = run(FOUND, "exclude", "--session", "s-1", "--reason", "load test")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert asked == [(ExcludeRequest(session="s-1", reason="load test"), 0, False)]
    assert "gpt-4o 3 0.0105 0.00 -0.0105" in lines
    assert "daily u1 0.012 0.0015 0.01 no longer exceeded" in lines
    what = "Exclusion 7: 3 calls and 1 agent run are in no sum any more, and in no budget."
    assert what in lines
    assert "To undo it: llm-cost exclude --undo 7" in lines
    assert "Spans that the backend has stored do not change" in out


def test_one_call_is_one(run):
    out, _ = run(FOUND._replace(calls=1, agents=0), "exclude", "--session", "s-1")
    assert "Exclusion 7: 1 call is in no sum any more, and in no budget." in out
    out, _ = run(FOUND._replace(calls=1, agents=0), "exclude", "--undo", "7")
    assert "Exclusion 7 is undone: 1 call counts again." in out


def test_how_to_undo_it_names_the_same_ledger(run, tmp_path):
    folder = str(tmp_path / "its data")
    out, _ = run(FOUND, "exclude", "--session", "s-1", "--data-dir", folder)
    assert f"To undo it: llm-cost exclude --undo 7 --data-dir '{folder}'" in out.splitlines()


def test_a_dry_run_and_an_undo_say_what_they_are(run):
    out, asked = run(FOUND._replace(number=0), "exclude", "--user", "u", "--dry-run")
    assert asked[0][1:] == (0, True)
    assert "This was a dry run: 3 calls and 1 agent run would leave all sums" in out
    out, asked = run(FOUND._replace(agents=0, lost=2), "exclude", "--undo", "7")
    assert asked == [(ExcludeRequest(), 7, False)]
    assert "Exclusion 7 is undone: 3 calls count again." in out
    assert "2 spans stay out: their rows have been deleted since." in out
    none = Exclusion(8, 0, 0, 0, 0, (), (), kept_from_s=1_800_000_000)
    out, _ = run(none, "exclude", "--trace", TRACE)
    assert "calls that ended before 2027-01-15 08:00 UTC are no longer kept one by one" in out
    assert out.endswith("Exclusion 8: no call matches, or all that match are excluded already\n")


def test_json_has_all_of_it(run):
    out, _ = run(FOUND, "exclude", "--span", f"{TRACE}:{'a0' * 8}", "--json")
    found = json.loads(out)
    assert (found["exclusion"], found["calls"], found["agent_runs"]) == (7, 3, 1)
    assert (found["before_usd"], found["after_usd"], found["undo"]) == ("0.0105", "0.00", False)
    assert found["models"][0]["model"] == "gpt-4o"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "exclude: does not say which calls (give --trace, --span, --session"),
        (["--reason", "x"], "exclude: does not say which calls"),
        (["--undo", "7", "--user", "u"], "--undo: goes with no other selection"),
        (["--since", "1d", "--until", "2d"], "--until: is not after --since"),
    ],
)
def test_what_makes_no_sense_is_refused(capsys, flags, message):
    assert main(["exclude", *flags]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("number", ["0", "-1", "seven", str(2**63)])
def test_an_exclusion_has_a_number(capsys, number):
    with pytest.raises(SystemExit):
        main(["exclude", f"--undo={number}"])
    assert "must be a whole number above 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("exclude", "--session", "", "--since", "7d"),
        ("exclude", "--user", "u1", "--since", ""),
        ("exclude", "--user", " ", "--trace", TRACE),
        ("reprice", "--since", "7d", "--until", ""),
        ("forget", "--user", ""),
        ("audit", "--since", ""),
        ("verify", ""),
        ("exclude", "--user", "\udcff"),
        ("exclude", "--user", "u1", "--reason", "\udcff"),
        ("forget", "--user", "\udcff"),
    ],
)
def test_a_value_that_says_nothing_does_not_mean_everything(words, capsys):
    """Guarantees: an empty variable of a script, or bytes that are no text, are refused."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert "is empty" in error or "is not UTF-8" in error


def test_the_command_that_is_shown_after_an_undo_can_be_typed(run):
    out, _ = run(FOUND, "exclude", "--undo", "7")
    line = next(line for line in out.splitlines() if "llm-cost reprice" in line)
    words = shlex.split(line.partition("llm-cost ")[2])
    arguments = build_parser().parse_args(words)
    for zone in ("Pacific/Kiritimati", "UTC", "Etc/GMT+12"):
        assert 0 <= read_moment("--since", arguments.since, 0, ZoneInfo(zone)) < 2 * 86_400 * 10**9
