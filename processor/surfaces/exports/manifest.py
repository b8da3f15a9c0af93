"""What a folder of exported files holds: its `manifest-<dataset>.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from processor.core.model import NOTHING, NS_PER_S, Totals
from processor.core.money import exact_usd, parse_usd
from processor.core.wording import utc_text
from processor.surfaces.exports.reading import Ending, PeriodReading
from processor.surfaces.exports.requests import CheckedExport, Period

_NOTE: Final = (
    "Costs are estimated from the tokens that spans report and from published prices. Nobody has "
    "seen an invoice."
)
_COUNTS: Final = {
    "calls": "calls",
    "unpriced_calls": "unpriced",
    "doubtful_calls": "doubtful_calls",
    "input_tokens": "input_tokens",
    "cached_tokens": "cached_tokens",
    "output_tokens": "output_tokens",
}
"""Names of sums, and the fields of `Totals` that they are of."""

Entry = dict[str, Any]
"""What a manifest says of one file, as JSON has it."""


class Contents(NamedTuple):
    """What is in a file."""

    rows: int
    size_bytes: int
    sha256: str


def name_of(asked: CheckedExport) -> str:
    """The name of the manifest."""
    return f"manifest-{asked.request.dataset}.json"


def file_name(asked: CheckedExport, period: Period, form: str) -> str:
    """The name of a file, such as ``usage-2026-11.csv.gz``."""
    return f"{asked.request.dataset}-{period.label}.{form}"


def options_of(asked: CheckedExport, form: str) -> Entry:
    """What has to be the same for all files of a manifest."""
    request = asked.request
    options: Entry = {
        "dataset": request.dataset,
        "format": form,
        "every": request.file_time,
        "time_zone": asked.calendar.zone.key,
        "filters": {name: list(values) for name, values in asked.filters},
        "unpriced": request.unpriced,
    }
    if request.dataset != "calls":
        options["grain"] = request.grain
    if request.dataset == "focus":
        options |= {"focus_version": "1.2", "account": request.account}
    return options


def entry_of(name: str, reading: PeriodReading, ending: Ending, contents: Contents) -> Entry:
    """What a manifest says of a file that was written."""
    period = reading.period
    return {
        "name": name,
        "starting_at": _moment(period.start_s),
        "ending_at": _moment(period.end_s),
        **contents._asdict(),
        "totals": _totals_text(reading.totals),
        "omitted_calls": reading.omitted_calls,
        "is_consistent": reading.agrees,
        "partial": list(ending.partial),
        "as_of": {
            "last_call_ended_at": _moment(ending.as_of.last_charge_s)
            if ending.as_of.last_charge_s
            else None,
            "version": ending.as_of.version,
            "fingerprint": reading.fingerprint,
        },
    }


def write_manifest(options: Entry, entries: Mapping[str, Entry]) -> str:
    """The text of a manifest, with its files in the order of their names."""
    files = [entries[name] for name in sorted(entries)]
    totals = NOTHING
    for entry in files:
        totals = totals.plus(_totals_from(entry["totals"]))
    whole = {
        "note": _NOTE,
        "options": options,
        "rows": sum(entry["rows"] for entry in files),
        "totals": _totals_text(totals),
        "files": files,
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def read_manifest(text: str) -> tuple[Entry, dict[str, Entry]]:
    """The options and files of a manifest. Raises ValueError for what is none."""
    try:
        whole = json.loads(text)
        files = {str(entry["name"]): dict(entry) for entry in whole["files"]}
        for entry in files.values():
            _totals_from(entry["totals"])
            str(entry["as_of"]["version"])
        return dict(whole["options"]), files
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("is no manifest of an export") from error


def _totals_text(totals: Totals) -> Entry:
    counts = {name: getattr(totals, field) for name, field in _COUNTS.items()}
    return {
        "cost_usd": exact_usd(totals.cost_nano_usd),
        "at_least": totals.unpriced > 0,
        **counts,
    }


def _totals_from(entry: Entry) -> Totals:
    counts = {field: int(entry[name]) for name, field in _COUNTS.items()}
    return Totals(cost_nano_usd=parse_usd(entry["cost_usd"]), **counts)


def _moment(time_s: int) -> str:
    return utc_text(time_s * NS_PER_S)
