"""Whom a command asks: the processor that runs, or the ledger's file; the same for all commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from processor.config import Settings
from processor.core.errors import LedgerInUseError, ProcessorError
from processor.surfaces.terminal.paint import plain

T = TypeVar("T")


class NoAnswerError(ProcessorError):
    """No processor answers at an address: nothing does, or another program."""


class RefusedError(ProcessorError):
    """The processor has answered, and refused."""


class ClosedError(RefusedError):
    """The processor answers nobody, or nobody without a token that it knows."""


class Answer(NamedTuple, Generic[T]):
    """What a question gave, and who has answered it."""

    value: T
    source: str
    """In words for people: a running processor has answered, or a ledger's file was read."""
    warnings: tuple[str, ...] = ()
    """What else might have been meant."""

    def warn(self) -> None:
        """Print the warnings on stderr, beside whatever the command prints."""
        for warning in self.warnings:
            print(f"llm-cost: {plain(warning)}", file=sys.stderr)


class Ways(NamedTuple, Generic[T]):
    """The two ways to an answer."""

    address: str
    """Of the processor, as people write it; empty where the settings have it listen nowhere."""
    ask_processor: Callable[[], T]
    """Raises NoAnswerError where none answers."""
    read_ledger: Callable[[], T]
    """Raises LedgerInUseError where that is not possible beside a processor."""


def choose(settings: Settings, arguments: argparse.Namespace, ways: Ways[T]) -> Answer[T]:
    """Ask the processor or the ledger that the arguments mean.

    That is the processor at ``--endpoint``; else the ledger in ``--data-dir``, and where that is
    open, the processor where the settings say that it listens, with a warning; without both that
    processor, and only where none answers, or it answers nobody, the ledger's file. Raises
    ConfigError, NoAnswerError, RefusedError.
    """
    if arguments.endpoint:
        return _ask_processor(settings, arguments, ways)
    path = Path(settings.ledger.path)
    if arguments.data_dir and not path.exists():
        fix = "name its folder with --data-dir, or its processor with --endpoint"
        raise NoAnswerError(f"there is no ledger at {path} ({fix})")
    if arguments.data_dir and not _is_in_use(path):
        return _read_ledger(path, ways)
    try:
        return _ask_processor(settings, arguments, ways)
    except ClosedError as error:
        if not path.exists():
            raise
        warning = f"{error}; the ledger's file was read instead"
        return _read_ledger(path, ways)._replace(warnings=(warning,))
    except NoAnswerError as error:
        why, other = f"there is no ledger at {path}", "the ledger's folder with --data-dir"
        whose = "start one with llm-cost serve, or name its address"
        if path.exists():
            try:
                return _read_ledger(path, ways)
            except LedgerInUseError:
                whose = "name the processor's address"
                why = f"a running processor has the ledger at {path} open"
                other = "its settings with --config"
        fix = f"{whose} with --endpoint, or {other}"
        where = f" at {ways.address}" if ways.address else ""
        raise NoAnswerError(f"{why}, and no processor answers{where} ({fix})") from error


def _ask_processor(settings: Settings, arguments: argparse.Namespace, ways: Ways[T]) -> Answer[T]:
    value = ways.ask_processor()
    warnings = []
    path = Path(settings.ledger.path)
    if not arguments.endpoint and path.exists() and not _is_in_use(path):
        warnings.append(
            f"the ledger at {path}, which no processor has open, is another one and was not read; "
            "to read it, name its folder with --data-dir"
        )
    if not arguments.endpoint and arguments.data_dir:
        warnings.append(
            f"the ledger at {path} is open; asked was the processor where the settings say, which "
            "may have another one: to be sure, name its processor with --endpoint"
        )
    if arguments.pricing:
        warnings.append(
            "--pricing has no effect here: a running processor uses the prices it has in force"
        )
    return Answer(value, f"answered by the processor at {ways.address}", tuple(warnings))


def _read_ledger(path: Path, ways: Ways[T]) -> Answer[T]:
    whose = "which a processor has open" if _is_in_use(path) else "which no processor has open"
    return Answer(ways.read_ledger(), f"read from the ledger at {path}, {whose}")


def _is_in_use(path: Path) -> bool:
    """Whether a processor has the ledger at `path` open."""
    from processor.io.ledger import is_in_use  # noqa: PLC0415 - only where there may be a ledger

    return is_in_use(path)
