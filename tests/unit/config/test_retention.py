"""How long the ledger keeps what it has: ages in days or hours, or for ever."""

from __future__ import annotations

import pytest

from processor.config import load_settings
from processor.core.errors import ConfigError

DAY_S = 86_400


def loaded(tmp_path, text):
    path = tmp_path / "p.yaml"
    path.write_text(f"ledger: {{retention: {text}}}", "utf-8")
    return load_settings(path, {}, {}).ledger.retention


def problem_of(tmp_path, text):
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    [problem] = caught.value.problems
    return f"{problem.what}; {problem.fix}"


def test_calls_are_kept_for_three_months_and_recognised_for_one_more():
    kept = load_settings(None, {}, {}).ledger.retention
    assert (kept.calls, kept.keys) == (90 * DAY_S, 30 * DAY_S)
    assert (kept.traces, kept.hours) == (400 * DAY_S, 400 * DAY_S)


@pytest.mark.parametrize(
    ("text", "seconds"), [("36h", 36 * 3600), ("7d", 7 * DAY_S), ("0", 0), ("never", 0)]
)
def test_an_age_is_in_days_or_hours_and_nothing_keeps_for_ever(tmp_path, text, seconds):
    assert loaded(tmp_path, f"{{hours: {text}}}").hours == seconds


@pytest.mark.parametrize("text", ["90", "true", "3 weeks", "1m", "-1d", "[]"])
def test_what_is_no_age_is_refused_with_the_way_to_write_it(tmp_path, text):
    assert "write 90d or 36h, or never to keep all of it" in problem_of(
        tmp_path, f"{{calls: {text}}}"
    )


def test_traces_are_kept_as_long_as_what_recognises_their_calls(tmp_path):
    problem = problem_of(tmp_path, "{calls: 390d}")
    assert problem == (
        "must be at least calls and keys together, 420d, got 400d; "
        "set ledger.retention.traces to 420d or more"
    )
    assert "traces: never" in problem_of(tmp_path, "{keys: never}")
    assert loaded(tmp_path, "{calls: never}").calls == 0
    assert loaded(tmp_path, "{keys: never, traces: never}").keys == 0
