"""A budgets file becomes a policy, or a list of all its mistakes with lines and fixes."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from processor.core.budgets import DeclaredChannel, parse_budgets
from processor.core.errors import ConfigError
from processor.core.model import Calendar

UTC = Calendar(ZoneInfo("UTC"))


def problems_of(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_budgets(text, "b.yaml")
    return [str(problem) for problem in caught.value.problems]


TEAM = """
budgets:
  - name: teams
    scope: team
    window: day
    limit_usd: 5
    match: {environment: prod}
"""


def test_a_dimension_of_the_settings_is_a_scope_and_a_filter():
    policy = parse_budgets(TEAM, "b.yaml", ["team", "environment"])
    (budget,) = policy.budgets
    assert (budget.scope, budget.match) == ("team", {"environment": ("prod",)})
    assert policy.dimensions == ("team", "environment")


def test_a_dimension_that_the_settings_lack_is_named_with_the_setting():
    scope, match = problems_of(TEAM)
    assert scope.startswith(
        "b.yaml:4: budgets[0].scope: unknown scope 'team' (add dimensions: {team: [team, team.id]} "
        "to the settings, with the attributes that name it; valid without it: call, trace,"
    )
    assert match.startswith(
        "b.yaml:7: budgets[0].match.environment: is nothing that a call has (add dimensions: "
        "{environment: [environment, environment.id]} to the settings,"
    )


def test_empty_file_has_no_budgets():
    for text in ("", "# nothing\n", "budgets:\n", "budgets: []\n", "version: 1\n"):
        assert parse_budgets(text, "b.yaml").budgets == ()


def test_rule_is_read_with_all_its_fields():
    text = """
version: 1
timezone: Asia/Tokyo
week_start: sunday
budgets:
  - name: research
    scope: agent
    window: month
    limit_usd: 12.5
    warn_at: [0.8, 0.5, 0.8]
    match: {service: research-api, provider: [openai, "anthr*"]}
    overrides: {big: 100, 2024: 0.01}
"""
    (budget,) = parse_budgets(text, "b.yaml").budgets
    assert (budget.name, budget.scope, budget.window) == ("research", "agent", "month")
    assert (budget.limit, budget.unit) == (12_500_000_000, "usd")
    assert budget.calendar == Calendar(ZoneInfo("Asia/Tokyo"), 6)
    assert budget.warn_at == (Decimal("0.5"), Decimal("0.8"))
    assert budget.match == {"service": ("research-api",), "provider": ("openai", "anthr*")}
    assert budget.overrides == {"big": 100 * 10**9, "2024": 10**7}
    assert budget.source_line == 6


def test_rule_has_its_own_calendar_where_it_says_so():
    text = """
week_start: saturday
budgets:
  - {name: a, scope: org, window: week, limit_usd: 1, timezone: Europe/Berlin}
  - {name: b, scope: org, window: week, limit_usd: 1, week_start: Tuesday}
"""
    policy = parse_budgets(text, "b.yaml")
    assert policy.calendar == Calendar(ZoneInfo("UTC"), 5)
    first, second = policy.budgets
    assert first.calendar == Calendar(ZoneInfo("Europe/Berlin"), 5)
    assert second.calendar == Calendar(ZoneInfo("UTC"), 1)


def test_two_limits_in_one_rule_are_two_budgets_of_one_name():
    text = "budgets: [{name: a, scope: user, limit_usd: 2, limit_tokens: 5_000}]"
    budgets = parse_budgets(text, "b.yaml").budgets
    assert [(each.name, each.unit, each.limit) for each in budgets] == [
        ("a", "usd", 2 * 10**9),
        ("a", "tokens", 5000),
    ]


def test_token_overrides_are_tokens():
    text = "budgets: [{name: a, scope: user, limit_tokens: 5, overrides: {x: 7}}]"
    (budget,) = parse_budgets(text, "b.yaml").budgets
    assert budget.limit_for("x") == 7


def test_rule_that_is_switched_off_is_left_out_and_frees_its_name():
    text = """
budgets:
  - {name: a, scope: user, limit_usd: 1, enabled: false}
  - {name: a, scope: user, limit_usd: 2, enabled: true}
