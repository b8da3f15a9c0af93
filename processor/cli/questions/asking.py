"""What a command asks with: the processor that runs, or the ledger's file."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processor.cli.choice import Answer, Candidates, NoAnswerError, choose
from processor.cli.flags import ENDPOINT_FLAG
from processor.cli.questions.address import api_address
from processor.cli.questions.naming import by_flags
from processor.cli.questions.protocol import Questions
from processor.cli.questions.remote import Remote
from processor.cli.sources import settings_from
from processor.config import Settings
from processor.core.pricing import Catalog


@contextmanager
def open_questions(
    arguments: argparse.Namespace, other_prices: Catalog | None = None
) -> Iterator[Answer[Questions]]:
    """Open what the arguments mean, by the same rules for all commands (`choice.choose`).

    Other prices than those in force are used by a command that reads the ledger's file itself, also
    while a processor has it open. Within it, what is wrong with a question is a ConfigError that
    names the flags. Raises ConfigError, NoAnswerError, RefusedError.
    """
    settings = settings_from(arguments)
    if other_prices is not None:
        yield from _read_with(settings, other_prices)
        return
    there = api_address(arguments, settings)

    def processor() -> Questions:
        if there is None:
            raise NoAnswerError("the settings have no processor answer over HTTP")
        return Remote(there)

    def ledger() -> Questions:
        from processor.cli.questions.local import Local  # noqa: PLC0415 - brings the whole ledger

        return Local(settings)

    is_named = bool(arguments.endpoint)
    candidates = Candidates[Questions](str(there or ""), ENDPOINT_FLAG, is_named, processor, ledger)
    answer = choose(settings, arguments, candidates)
    try:
        with by_flags():
            yield answer
    finally:
        answer.value.close()


def _read_with(settings: Settings, other_prices: Catalog) -> Iterator[Answer[Questions]]:
    from processor.cli.questions.local import Local  # noqa: PLC0415 - brings the whole ledger

    path = Path(settings.ledger.path)
    if not path.exists():
        fix = "name its folder with --data-dir"
        raise NoAnswerError(f"there is no ledger at {path} ({fix})")
    local = Local(settings, other_prices)
    try:
        with by_flags():
            yield Answer(local, f"read from the ledger at {path}")
    finally:
        local.close()
