"""Questions, and what the documents, tables and pictures of the answers say."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from e2e.scenario import Answer, Money, hour_of, midnight

TRACES = ("1", "2", "3", "4", "5", "6", "7")
SESSIONS = ("s-1", "s-2", "s-3")


@dataclass(frozen=True)
class Costs:
    """A question for costs: of some days, of what has some values.

    It is by a dimension, or by ``hour`` or ``day``.
    """

    by: str = ""
    since: date | None = None
    until: date | None = None
    filters: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_series(self) -> bool:
        """Whether it is by time."""
        return self.by in {"hour", "day"}

    @property
    def days(self) -> list[date]:
        """Each of its days."""
        assert self.since is not None
        assert self.until is not None
        return [self.since + timedelta(days=n) for n in range((self.until - self.since).days)]

    def starts(self, zone: str) -> dict[str, datetime]:
        """The beginning of each of its days or hours, by its name."""
        if self.by == "day":
            return {f"{day}": midnight(day, zone) for day in self.days}
        first, last = midnight(self.days[0], zone), midnight(self.until or date.max, zone)
        hours = range(int((last - first).total_seconds()) // 3600)
        starts = [first + timedelta(hours=each) for each in hours]
        return {hour_of(each, zone): each for each in starts}

    def query(self, zone: str) -> list[tuple[str, str]]:
        """The parameters for the API."""
        query = [("time_zone", zone)]
        query += [("bucket" if self.is_series else "group_by", self.by)] * bool(self.by)
        query += [("starting_at", f"{self.since}")] if self.since else []
        query += [("ending_at", f"{self.until}")] if self.until else []
        return query + [(f"filter[{name}]", value) for name, value in self.filters.items()]


class Part(dict[str, Any]):
    """An answer without some rows, for which the surface cannot be asked."""


class Shown:
    """An amount as people read it: it equals all nano-dollars that are rounded to it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, int)
        usd, shown = Decimal(other).scaleb(-9), Decimal(re.sub(r"[$,<]", "", self.text))
        if self.text.startswith("<"):
            return 0 < usd < shown / 2
        return round(usd, -int(shown.as_tuple().exponent)) == shown

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return self.text


def nano(usd: str | int | Decimal) -> int:
    """An exact amount in nano-dollars; a part of one is an error."""
    exact = Decimal(usd).scaleb(9)
    assert exact == int(exact), usd
    return int(exact)


def sums(row: Mapping[str, Any]) -> Money:
    """What a row of JSON or CSV has cost."""
    return nano(row["cost_usd"]), row["at_least"] in {True, "true"}


def added(parts: Iterable[Money]) -> Money:
    """Several amounts together."""
    amounts = list(parts)
    return sum(each[0] for each in amounts), any(each[1] for each in amounts)


def totals(document: Mapping[str, Any]) -> Money:
    """The sums of a document, to which its rows have to add up."""
    total = sums(document["totals"])
    if "data" in document:
        assert added(map(sums, document["data"])) == total
    return total


def costs(document: Mapping[str, Any], by: str) -> Answer:
    """The rows of a document."""
    totals(document)
    named = [{**row, **row["group"]} for row in document["data"]]
    return _costs(named, by)


def csv_costs(text: str, by: str) -> Answer:
    """The rows of the same as CSV."""
    return _costs(csv_rows(text), by)


def _costs(rows: Iterable[Mapping[str, Any]], by: str) -> Answer:
    if by == "day":
        return {row["starting_at"][:10]: sums(row) for row in rows}
    if by == "hour":
        return {hour(row["starting_at"]): sums(row) for row in rows}
    return {(row[by] or "" if by else ""): sums(row) for row in rows}


def hour(moment: str) -> str:
    """A moment as `scenario.hour_of` writes it."""
    return f"{moment[:10]} {moment[11:16]} {moment[-6:]}"


def csv_rows(text: str) -> list[dict[str, str]]:
    """The rows of a table by their columns."""
    return list(csv.DictReader(io.StringIO(text)))


def csv_total(text: str) -> Money:
    """The rows of a table together."""
    return added(map(sums, csv_rows(text)))


def csv_trace(text: str) -> Money:
    """The calls of a trace together, which is what its roots say."""
    rows = csv_rows(text)
    calls = added(
        (nano(row["call_cost_usd"] or 0), row["call_at_least"] == "true")
        for row in rows
        if row["call_at_least"]
    )
    roots = [row for row in rows if row["depth"] == "0"]
    assert calls == added(
        (nano(row["subtotal_cost_usd"]), row["subtotal_at_least"] == "true") for row in roots
    )
    return calls


def budgets(rows: Iterable[Mapping[str, Any]]) -> Answer:
    """What was spent, by budget and scope id."""
    return {
        f"{row['budget']} {row['scope_id'] or ''}".strip(): (
            nano(row["spent_usd"]),
            row["at_least"] in {True, "true"},
        )
        for row in rows
    }


_COST = r"(?P<least>≥ )?(?P<cost><?\$?\d[\d,]*\.\d+|unknown|an unknown cost)"


def shown(pattern: str, text: str) -> dict[str, Any]:
    """The amounts in the lines that begin with `pattern`, by what `name` is within it."""
    found = {}
    for line in re.finditer(f"^ {pattern}{_COST}", text, re.MULTILINE):
        name = line.groupdict().get("name") or ""
        is_unknown = "unknown" in line["cost"]
        cost = Shown("0") if is_unknown else Shown(line["cost"])
        found["" if name == "(none)" else name] = (cost, is_unknown or bool(line["least"]))
    return found