"""
    (budget,) = parse_budgets(text, "b.yaml").budgets
    assert budget.limit == 2 * 10**9


def test_version_changes_with_the_text():
    one = parse_budgets("budgets: [{name: a, scope: user, limit_usd: 1}]", "b.yaml")
    two = parse_budgets("budgets: [{name: a, scope: user, limit_usd: 2}]", "b.yaml")
    assert one.version != two.version
    assert len(one.version) == 12


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            "scope: user\n    limit_uds: 1\n    limit_usd: 1",
            "b.yaml:4: budgets[0].limit_uds: unknown key (did you mean limit_usd?)",
        ),
        (
            "scope: usr\n    limit_usd: 1",
            (
                "b.yaml:3: budgets[0].scope: unknown scope 'usr' (did you mean user? valid: call, "
                "trace, agent_run, session, user, org, agent, feature, task, task_type, purpose, "
                "model, provider, service, total)"
            ),
        ),
        (
            "limit_usd: 1",
            (
                "b.yaml:2: budgets[0].scope: is missing (one of call, trace, agent_run, "
                "session, user, org, agent, feature, task, task_type, purpose, model, provider, "
                "service, total)"
            ),
        ),
        ("scope: user", "b.yaml:2: budgets[0]: has no limit (add limit_usd or limit_tokens)"),
        (
            "scope: user\n    window: dayly\n    limit_usd: 1",
            (
                "b.yaml:4: budgets[0].window: unknown window 'dayly' (did you mean day? "
                "valid: none, hour, day, week, month, rolling 7d)"
            ),
        ),
        (
            "scope: user\n    window: rolling week\n    limit_usd: 1",
            (
                "b.yaml:4: budgets[0].window: is no length of a rolling window, got 'rolling week' "
                "(write for example rolling 7d, with a number of minutes (m), hours (h) or days "
                "(d))"
            ),
        ),
        (
            "scope: user\n    window: rolling 32d\n    limit_usd: 1",
            (
                "b.yaml:4: budgets[0].window: must be quarters of an hour, at least rolling 1h and "
                "at most rolling 31d, got 'rolling 32d'"
            ),
        ),
        (
            "scope: user\n    window: rolling 100m\n    limit_usd: 1",
            "b.yaml:4: budgets[0].window: must be quarters of an hour",
        ),
        (
            "scope: session\n    limit_usd: 1\n    reset_hour: 24",
            "b.yaml:5: budgets[0].reset_hour: must be an hour from 0 to 23, got 24",
        ),
        (
            "scope: trace\n    window: rolling 7d\n    limit_usd: 1",
            "b.yaml:4: budgets[0].window: a budget for each trace covers all of it",
        ),
        (
            "scope: trace\n    window: day\n    limit_usd: 1",
            (
                "b.yaml:4: budgets[0].window: a budget for each trace covers all of "
                "it, so it has no "
                "window (remove window: day, or choose another scope)"
            ),
        ),
        (
            "scope: user\n    limit_usd: 0",
            (
                "b.yaml:4: budgets[0].limit_usd: must be > 0, got 0 "
                "(to switch a rule off, write enabled: false)"
            ),
        ),
        (
            "scope: user\n    limit_usd: -1.5",
            (
                "b.yaml:4: budgets[0].limit_usd: must be > 0, got -1.5 "
                "(to switch a rule off, write enabled: false)"
            ),
        ),
        (
            "scope: user\n    limit_usd: 10000000000",
            "b.yaml:4: budgets[0].limit_usd: must be at most 9000000000, got 10000000000",
        ),
        (
            "scope: user\n    limit_usd: $5",
            "b.yaml:4: budgets[0].limit_usd: must be a number, got '$5'",
        ),
        (
            "scope: user\n    limit_usd: .nan",
            "b.yaml:4: budgets[0].limit_usd: .nan is read as a number here",
        ),
        (
            "scope: user\n    limit_tokens: 0",
            (
                "b.yaml:4: budgets[0].limit_tokens: must be > 0, got 0 "
                "(to switch a rule off, write enabled: false)"
            ),
        ),
        (
            "scope: user\n    limit_tokens: 1.5",
            "b.yaml:4: budgets[0].limit_tokens: must be a whole number, got 1.5",
        ),
        (
            "scope: user\n    limit_usd: 1\n    warn_at: [0.5, 80]",
            (
                "b.yaml:5: budgets[0].warn_at: must be above 0 and below 1, got 80 "
                "(write 0.8 for 80 %)"
            ),
        ),
        (
            "scope: user\n    limit_usd: 1\n    warn_at: 1",
            "b.yaml:5: budgets[0].warn_at: must be above 0 and below 1, got 1",
        ),
        (
            "scope: user\n    limit_usd: 1\n    timezone: Europe/Berln",
            (
                "b.yaml:5: budgets[0].timezone: unknown time zone 'Europe/Berln' "
                "(did you mean Europe/Berlin?)"
            ),
        ),
        (
            "scope: user\n    limit_usd: 1\n    timezone: ../../etc/passwd",
            (
                "b.yaml:5: budgets[0].timezone: unknown time zone '../../etc/passwd' "
                "(valid: names like UTC or Europe/Berlin)"
            ),
        ),
        (
            "scope: user\n    limit_usd: 1\n    week_start: mon",
            (
                "b.yaml:5: budgets[0].week_start: unknown weekday 'mon' (did you mean monday? "
                "valid: monday, tuesday, wednesday, thursday, friday, saturday, sunday)"
            ),
        ),
        (
            "scope: user\n    limit_usd: 1\n    match: {modl: gpt}",
            "b.yaml:5: budgets[0].match.modl: unknown key (did you mean model?)",
        ),
        (
            "scope: user\n    limit_usd: 1\n    match: {model: []}",
            (
                "b.yaml:5: budgets[0].match.model: has no pattern, so that no call would count "
                '(use "*" for any value)'
            ),
        ),
        (
            "scope: user\n    limit_usd: 1\n    match: {model: }",
            'b.yaml:5: budgets[0].match.model: is missing (use "*" for any value)',
        ),
        (
            "scope: user\n    limit_usd: 1\n    match: {model: " + "x" * 201 + "}",
            "b.yaml:5: budgets[0].match.model: has a pattern of more than 200 characters",
        ),
        (
            "scope: user\n    limit_usd: 1\n    match: {model: [" + "x," * 101 + "]}",
            "b.yaml:5: budgets[0].match.model: must be at most 100 patterns, has 101",
        ),
        (
            "scope: user\n    limit_usd: 1\n    overrides: {x: 0}",
            (
                "b.yaml:5: budgets[0].overrides.x: must be > 0, got 0 "
                "(to switch a rule off, write enabled: false)"
            ),
        ),
        (
            "scope: user\n    limit_usd: 1\n    overrides: {x: }",
            "b.yaml:5: budgets[0].overrides.x: is missing (give it a limit)",
        ),
        (
            "scope: user\n    limit_usd: 1\n    overrides: [x]",
            "b.yaml:5: budgets[0].overrides: must be a map, got a list",
        ),
        (
            "scope: user\n    limit_usd: 1\n    limit_tokens: 1\n    overrides: {x: 1}",
            (
                "b.yaml:6: budgets[0].overrides: it is not clear which of the two "
                "limits they replace "
                "(make two rules, one with limit_usd and one with limit_tokens)"
            ),
        ),
        (
            "scope: total\n    limit_usd: 1\n    overrides: {x: 1}",
            (
                "b.yaml:5: budgets[0].overrides: a total has no ids whose limit could differ "
                "(remove overrides)"
            ),
        ),
        (
            "scope: user\n    limit_usd: 1\n    enabled: maybe",
            "b.yaml:5: budgets[0].enabled: must be true or false, got 'maybe'",
        ),
    ],
)
def test_mistake_in_a_rule_is_named_with_its_line_and_fix(rule, message):
    (problem,) = problems_of(f"budgets:\n  - name: a\n    {rule}\n")
    assert problem.startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "version: 2\n",
            "b.yaml:1: version: must be 1, got 2 (later versions need a later program)",
        ),
        ("bugdets: []\n", "b.yaml:1: bugdets: unknown key (did you mean budgets?)"),
        ("- a\n", "b.yaml:1: the file: must be a map, got a list"),
        (
            "budgets: {a: 1}\n",
            "b.yaml:1: budgets: must be a list, got a map (begin each item with a dash)",
        ),
        (
            "budgets:\n  - {}\n",
            "b.yaml:2: budgets[0]: is not a rule (give it a name, a scope and a limit)",
        ),
        (
            "budgets:\n  - {scope: user, limit_usd: 1}\n",
            "b.yaml:2: budgets[0].name: is missing (names appear on spans and in reports)",
        ),
        (
            'budgets:\n  - {name: "a,b", scope: user, limit_usd: 1}\n',
            (
                "b.yaml:2: budgets[0].name: must be at most 100 characters, without commas and "
                "control characters"
            ),
        ),
        (
            (
                "budgets:\n"
                "  - {name: a, scope: user, limit_usd: 1}\n"
                "  - {name: a, scope: org, limit_usd: 1}\n"
            ),
            "b.yaml:3: a: is the name of two budgets, first in line 2 (give each its own name)",
        ),
        (
            "timezone: Mars/Base\n",
            (
                "b.yaml:1: timezone: unknown time zone 'Mars/Base' "
                "(valid: names like UTC or Europe/Berlin)"
            ),
        ),
        (
            "timezone: Europe\n",
            "b.yaml:1: timezone: unknown time zone 'Europe' ",
        ),
        (
            "cost: {alerts: {dayly_limit: 1}}\n",
            "b.yaml:1: cost.alerts.dayly_limit: unknown key (did you mean daily_limit?)",
        ),
        (
            "cost:\n  notifications:\n    - {type: email, threshold: 120%}\n",
            (
                "b.yaml:3: cost.notifications[0].threshold: must be above 0 % and at most 100 %, "
                "got '120%' (write for example 80%)"
            ),
        ),
        (
            "cost:\n  notifications:\n    - {type: email, threshold: much}\n",
            (
                "b.yaml:3: cost.notifications[0].threshold: must be above 0 % and at most 100 %, "
                "got 'much' (write for example 80%)"
            ),
        ),
        (
            "cost:\n  notifications:\n    - {type: email}\n",
            "b.yaml:3: cost.notifications[0].threshold: is missing (write for example 80%)",
        ),
        ("budgets: [\n", "b.yaml:2: is not valid YAML:"),
    ],
)
def test_mistake_around_the_rules_is_named_with_its_line_and_fix(text, message):
    (problem,) = problems_of(text)
    assert problem.startswith(message)


def test_all_mistakes_are_reported_at_once():
    text = """
