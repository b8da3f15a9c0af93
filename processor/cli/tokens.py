"""The token that a command shows: of the environment, else of the processor's own settings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

from processor.config import Settings, read_text
from processor.config.receivers import read_tokens
from processor.core.errors import ConfigError, Problem

TOKEN_VARIABLE: Final = "LLM_COST_TOKEN"  # noqa: S105 - the name of a variable, not a token
"""The environment variable with the token, for a processor that requires one."""

Purpose = Literal["ask", "change", "health"]
"""What a token is shown for: questions over HTTP; over gRPC to change the ledger, or the health."""

_Place = tuple[tuple[str, ...], str]
"""Tokens that stand in the settings, and the file with further ones."""


def check_token_text(token: str) -> None:
    """Raise ConfigError for a token that no header can carry."""
    if not (token.isascii() and token.isprintable()):
        what = "has characters that no header can carry"
        raise ConfigError([Problem(TOKEN_VARIABLE, what, "set it to the token alone")])


def token_of_environment() -> str:
    """The token of the environment; ``""`` without one. Raises ConfigError."""
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    check_token_text(token)
    return token


def token_for(settings: Settings, purpose: Purpose) -> str:
    """A token for the processor that has these settings; ``""`` without any.

    That of the environment, unless it stands in the settings for something else. Files are read
    only where no other token is there. Raises ConfigError.
    """
    api, auth = settings.api, settings.receivers.otlp.protocols.grpc.auth
    readers: _Place = api.read_tokens, api.read_token_file
    admins: _Place = api.admin_tokens, api.admin_token_file
    senders: _Place = auth.bearer_tokens, auth.bearer_token_file
    places = {
        "ask": (readers, admins),
        # Who is on the machine may change without one of administrators, as senders may.
        "change": (admins, senders),
        "health": (senders, readers, admins),
    }[purpose]
    given = token_of_environment()
    if given and (_stands_in(given, places) or not _stands_in(given, (readers, admins, senders))):
        return given
    return next(_tokens(places), given)


def _stands_in(token: str, places: Sequence[_Place]) -> bool:
    return any(token in tokens for tokens, _ in places)


def _tokens(places: Sequence[_Place]) -> Iterator[str]:
    for given, file in places:
        yield from given
        if file:
            yield from read_tokens(read_text(Path(file)), file)
