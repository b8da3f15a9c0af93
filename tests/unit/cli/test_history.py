import asyncio
import json
import shlex
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from processor.cli import main
from processor.cli.arguments import build_parser
from processor.cli.demo import history
from processor.cli.demo.history import fill, suggestions
from processor.cli.demo.month import LONGEST_RUN_S, Timeline, runs_of
from processor.cli.questions.local import Local
from processor.config import load_settings
from processor.core.errors import ConfigError

NS = 10**9
WEDNESDAY = date(2026, 5, 20)
NOON_NS = int(datetime(2026, 5, 20, 12, tzinfo=UTC).timestamp()) * NS


def planned(days=14, seed=1, now_ns=NOON_NS):
    timeline = Timeline.ending(WEDNESDAY, days, seed)
    return [run for day in runs_of(timeline, timeline.first_day, now_ns) for run in day]


def filled(folder, *, days=2, seed=1, now_ns=NOON_NS):
    return asyncio.run(fill(folder, days, seed, now_ns))


def asked(folder, path, *query):
    local = Local(load_settings(folder / "processor.yaml", {}, {}))
    try:
        return json.loads(local.text(path, query, "json"))
    finally:
        local.close()


def by(name, answer):
    return {row["group"][name]: row for row in answer["data"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two days and a half, with the price change and the evening that cost too much."""
    folder = tmp_path_factory.mktemp("history")
    filled(folder)
    return folder


def test_the_same_seed_makes_the_same_runs_and_another_one_makes_others():
    assert planned() == planned()
    assert {run.name for run in planned()}.isdisjoint(run.name for run in planned(seed=2))


def test_names_and_so_the_ids_of_traces_differ():
    names = [run.name for run in planned()]
    assert len(set(names)) == len(names)


def test_a_later_end_adds_runs_and_changes_none():
    before, after = planned(), planned(now_ns=NOON_NS + 5 * 3600 * NS)
    assert after[: len(before)] == before
    assert len(after) > len(before)


def test_all_runs_are_over_by_the_end():
    assert max(run.begin_ns for run in planned()) < NOON_NS - LONGEST_RUN_S * NS


def test_a_week_has_its_rhythm():
    """Guarantees: offices rest on weekends, customers less so, and invoices are read at night."""
    runs = planned()

    def share(team, is_meant):
        moments = [datetime.fromtimestamp(run.begin_ns // NS, UTC) for run in runs
                   if run.team.name == team and run.agent.name != "report-writer"]  # fmt: skip
        return sum(map(is_meant, moments)) / len(moments)

    assert share("engineering", lambda at: at.weekday() >= 5) < 0.06
    assert 0.1 < share("support", lambda at: at.weekday() >= 5) < 0.28
    assert share("finance", lambda at: at.hour < 6) == 1


def test_a_story_is_continued_from_its_text():
    timeline = Timeline.ending(WEDNESDAY, 30, 7)
    assert Timeline.from_json(timeline.as_json()) == timeline
    assert timeline.first_day == WEDNESDAY - timedelta(days=30)
    assert timeline.first_day < timeline.price_change < timeline.runaway < WEDNESDAY


def test_the_ledger_has_all_that_a_real_one_has(folder):
    teams = by("team", asked(folder, "/costs", ("window", "all"), ("group_by", "team")))
    assert set(teams) == {"support", "search", "engineering", "finance", "marketing"}
    assert all(float(row["cost_usd"]) > 0 for row in teams.values())
    statuses = by("status", asked(folder, "/costs", ("window", "all"), ("group_by", "status")))
    assert {"exact", "failed", "free", "unpriced", "usage_missing"} <= set(statuses)
    totals = asked(folder, "/costs", ("window", "all"))["totals"]
    assert totals["at_least"]
    assert totals["tokens"]["cached"] > totals["tokens"]["input"] // 10
    assert totals["response_cache_hits"] > 0
    titles = asked(folder, "/costs", ("window", "all"), ("group_by", "task"), ("limit", "5"))
    assert any(row["label"] for row in titles["data"])


def test_the_price_of_the_companys_own_model_changes(folder):
    """Guarantees: a call is priced at the price of its time."""
    timeline = Timeline.from_json((folder / "demo-history.json").read_text("utf-8"))
    model = ("filter[model]", "acme-search-14b")
    days = asked(
        folder,
        "/costs",
        ("starting_at", "2026-05-18"),
        ("ending_at", "2026-05-21"),
        ("bucket", "1d"),
        model,
    )["data"]
    rates = {}
    for row in days:
        if row["tokens"]["input"]:
            rate = float(row["cost_usd"]) / row["tokens"]["input"]
            rates.setdefault(row["starting_at"][:10] >= str(timeline.price_change), []).append(rate)
    assert min(rates[True]) > 1.3 * max(rates[False])


def test_a_budget_was_exceeded_on_the_evening_that_cost_too_much(folder):
    timeline = Timeline.from_json((folder / "demo-history.json").read_text("utf-8"))
    crossings = asked(folder, "/crossings", ("limit", "100"))["data"]
    exceeded = [(row["budget"], row["scope_id"]) for row in crossings
                if (row["starting_at"] or "").startswith(str(timeline.runaway))]  # fmt: skip
    assert ("team-daily", "search") in exceeded


def test_verify_finds_the_ledger_right(folder, capsys):
    assert main(["verify", "--full", "--config", str(folder / "processor.yaml")]) == 0
    assert "everything agrees" in capsys.readouterr().out


def test_a_history_that_is_continued_is_the_one_that_was_filled_at_once(tmp_path):
    """Guarantees: what a folder has already is charged once."""
    later_ns, parts, whole = NOON_NS + 3 * 3600 * NS, tmp_path / "parts", tmp_path / "whole"
    filled(parts, days=1)
    filled(parts, days=1, now_ns=later_ns)
    filled(whole, days=1, now_ns=later_ns)
    query = ("/costs", ("window", "all"), ("group_by", "team"), ("group_by", "model"))
    assert asked(parts, *query)["data"] == asked(whole, *query)["data"]


def test_a_ledger_that_is_not_the_demos_is_refused(tmp_path):
    filled(tmp_path, days=1)
    (tmp_path / "demo-history.json").unlink()
    before = (tmp_path / "ledger.db").read_bytes()
    with pytest.raises(ConfigError, match="not the demo's"):
        filled(tmp_path, days=1)
    assert (tmp_path / "ledger.db").read_bytes() == before


def test_a_folder_with_another_seed_or_files_of_its_own_is_refused(folder, tmp_path):
    with pytest.raises(ConfigError, match="seed 1"):
        filled(folder, seed=2)
    (tmp_path / "budgets.yaml").write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        filled(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["budgets.yaml"]


def test_a_damaged_story_is_refused(tmp_path):
    (tmp_path / "demo-history.json").write_text("[]")
    with pytest.raises(ConfigError, match="not what the demo has written"):
        filled(tmp_path)


@pytest.mark.parametrize("flag", [["--data-dir", "x"], ["--seed", "3"]])
def test_flags_of_the_history_are_refused_without_it(flag, capsys):
    assert main(["demo", *flag]) == 2
    expected = f"llm-cost: {flag[0]}: is for --history only (give --history 30d)\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("age", ["0d", "90d", "13w", "30", "x", "3h"])
def test_an_age_that_cannot_be_is_refused(age, capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(["demo", "--history", age])
    assert "1d to 89d" in capsys.readouterr().err


@pytest.mark.parametrize(("given", "days"), [([], 30), (["2w"], 14), (["1d"], 1)])
def test_an_age_is_in_days_or_weeks(given, days):
    assert build_parser().parse_args(["demo", "--history", *given]).history == days


def test_what_is_suggested_can_be_done(monkeypatch):
    monkeypatch.setattr(history, "command_name", lambda: "llm-cost")
    commands = [line for _, lines in suggestions(Path("/my folder")) for line in lines]
    for command in commands:
        program, *words = shlex.split(command)
        if program == "llm-cost":
            assert build_parser().parse_args(words).config == "/my folder/processor.yaml"
