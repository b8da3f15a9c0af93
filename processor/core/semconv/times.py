"""When a call ended, from clocks that cannot all be trusted.

OTLP's times are nanoseconds since the Unix epoch. Some senders write seconds, milliseconds or
microseconds into the same fields, some nothing, and some clocks are wrong.
"""

from __future__ import annotations

from typing import NamedTuple

EARLIEST_NS = 1_420_070_400 * 10**9
"""2015-01-01 in UTC. No call that is traced ended before."""
AHEAD_MAX_NS = 3600 * 10**9
"""How far after its receipt a span may claim to end; beyond, its clock is not believed."""

_SCALES = (10**9, 10**6, 10**3)
"""Nanoseconds in a second, a millisecond and a microsecond. Of these at most one can make a time
plausible: they are a thousand apart, and 2015 and the year 3000 are not."""


class Times(NamedTuple):
    """When a span started and ended, as far as that can be believed."""

    start_ns: int
    """0 where the start cannot be trusted."""
    end_ns: int
    """The time of receipt where the end cannot be trusted."""
    is_assumed: bool = False
    """True where the end is the time of receipt."""
    is_rescaled: bool = False
    """True where the end was written in a larger unit than nanoseconds."""


def read_times(start_ns: int, end_ns: int, received_ns: int) -> Times:
    """Read the times of a span that was received at `received_ns`.

    An end from 2015 to an hour after the receipt stands; one that falls there when it is read as
    seconds, milliseconds or microseconds is rescaled. Any other, and one before its start, is
    assumed to be the receipt.
    """
    end = read_time(end_ns, received_ns)
    start = read_time(start_ns, received_ns)
    if not end or start > end:
        return Times(0, received_ns, is_assumed=True)
    return Times(start, end, is_rescaled=end != end_ns)


def read_time(time_ns: int, received_ns: int) -> int:
    """A time in nanoseconds, rescaled where it was written in a larger unit; 0 if implausible."""
    latest_ns = received_ns + AHEAD_MAX_NS
    # Where our own clock stands before 2015, nothing speaks against what stands before it.
    earliest_ns = EARLIEST_NS if received_ns >= EARLIEST_NS else 1
    if earliest_ns <= time_ns <= latest_ns:
        return time_ns
    for scale in _SCALES:
        if earliest_ns <= time_ns * scale <= latest_ns:
            return time_ns * scale
    return 0
