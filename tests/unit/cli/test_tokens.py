"""Which token a command shows to the processor that its settings describe."""

from __future__ import annotations

import pytest

from processor.cli.tokens import token_for, token_of_environment
from processor.config import load_settings
from processor.core.errors import ConfigError

SENDER, READER, ADMIN = (f"{role}-token-of-some-length" for role in ("sender", "reader", "admin"))
AUTH = f"receivers: {{otlp: {{protocols: {{grpc: {{auth: {{bearer_tokens: [{SENDER}]}}}}}}}}}}\n"


def settings_of(tmp_path, text):
    path = tmp_path / "processor.yaml"
    path.write_text(text)
    return load_settings(path, {}, {})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", {"ask": "", "change": "", "health": ""}),
        (AUTH, {"ask": "", "change": SENDER, "health": SENDER}),
        (
            f"{AUTH}api: {{read_tokens: [{READER}]}}\n",
            {"ask": READER, "change": SENDER, "health": SENDER},
        ),
        (
            f"{AUTH}api: {{read_tokens: [{READER}], admin_tokens: [{ADMIN}]}}\n",
            {"ask": READER, "change": ADMIN, "health": SENDER},
        ),
        (
            f"api: {{admin_tokens: [{ADMIN}]}}\n",
            {"ask": ADMIN, "change": ADMIN, "health": ADMIN},
        ),
    ],
)
def test_the_least_token_that_allows_it_is_shown(tmp_path, monkeypatch, text, shown):
    """Guarantees: a sender's token is shown to no other port than that of senders."""
    monkeypatch.delenv("LLM_COST_TOKEN", raising=False)
    settings = settings_of(tmp_path, text)
    assert {each: token_for(settings, each) for each in shown} == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (SENDER, {"ask": READER, "change": SENDER, "health": SENDER}),
        (READER, {"ask": READER, "change": SENDER, "health": READER}),
        ("another", {"ask": "another", "change": "another", "health": "another"}),
    ],
)
def test_the_token_of_the_environment_comes_first_unless_it_is_for_something_else(
    tmp_path, monkeypatch, given, shown
):
    """Guarantees: beside a processor whose readers have the variable, a reprice works as well."""
    monkeypatch.setenv("LLM_COST_TOKEN", given)
    settings = settings_of(tmp_path, f"{AUTH}api: {{read_tokens: [{READER}]}}\n")
    assert {each: token_for(settings, each) for each in shown} == shown


def test_files_of_tokens_are_read_only_where_they_are_needed(tmp_path, monkeypatch):
    monkeypatch.delenv("LLM_COST_TOKEN", raising=False)
    (tmp_path / "readers").write_text(f"{READER}\n")
    missing, readers = tmp_path / "missing", tmp_path / "readers"
    settings = settings_of(
        tmp_path, f"api: {{read_token_file: {readers}, admin_token_file: {missing}}}\n"
    )
    assert token_for(settings, "ask") == READER
    with pytest.raises(ConfigError, match="missing"):
        token_for(settings, "change")


def test_the_environment_has_a_token_that_a_header_can_carry(monkeypatch):
    monkeypatch.setenv("LLM_COST_TOKEN", f" {READER}\n")
    assert token_of_environment() == READER
    monkeypatch.setenv("LLM_COST_TOKEN", "schl\u00fcssel-of-some-length")
    with pytest.raises(ConfigError, match="LLM_COST_TOKEN: has characters"):
        token_of_environment()