timezone: Nowhere
budgets:
  - {name: a, scope: usr, limit_usd: 1}
  - {name: b, scope: user, limit_usd: 0, window: day, colour: red}
"""
    lines = [problem.split(":")[1] for problem in problems_of(text)]
    assert lines == ["2", "4", "5", "5"]


def test_mistakes_within_one_rule_are_reported_at_once():
    """Guarantees: nobody has to correct a rule in several rounds."""
    rule = "{name: 'a,b', scope: trace, window: day, warn_at: 5, colour: red, timezone: Nowhere}"
    found = [problem.partition(": ")[2] for problem in problems_of(f"budgets: [{rule}]")]
    assert [each.partition(":")[0] for each in found] == [
        "budgets[0].name",
        "budgets[0].window",
        "budgets[0]",
        "budgets[0].warn_at",
        "budgets[0].timezone",
        "budgets[0].colour",
    ]


def test_every_override_that_is_wrong_is_reported():
    found = problems_of("budgets: [{name: a, scope: user, limit_usd: 1, overrides: {x: 0, y: z}}]")
    assert ["overrides.x" in found[0], "overrides.y" in found[1]] == [True, True]


def test_names_are_compared_even_where_another_rule_is_wrong():
    text = """
budgets:
  - {name: wrong, scope: usr, limit_usd: 1}
  - {name: a, scope: user, limit_usd: 1}
  - {name: a, scope: org, limit_usd: 1}
