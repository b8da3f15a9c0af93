"""Reading the times at which prices are multiplied: days, hours and their time zone."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from processor.core.files.document import Path
from processor.core.pricing.reading import Reader
from processor.core.pricing.shapes import Surcharge, Window

_KEYS = frozenset({"days", "from", "to", "tz", "multiplier"})
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def read_schedule(reader: Reader, value: object, path: Path) -> tuple[Surcharge, ...]:
    """Read one `schedule` list: when prices are multiplied, and with what."""
    found: list[Surcharge] = []
    for i, item in enumerate(reader.items(value, path)):
        here = (*path, i)
        raw = reader.mapping(item, here, _KEYS)
        days = _days(reader, raw.get("days"), (*here, "days"))
        start = _minute(reader, raw.get("from", "00:00"), (*here, "from"))
        end = _minute(reader, raw.get("to", "24:00"), (*here, "to"))
        zone = _zone(reader, raw.get("tz"), (*here, "tz"))
        if "multiplier" not in raw:
            reader.wrong(here, "has no multiplier", "write `multiplier: 2`")
        multiplier = reader.multiplier(raw.get("multiplier", 1), (*here, "multiplier"))
        found.append(Surcharge(Window(days, start, end, zone), multiplier))
    return tuple(found)


def _days(reader: Reader, value: object, path: Path) -> frozenset[int]:
    if value is None:
        return frozenset(range(7))
    names = reader.texts(value, path)
    for name in names:
        if name[:3] not in _DAYS:
            reader.wrong(path, f"{name} is not a day", f"known are {', '.join(_DAYS)}")
    return frozenset(_DAYS.index(name[:3]) for name in names if name[:3] in _DAYS)


def _minute(reader: Reader, value: object, path: Path) -> int:
    hour, colon, minute = str(value).partition(":")
    if colon and hour.isdecimal() and minute.isdecimal():
        total = int(hour) * 60 + int(minute)
        if int(minute) < 60 and total <= 24 * 60:
            return total
    reader.wrong(path, "is not a time of day", 'write it in quotes: "16:30"')
    return 0


def _zone(reader: Reader, value: object, path: Path) -> ZoneInfo | None:
    if value in (None, "UTC"):
        return None
    try:
        return ZoneInfo(str(value))
    except (ValueError, OSError, KeyError):
        reader.wrong(path, "is not a known time zone", "write it like Asia/Shanghai")
        return None
