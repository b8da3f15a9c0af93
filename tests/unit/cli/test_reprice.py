import json
from zoneinfo import ZoneInfo

import pytest

from processor.cli import ledger_access, main
from processor.cli.choice import Answer
from processor.core.model import Difference, Repricing

FOUND = Repricing(
    5,
    (
        Difference("new", "", 3, 0, 18_000_000, unpriced_before=3),
        Difference("mixed", "", 2, 5_000_000, 4_500_000, unpriced_before=1, unpriced_after=1),
    ),
    (
        Difference("daily", "u1", 3, 9_000_000, 12_000_000, 10_000_000, 1_800_000_000),
        Difference("all", "", 2, 10_000_000, 9_000_000, 10_000_000),
        Difference("small", "", 1, 1, 2, 10_000_000),
    ),
    5_000_000,
    22_500_000,
    "v9",
)


@pytest.fixture
def ask(monkeypatch, capsys):
    """Answers the command; returns what it prints, and what it asked."""
    monkeypatch.setenv("COLUMNS", "100")
    asked = []

    def given(found, *flags, zone=None):
        class WorkingSet:
            async def zone(self):
                return zone

            async def reprice(self, start_ns, end_ns, *, is_dry_run):
                asked.append((start_ns, end_ns, is_dry_run))
                return found

        def answer(_settings, _endpoint, question):
            coroutine = question(WorkingSet())
            with pytest.raises(StopIteration) as stopped:
                coroutine.send(None)
            return Answer(stopped.value.value, "answered by somebody")

        monkeypatch.setattr(ledger_access, "ask", answer)
        assert main(["reprice", *flags]) == 0
        return capsys.readouterr().out, asked[-1]

    return given


def test_differences_are_shown_and_unknown_is_never_zero(ask):
    out, _ = ask(FOUND, "--since", "7d", "--dry-run")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "new 3 unknown 0.0180 +0.0180" in lines
    assert "mixed 2 at least 0.005 at least 0.0045 -0.0005" in lines
    assert "in total at least 0.005 at least 0.0225 +0.0175" in lines
    assert "daily u1 from 2027-01-15 08:00 UTC 0.009000000 0.012000000 0.01 now exceeded" in lines
    assert "all 0.010000000 0.009000000 0.01 no longer exceeded" in lines
    assert "small 0.000000001 0.000000002 0.01" in lines
    assert "This was a dry run: 5 calls would change; nothing has changed." in lines
    assert "Spans that the backend has stored do not change" in out


def test_a_reprice_that_was_done_is_reported(ask):
    out, asked = ask(FOUND, "--since", "2026-11-01T00:00Z", "--until", "2026-11-02T00:00Z")
    assert asked == (1_793_491_200 * 10**9, 1_793_577_600 * 10**9, False)
    lines = out.splitlines()
    assert lines[:3] == [
        "answered by somebody",
        "calls that ended from 2026-11-01 00:00 UTC until 2026-11-02 00:00 UTC",
        "prices built in, version v9",
    ]
    assert "Corrections for 5 calls are in the ledger." in out
    assert "Spans that the backend has stored do not change" in out


def test_dates_are_read_in_the_time_zone_of_the_budgets(ask, tmp_path):
    budgets = tmp_path / "b.yaml"
    budgets.write_text("timezone: Asia/Tokyo\n")
    out, asked = ask(FOUND, "--since", "2026-11-01", "--budgets", str(budgets), "--dry-run")
    assert "calls that ended from 2026-11-01 00:00 JST\n" in out
    assert asked == ((1_793_491_200 - 9 * 3600) * 10**9, 2**63 - 1, True)


def test_dates_are_read_in_the_time_zone_of_the_processor_that_is_asked(ask, tmp_path):
    """Guarantees: not in that of the command's own budgets file."""
    budgets = tmp_path / "b.yaml"
    budgets.write_text("timezone: Asia/Tokyo\n")
    flags = ["--since", "2026-11-01", "--until", "2026-11-02", "--budgets", str(budgets)]
    out, asked = ask(FOUND, *flags, zone=ZoneInfo("America/New_York"))
    assert "from 2026-11-01 00:00 EDT until 2026-11-02 00:00 EST\n" in out
    assert asked == ((1_793_491_200 + 4 * 3600) * 10**9, (1_793_577_600 + 5 * 3600) * 10**9, False)


def test_json_has_exact_decimal_texts(ask):
    out, _ = ask(FOUND, "--since", "7d", "--json")
    answer = json.loads(out)
    assert (answer["dry_run"], answer["calls"], answer["price_version"]) == (False, 5, "v9")
    assert (answer["source"], answer["price_file"]) == ("answered by somebody", "")
    assert answer["since"].endswith("+00:00")
    assert answer["until"] is None
    assert (answer["before_usd"], answer["after_usd"]) == ("0.005", "0.0225")
    assert answer["models"][0] == {
        "model": "new", "calls": 3, "before_usd": "0.00", "after_usd": "0.018",
        "unpriced_before": 3, "unpriced_after": 0,
    }  # fmt: skip
    assert answer["budgets"][0] == {
        "budget": "daily", "scope_id": "u1", "window_start": "2027-01-15T08:00:00+00:00",
        "limit_usd": "0.01", "before_usd": "0.009", "after_usd": "0.012",
    }  # fmt: skip
    assert answer["budgets"][1]["window_start"] is None


def test_no_change_is_one_line(ask):
    out, _ = ask(Repricing(0, (), (), price_version="v9"), "--since", "7d")
    assert out.splitlines()[-1] == "nothing changes at these prices"


def test_calls_that_keep_their_cost_are_counted_apart(ask):
    found = Repricing(0, (), (), price_version="v9", price_file="mine.yaml", renamed=2)
    out, _ = ask(found, "--since", "7d")
    assert "prices mine.yaml, version v9" in out.splitlines()
    assert out.splitlines()[-2:] == [
        "nothing changes at these prices",
        "2 calls are recorded with another status, model or rate, at the same cost",
    ]
    out, _ = ask(FOUND._replace(renamed=1), "--since", "7d", "--dry-run")
    assert "A further 1 call would be recorded with another status" in out


def test_a_table_fits_a_terminal_of_80_columns(ask, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    long = FOUND.models[0]._replace(name="a-model-with-a-name-" * 4)
    out, _ = ask(FOUND._replace(models=(long, FOUND.models[1])), "--since", "7d", "--dry-run")
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("flags", "where"),
    [
        (["--since", "soon"], "--since: "),
        (["--since", "7d", "--until", "x"], "--until: "),
        (["--since", "7d", "--until", "8d"], "--until: is not after --since"),
    ],
)
def test_times_that_make_no_sense_are_one_line(flags, where, capsys):
    assert main(["reprice", *flags]) == 2
    assert capsys.readouterr().err.startswith(f"llm-cost: {where}")