"""
    first, second = problems_of(text)
    assert "unknown scope" in first
    assert second.startswith("b.yaml:5: a: is the name of two budgets, first in line 4")


def test_two_rules_of_one_line_must_not_share_a_name():
    rule = "{name: a, scope: user, limit_usd: 1, limit_tokens: 1}"
    (problem,) = problems_of(f"budgets: [{rule}, {rule}]")
    assert "is the name of two budgets" in problem


def test_a_key_that_is_set_twice_to_the_same_is_a_warning():
    policy = parse_budgets("timezone: UTC\nbudgets: []\ntimezone: UTC\n", "b.yaml")
    assert policy.warnings == (
        "b.yaml:3: timezone: is set twice to the same value, first in line 1 (remove one of them)",
    )


THRESHOLDS = {
    "per_call_max": (1, ("per-call", "call", "none")),
    "per_session_max": (10, ("per-session", "session", "none")),
    "per_user_daily": (50, ("per-user-daily", "user", "day")),
    "org_daily": (1000, ("per-org-daily", "org", "day")),
    "daily_limit": (20, ("total-daily", "total", "day")),
    "weekly_limit": (60, ("total-weekly", "total", "week")),
    "monthly_limit": (200, ("total-monthly", "total", "month")),
}


@pytest.mark.parametrize(
    "text",
    [
        "{timezone: Asia/Tokyo, %s}",
        "{timezone: Asia/Tokyo, budgets: {%s}}",
        "{timezone: Asia/Tokyo, cost: {alerts: {%s}}}",
    ],
)
def test_limits_by_name_alone_stand_for_budgets(text):
    """Guarantees: at the left margin, in place of the rules, or under cost.alerts."""
    named = ", ".join(f"{key}: {usd}.00" for key, (usd, _) in THRESHOLDS.items())
    policy = parse_budgets(text % named, "b.yaml")
    assert {(each.name, each.scope, each.window): each.limit for each in policy.budgets} == {
        which: usd * 10**9 for usd, which in THRESHOLDS.values()
    }
    assert {each.calendar.zone for each in policy.budgets} == {ZoneInfo("Asia/Tokyo")}


def test_limits_by_name_and_rules_are_combined():
    text = "per_call_max: 1\nbudgets:\n  - {name: a, scope: org, limit_usd: 1}\n"
    assert [each.name for each in parse_budgets(text, "b.yaml").budgets] == ["a", "per-call"]


def test_the_names_of_limits_are_those_of_the_bundled_budgets():
    """Guarantees: a limit by name and a rule of the same meaning are not both in force."""
    text = "org_daily: 5\nbudgets:\n  - {name: per-org-daily, scope: org, limit_usd: 1}\n"
    (problem,) = problems_of(text)
    assert problem.startswith(
        "b.yaml:1: per-org-daily: is the name of two budgets, first in line 3"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("per_cal_max: 1\n", "1: per_cal_max: unknown key (did you mean per_call_max?)"),
        (
            "budgets:\n  per_call_max: 1\n  org_dayly: 1\n",
            "3: budgets.org_dayly: unknown key (did you mean org_daily?)",
        ),
        (
            "budgets:\n  org_daily: 0\n",
            "2: budgets.org_daily: must be > 0, got 0 (to switch a rule off, write enabled: false)",
        ),
        ("monthly_limit: lots\n", "1: monthly_limit: must be a number, got 'lots'"),
    ],
)
def test_a_mistake_in_a_limit_by_name_is_named_with_its_line_and_fix(text, message):
    assert problems_of(text) == [f"b.yaml:{message}"]


def test_short_form_stands_for_three_totals():
    text = """
