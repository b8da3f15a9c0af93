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


class Candidates(NamedTuple, Generic[T]):
    """Who may answer: a processor, and a ledger's file."""

    address: str
    """Of the processor, as people write it; empty where the settings have it listen nowhere."""
    flag: str
    """The flag that names its address."""
    is_named: bool
    """Whether that flag was given."""
    ask_processor: Callable[[], T]
    """Raises NoAnswerError where none answers."""
    read_ledger: Callable[[], T]
    """Raises LedgerInUseError where that is not possible beside a processor."""


def choose(
    settings: Settings, arguments: argparse.Namespace, candidates: Candidates[T]
) -> Answer[T]:
    """Ask the processor or the ledger that the arguments mean.

    That is the processor that a flag names; else the ledger in ``--data-dir``, and where that is
    open, the processor where the settings say that it listens, with a warning; without both that
    processor, and only where none answers, or it answers nobody, the ledger's file. Raises
    ConfigError, NoAnswerError, RefusedError.
    """
    flag = candidates.flag
    if candidates.is_named:
        return _ask_processor(settings, arguments, candidates)
    path = Path(settings.ledger.path)
    if arguments.data_dir and not path.exists():
        fix = f"name its folder with --data-dir, or its processor with {flag}"
        raise NoAnswerError(f"there is no ledger at {path} ({fix})")
    if arguments.data_dir and not _is_in_use(path):
        return _read_ledger(path, candidates)
    try:
        return _ask_processor(settings, arguments, candidates)
    except ClosedError as error:
        if not path.exists():
            raise
        warning = f"{error}; the ledger's file was read instead"
        return _read_ledger(path, candidates)._replace(warnings=(warning,))
    except NoAnswerError as error:
        why, other = f"there is no ledger at {path}", "the ledger's folder with --data-dir"
        whose = "start one with llm-cost serve, or name its address"
        if path.exists():
            try:
                return _read_ledger(path, candidates)
            except LedgerInUseError:
                whose = "name the processor's address"
                why = f"a running processor has the ledger at {path} open"
                other = "its settings with --config"
        fix = f"{whose} with {flag}, or {other}"
        where = f" at {candidates.address}" if candidates.address else ""
        raise NoAnswerError(f"{why}, and no processor answers{where} ({fix})") from error


def _ask_processor(
    settings: Settings, arguments: argparse.Namespace, candidates: Candidates[T]
) -> Answer[T]:
    value = candidates.ask_processor()
    warnings = []
    path = Path(settings.ledger.path)
    if not candidates.is_named and path.exists() and not _is_in_use(path):
        warnings.append(
            f"the ledger at {path}, which no processor has open, is another one and was not read; "
            "to read it, name its folder with --data-dir"
        )
    if not candidates.is_named and arguments.data_dir:
        warnings.append(
            f"the ledger at {path} is open; asked was the processor where the settings say, which "
            f"may have another one: to be sure, name its processor with {candidates.flag}"
        )
    if arguments.pricing:
        warnings.append(
            "--pricing has no effect here: a running processor uses the prices it has in force"
        )
    return Answer(value, f"answered by the processor at {candidates.address}", tuple(warnings))


def _read_ledger(path: Path, candidates: Candidates[T]) -> Answer[T]:
    whose = "which a processor has open" if _is_in_use(path) else "which no processor has open"
    return Answer(candidates.read_ledger(), f"read from the ledger at {path}, {whose}")


def _is_in_use(path: Path) -> bool:
    """Whether a processor has the ledger at `path` open."""
    from processor.io.ledger import is_in_use  # noqa: PLC0415 - only where there may be a ledger

    return is_in_use(path)
