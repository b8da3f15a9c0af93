"""From when on what is kept."""

from __future__ import annotations

from typing import Final, NamedTuple

import apsw

from processor.core.budgets.zones import ReportingZones

_HOUR_S: Final = 3600


class Ages(NamedTuple):
    """How long things are kept, in seconds; 0 for ever."""

    calls_s: int = 0
    keys_s: int = 0
    """Beyond `calls_s`."""
    traces_s: int = 0
    hours_s: int = 0


KEEPS_ALL: Final = Ages()


class KeptFrom(NamedTuple):
    """From which moment on things are kept whole, in epoch seconds by their ends; 0 for all.

    The fields are the names in the table ``kept_from``.
    """

    calls: int = 0
    keys: int = 0
    traces: int = 0
    hours: int = 0
    folded: int = 0
    """Totals of before are added up by day, which begins once `hours` has moved."""
    shared: int = 0
    """Of before nothing is kept that no row uses any more, such as names of sessions."""

    def shown(self) -> dict[str, int]:
        """Those that concern anybody else."""
        hidden = {"folded", "shared"}
        return {what: time_s for what, time_s in self._asdict().items() if what not in hidden}


def read_kept_from(database: apsw.Connection) -> KeptFrom:
    """What a ledger says of it."""
    found = dict(database.execute("SELECT what, time_s FROM kept_from"))
    return KeptFrom(**{what: int(str(found.get(what, 0))) for what in KeptFrom._fields})


def marks_at(now_s: int, ages: Ages, zones: ReportingZones, quarter_hours_s: int = 0) -> KeptFrom:
    """From when on things are to be kept at a moment: whole hours, and whole days for `hours`.

    So no sum by hour or quarter hour has calls of which some are kept and some are not to be.
    Budgets need the last `quarter_hours_s` of these.
    """
    calls = _whole_hours(now_s - ages.calls_s) if ages.calls_s else 0
    keys = _whole_hours(calls - ages.keys_s) if calls and ages.keys_s else 0
    traces = min(_whole_hours(now_s - ages.traces_s), keys) if keys and ages.traces_s else 0
    # Calls of a time are found by its hours, so these stay as long.
    hours_s = max(ages.hours_s, quarter_hours_s)
    oldest_s = min(now_s - hours_s, calls) if ages.hours_s else 0
    hours = zones.day_of(oldest_s)[0] if oldest_s > 0 else 0
    return KeptFrom(calls, keys, traces, max(hours, 0))


def _whole_hours(time_s: int) -> int:
    return max(time_s // _HOUR_S * _HOUR_S, 0)