timezone: Europe/Berlin
cost:
  alerts: {daily_limit: 10.00, weekly_limit: 50.00, monthly_limit: 200.00}
  notifications: [{type: email, threshold: 80%}, {type: slack, threshold: 100%}, {threshold: 0.5}]
"""
    policy = parse_budgets(text, "b.yaml", channels=[])
    assert [(each.name, each.window, each.limit) for each in policy.budgets] == [
        ("total-daily", "day", 10 * 10**9),
        ("total-weekly", "week", 50 * 10**9),
        ("total-monthly", "month", 200 * 10**9),
    ]
    assert {each.scope for each in policy.budgets} == {"total"}
    assert {each.warn_at for each in policy.budgets} == {(Decimal("0.5"), Decimal("0.8"))}
    assert {each.calendar.zone for each in policy.budgets} == {ZoneInfo("Europe/Berlin")}
    assert policy.warnings == (
        (
            "b.yaml:5: cost.notifications: only the thresholds count; nothing is sent by email, "
            "slack, as the settings have no such channel under notifications.channels"
        ),
    )


def test_short_form_limits_that_are_absent_make_no_budget():
    policy = parse_budgets("cost: {alerts: {weekly_limit: 5}}", "b.yaml")
    assert [each.name for each in policy.budgets] == ["total-weekly"]
    assert policy.warnings == ()


def test_short_form_and_rules_share_their_names():
    text = """
