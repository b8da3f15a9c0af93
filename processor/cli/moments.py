"""Points in time as arguments give them: a date, a date and time, or how long ago."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta, timezone, tzinfo
from typing import Final

from processor.core.errors import ConfigError, Problem
from processor.core.model import NS_PER_S
from processor.core.questions import moment_ns

AGO: Final = re.compile(r"([0-9]{1,6})([mhdw])", re.ASCII)
"""How long ago: a number and its unit."""
_UNITS_S = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_FARTHEST: Final = timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))
"""The time zones in which a day begins first and last."""
NO_SPAN: Final = (0, 0)


def check_moments(arguments: argparse.Namespace, now_ns: int) -> None:
    """Raises ConfigError where ``--since`` and ``--until`` make no sense in any time zone.

    Which moments they are is said by the zone of whoever answers.
    """
    errors = []
    for zone in _FARTHEST:
        try:
            read_span(arguments, now_ns, zone, NO_SPAN)
        except ConfigError as error:
            errors.append(error)
    if len(errors) == len(_FARTHEST):
        raise errors[0]


def read_span(
    arguments: argparse.Namespace, now_ns: int, zone: tzinfo, nothing: tuple[int, int]
) -> tuple[int, int]:
    """From ``--since`` to ``--until`` in nanoseconds; of `nothing` what stands for one not given.

    Raises ConfigError.
    """
    start_ns, end_ns = nothing
    if arguments.since:
        start_ns = read_moment("--since", arguments.since, now_ns, zone)
    if arguments.until:
        end_ns = read_moment("--until", arguments.until, now_ns, zone)
        if end_ns <= start_ns:
            raise ConfigError([Problem("--until", "is not after --since")])
    return start_ns, end_ns


def read_moment(flag: str, text: str, now_ns: int, zone: tzinfo) -> int:
    """Nanoseconds since the Unix epoch for ``2026-11-01``, ``2026-11-01T08:00+01:00`` or ``7d``.

    A date without an offset is in the time zone `zone`; ``7d`` is seven times 24 hours ago. Raises
    ConfigError, naming `flag`.
    """
    ago = AGO.fullmatch(text.strip())
    if ago:
        time_ns = now_ns - int(ago[1]) * _UNITS_S[ago[2]] * NS_PER_S
        if time_ns < 0:
            raise ConfigError([Problem(flag, f"{text[:40]!r} is before 1970")])
        return time_ns
    try:
        return moment_ns(text, zone)
    except ValueError as error:
        fix = "write 2026-11-01, 2026-11-01T08:00, 7d or 12h"
        raise ConfigError([Problem(flag, f"{text[:40]!r} {error}", fix)]) from error
