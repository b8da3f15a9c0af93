"""From flags to the parameters of a question."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from processor.cli.moments import AGO, read_moment
from processor.core.errors import ConfigError, Problem
from processor.core.model import NS_PER_S


def time_asked(arguments: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """The parameters of a time. Raises ConfigError."""
    period = period_asked(arguments)
    if period:
        yield "window", period
    for flag, name in (("since", "starting_at"), ("until", "ending_at")):
        text = getattr(arguments, flag)
        if text:
            yield name, moment_asked(f"--{flag}", text)


def period_asked(arguments: argparse.Namespace) -> str:
    """The name of a time; ``""`` where it has a start or an end. Raises ConfigError for both."""
    is_range = bool(arguments.since or arguments.until)
    if arguments.period and is_range:
        fix = "give one of them"
        raise ConfigError([Problem("--period", "cannot be used with --since or --until", fix)])
    period: str = arguments.period or ("" if is_range else arguments.default_period)
    return period


def filters_asked(filters: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The parameters of ``team=search`` and the like. Raises ConfigError."""
    return ((f"filter[{name}]", values) for name, values in dimensions_asked(filters))


def dimensions_asked(filters: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Dimensions and their values, from ``team=search`` and the like. Raises ConfigError."""
    for text in filters:
        name, equals, values = text.partition("=")
        if not (equals and name.strip()):
            fix = "write NAME=VALUE, such as --filter team=search"
            raise ConfigError([Problem("--filter", f"{text[:40]!r} has no value", fix)])
        yield name.strip(), values


def moment_asked(flag: str, text: str) -> str:
    """A length ago as a moment; a date is read by whoever answers, in the zone of the question."""
    if not AGO.fullmatch(text.strip()):
        return text
    moment_s = read_moment(flag, text, time.time_ns(), UTC) // NS_PER_S
    return datetime.fromtimestamp(moment_s, UTC).isoformat()