budgets: [{name: total-daily, scope: total, window: day, limit_usd: 1}]
cost: {alerts: {daily_limit: 5}}
"""
    (problem,) = problems_of(text)
    assert problem == (
        "b.yaml:3: total-daily: is the name of two budgets, first in line 2 "
        "(give each its own name)"
    )


@pytest.mark.parametrize(
    ("written", "window"),
    [
        ("rolling 7d", "rolling 7d"),
        ("Rolling  24h", "rolling 1d"),
        ("rolling 90m", "rolling 90m"),
        ("rolling 120m", "rolling 2h"),
        ("rolling 36h", "rolling 36h"),
    ],
)
def test_a_rolling_window_has_one_spelling(written, window):
    text = f"budgets:\n  - {{name: a, scope: user, window: {written}, limit_usd: 1}}\n"
    (budget,) = parse_budgets(text, "b.yaml").budgets
    assert budget.window == window


def test_a_rule_takes_the_reset_hour_of_the_file_unless_it_has_its_own():
    text = (
        "reset_hour: 6\nbudgets:\n"
        "  - {name: a, scope: user, window: day, limit_usd: 1}\n"
        "  - {name: b, scope: user, window: day, limit_usd: 1, reset_hour: 0}\n"
    )
    policy = parse_budgets(text, "b.yaml")
    first, second = policy.budgets
    assert (first.calendar.reset_hour, second.calendar.reset_hour) == (6, 0)
    assert policy.calendar.reset_hour == 0, "questions have days of the calendar"


CHANNELS = [
    DeclaredChannel("ops", "slack"),
    DeclaredChannel("finance", "email"),
    DeclaredChannel("quiet", "email", False),
]


def notified(text, channels=CHANNELS):
    policy = parse_budgets(text, "b.yaml", channels=channels)
    return [(dict(each.notify), list(map(float, each.warn_at))) for each in policy.budgets]


def test_a_rule_that_says_nothing_notifies_all_that_take_all():
    [found] = notified("budgets: [{name: a, scope: user, limit_usd: 1, warn_at: [0.5]}]")
    assert found == ({0.5: ("ops", "finance"), 1.0: ("ops", "finance")}, [0.5])


def test_a_rule_notifies_by_name_or_type_and_its_thresholds_are_warnings():
    text = (
        "budgets: [{name: a, scope: user, limit_usd: 1, warn_at: [0.5], notify: "
        "[{channel: ops, threshold: 80%}, {type: email, threshold: 0.8}, {channel: quiet}]}]"
    )
    [(notify, warn_at)] = notified(text)
    assert warn_at == [0.5, 0.8]
    assert notify == {0.8: ("ops", "finance", "quiet"), 0.5: ("quiet",), 1.0: ("quiet",)}


def test_a_rule_may_notify_nobody():
    [found] = notified("budgets: [{name: a, scope: user, limit_usd: 1, notify: []}]")
    assert found == ({}, [])


def test_the_short_form_notifies_by_type():
    text = (
        "cost: {alerts: {daily_limit: 10}, "
        "notifications: [{type: email, threshold: 80%}, {type: slack, threshold: 100%}]}"
    )
    [(notify, warn_at)] = notified(text)
    assert warn_at == [0.8]
    assert notify == {0.8: ("finance", "quiet"), 1.0: ("ops",)}
    assert parse_budgets(text, "b.yaml", channels=CHANNELS).warnings == ()


def test_thresholds_of_the_short_form_alone_leave_the_channels_as_they_are():
    text = "cost: {alerts: {daily_limit: 10}, notifications: [{threshold: 50%}]}"
    assert notified(text) == [({0.5: ("ops", "finance"), 1.0: ("ops", "finance")}, [0.5])]


EITHER = (
    "needs either a channel or a type of channels "
    "(write for example {channel: ops, threshold: 80%})"
)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            "{channel: opps}",
            "b.yaml:1: budgets[0].notify[0].channel: unknown channel 'opps' (did you mean ops?)",
        ),
        (
            "{threshold: 80%}",
            "b.yaml:1: budgets[0].notify[0]: " + EITHER,
        ),
        (
            "{channel: ops, type: slack}",
            "b.yaml:1: budgets[0].notify[0]: " + EITHER,
        ),
    ],
)
def test_a_mistake_in_notify_is_named_with_its_fix(item, message):
    text = f"budgets: [{{name: a, scope: user, limit_usd: 1, notify: [{item}]}}]"
    with pytest.raises(ConfigError) as refused:
        parse_budgets(text, "b.yaml", channels=CHANNELS)
    assert list(map(str, refused.value.problems)) == [message]


def test_where_channels_are_not_known_nothing_is_said_about_them():
    """Guarantees: commands that only read budgets need no settings of channels."""
    text = (
        "budgets: [{name: a, scope: user, limit_usd: 1, notify: [{channel: any, threshold: 80%}]}]"
    )
    policy = parse_budgets(text, "b.yaml")
    assert policy.warnings == ()
    assert policy.budgets[0].warn_at == (Decimal("0.8"),)


def test_a_type_without_a_channel_is_named():
    text = "budgets:\n- {name: a, scope: user, limit_usd: 1, notify: [{type: pager}]}"
    [warning] = parse_budgets(text, "b.yaml", channels=CHANNELS).warnings
    assert warning.startswith("b.yaml:2: budgets[0].notify: only the thresholds count; nothing is")
