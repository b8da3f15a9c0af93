"""How amounts, times and names stand in documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from processor.core.model import NS_PER_S
from processor.core.questions import TIME_END_S
from processor.surfaces.queries import AsOf

_DIGITS: Final = 6
_NS_PER_MS: Final = 10**6

Usd = Annotated[
    str,
    Field(
        pattern=r"^-?[0-9]+\.[0-9]{9}$",
        description="US dollars as an exact decimal number with nine decimals.",
        examples=["12.345678901"],
    ),
]
Moment = Annotated[
    str,
    Field(
        description="RFC 3339, with the offset of the time zone asked for.",
        json_schema_extra={"format": "date-time"},
        examples=["2026-11-30T00:00:00+01:00"],
    ),
]
Share = Annotated[float, Field(description="A share or ratio, rounded to six decimals.")]
TraceId = Annotated[str, Field(description="32 hex digits.", examples=["0" * 31 + "1"])]
SpanId = Annotated[str, Field(description="16 hex digits.", examples=["0" * 15 + "1"])]


class Document(BaseModel):
    """An answer, or a part of one. What is not known is null, never zero."""

    # Built when it is first used: a command needs one of them.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class AsOfDocument(Document):
    """Which moment an answer is of."""

    read_at: Moment | None = Field(
        description="When the ledger was read: all that was acknowledged by then is in the answer."
    )
    last_call_at: Moment | None = Field(
        description="When the latest call ended; null for an empty ledger."
    )
    version: str = Field(description="Another one after every change of what the ledger answers.")

    @classmethod
    def from_answer(cls, as_of: AsOf, zone: ZoneInfo) -> AsOfDocument:
        """The moment of an answer."""
        return cls(
            read_at=known_moment_ns(as_of.read_ns, zone),
            last_call_at=moment(as_of.last_charge_s, zone),
            version=as_of.version,
        )


class Answer(Document):
    """A whole answer."""

    as_of: AsOfDocument


def moment(time_s: int, zone: ZoneInfo) -> str | None:
    """A moment in epoch seconds; None for the beginning and the end of all time."""
    if not 0 < time_s < TIME_END_S:
        return None
    return _local(time_s, zone).isoformat()


def moment_ns(time_ns: int, zone: ZoneInfo) -> str:
    """A moment in epoch nanoseconds, in microseconds."""
    whole_s, rest_ns = divmod(time_ns, NS_PER_S)
    local = _local(whole_s, zone).replace(microsecond=rest_ns // 1000)
    return local.isoformat(timespec="microseconds")


def known_moment_ns(time_ns: int, zone: ZoneInfo) -> str | None:
    """The same; None for 0, which is a moment that is not known."""
    return moment_ns(time_ns, zone) if time_ns else None


def _local(time_s: int, zone: ZoneInfo) -> datetime:
    """A moment in a zone; in UTC where its offset had seconds once, which RFC 3339 has not."""
    local = datetime.fromtimestamp(time_s, zone)
    offset = local.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        return local.astimezone(UTC)
    return local


def duration_ms(start_ns: int, end_ns: int) -> float | None:
    """How long something took; None where its start is not known."""
    return round((end_ns - start_ns) / _NS_PER_MS, _DIGITS) if start_ns else None


def share(part: int, whole: int) -> float | None:
    """A ratio; None of nothing."""
    return round(part / whole, _DIGITS) if whole > 0 else None


def rounded(rate: float | None) -> float | None:
    """A ratio with as many digits as documents have."""
    return None if rate is None else round(rate, _DIGITS)


def known(text: str | None) -> str | None:
    """A name; None for one that is not known."""
    return text or None


def group_of(names: Sequence[str], values: Sequence[str]) -> dict[str, str | None]:
    """Dimensions with their values."""
    return {name: known(value) for name, value in zip(names, values, strict=True)}
