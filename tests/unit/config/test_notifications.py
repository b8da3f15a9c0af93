"""The settings of channels: what they take, what is wrong with them, and that secrets stay so."""

from __future__ import annotations

import base64

import pytest

from processor.app.channels import channel_lines, secrets_of
from processor.config import load_settings
from processor.config.channels import KINDS
from processor.core.budgets import Policy
from processor.core.errors import ConfigError
from processor.core.files.validation import keys_of

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
GOOD = f"""
notifications:
  channels:
    ops: {{type: slack, url: "https://hooks.example.com/services/T0/SECRET-PATH"}}
    hook: {{type: webhook, url: "${{env:HOOK}}", secret: {SECRET}, budgets: named, timeout: 3s}}
    finance:
      type: email
      host: mail.example.com
      username: costs
      password: PASS-WORD
      from: costs@example.com
      to: finance@example.com
"""
SECRETS = ("SECRET-PATH", "HOOK-PATH", SECRET, "PASS-WORD")


def load(tmp_path, text, **environ):
    path = tmp_path / "s.yaml"
    path.write_text(text)
    return load_settings(path, {}, {"HOOK": "https://example.com/HOOK-PATH"} | environ)


def problems_of(tmp_path, text, **environ):
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text, **environ)
    return [str(each).replace(str(tmp_path), "") for each in refused.value.problems]


def test_channels_are_read_and_no_text_of_them_has_a_secret(tmp_path):
    settings = load(tmp_path, GOOD)
    channels = settings.notifications.channels
    assert [each.type for each in channels.values()] == ["slack", "webhook", "email"]
    assert (channels["finance"].used_port, channels["finance"].to) == (
        587,
        ("finance@example.com",),
    )
    assert [each.takes_all for each in settings.notifications.budget_channels] == [
        True, False, True,
    ]  # fmt: skip
    shown = repr(settings) + "".join(channel_lines(settings.notifications, Policy()))
    assert not [secret for secret in SECRETS if secret in shown]
    assert [read() for read in secrets_of(settings.notifications)] == [
        "https://hooks.example.com/services/T0/SECRET-PATH",
        "https://example.com/HOOK-PATH",
        SECRET,
        "PASS-WORD",
    ]


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        (
            "{type: pager}",
            "ops.type: unknown type of channel 'pager' (valid: webhook, slack",
        ),
        ("{url: x}", "ops: has no type (write ops: {type: slack, url: …}; types: webhook, slack,"),
        ("{type: slack}", "ops: has no url (set url or url_file)"),
        ("{type: slack, url: 'hooks.example.com'}", "ops.url: must begin with https://"),
        (
            "{type: slack, url: 'https://a:b@example.com'}",
            "ops.url: the value from the environment is not an address that can be used",
        ),
        (
            "{type: webhook, url: 'https://e.com', secret: abc}",
            "ops.secret: is no secret of",
        ),
        (
            "{type: webhook, url: 'https://e.com', url_file: /f}",
            "ops: has url and url_file (leave one of them out)",
        ),
        ("{type: email, to: a@b.c}", "ops: has no from (write from: ada@example.com)"),
        (
            "{type: email, from: a@b.c, to: ['x@y.z\\nBcc: q@r.s']}",
            "ops.to: has 'x@y.z\\\\nBcc: q@r.s', which is no address",
        ),
        (
            (
                "{type: email, from: a@b.c, to: a@b.c, username: u, password: p, "
                "security: none, host: e}"
            ),
            "ops.security: would send the password without encryption",
        ),
        ("{type: email, hots: e, from: a@b.c, to: a@b.c}", "ops.hots: unknown key (did you mean"),
        (
            "{type: slack, url: 'https://e.com', urll: 1}",
            "ops.urll: unknown key (did you mean",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_and_shows_no_secret(tmp_path, channel, message):
    text = "notifications:\n  channels:\n    ops: " + channel.replace("\\\\n", "\\n")
    [problem] = problems_of(tmp_path, text)
    assert problem.startswith("/s.yaml:3: notifications.channels.")
    assert message.replace("\\\\n", "\\n") in problem or message in problem
    assert "a:b@" not in problem


def test_a_secret_in_a_file_is_read_and_one_that_is_wrong_is_named_without_it(tmp_path):
    file = tmp_path / "url"
    text = f"notifications: {{channels: {{ops: {{type: slack, url_file: {file}}}}}}}"
    settings = load(tmp_path, text)
    [read] = secrets_of(settings.notifications)
    with pytest.raises(ConfigError, match="cannot be read"):
        read()
    file.write_text("https://hooks.example.com/X\n")
    assert read() == "https://hooks.example.com/X"
    file.write_text("very-secret")
    with pytest.raises(ConfigError) as refused:
        read()
    assert "ops.url_file" in str(refused.value)
    assert "very-secret" not in str(refused.value)


def test_what_deserves_a_look_is_a_warning(tmp_path):
    text = "notifications: {channels: {hook: {type: webhook, url: 'http://example.com/x'}}}"
    warnings = load(tmp_path, text).warnings
    assert any("without a secret" in each for each in warnings)
    assert any("plain HTTP" in each for each in warnings)


def test_every_setting_of_a_channel_has_a_sentence():
    for kind in KINDS.values():
        for key, field in keys_of(kind).items():
            assert key == "type" or (field.description or "").endswith("."), key


def test_reports_are_read_and_mistakes_in_them_are_named(tmp_path):
    channels = "channels: {ops: {type: slack, url: 'https://example.com'}}"
    good = (
        f"notifications: {{{channels}, reports: [{{every: week, at: '09:30', channels: [ops]}}]}}"
    )
    [report] = load(tmp_path, good).notifications.reports
    assert (report.every, report.at_s, report.channels) == ("week", 9 * 3600 + 1800, ("ops",))
    for wrong, message in (
        ("{every: year, channels: [ops]}", "unknown period 'year' (valid: day, week, month)"),
        (
            "{every: day, at: 8, channels: [ops]}",
            'must be a time, got 8 (write "08:00", in quotes)',
        ),
        ("{every: day, channels: [opps]}", "unknown channel 'opps' (did you mean ops?)"),
        ("{every: day}", "is missing (the names of channels, such as [finance])"),
    ):
        text = f"notifications:\n  {channels}\n  reports: [{wrong}]"
        [problem] = problems_of(tmp_path, text)
        assert message in problem, problem
