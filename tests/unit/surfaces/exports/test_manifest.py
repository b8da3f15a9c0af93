"""A manifest says what a folder holds, and the same of the same files."""

import json

import pytest

from processor.surfaces.exports import (
    Contents,
    ExportRequest,
    entry_of,
    options_of,
    read_manifest,
    write_manifest,
)
from processor.surfaces.queries import TimeRange


async def made(ledger, read, request):
    _, readings = await read(ledger.exports, request)
    entries = {}
    for each in readings:
        name = f"usage-{each.period.label}.csv"
        entries[name] = entry_of(name, each, each.ending, Contents(3, 100, "ab"))
    return write_manifest(options_of(readings[0].asked, "csv"), entries)


async def test_totals_are_exact_and_say_at_least(opened, read, charges):
    text = await made(opened(charges), read, ExportRequest("usage", TimeRange("all")))
    found = json.loads(text)
    cost = sum(each.totals.cost_nano_usd for each in charges)
    assert int(found["totals"]["cost_usd"].replace(".", "")) == cost
    assert found["totals"]["at_least"]
    assert found["totals"]["calls"] == len(charges)
    assert found["rows"] == 3 * len(found["files"])
    assert found["files"][0]["as_of"]["version"]


async def test_the_same_ledger_gives_the_same_text_also_when_it_is_read_back(opened, read, charges):
    request = ExportRequest("usage", TimeRange("all"))
    ledger = opened(charges)
    text = await made(ledger, read, request)
    assert await made(ledger, read, request) == text
    assert write_manifest(*read_manifest(text)) == text


async def test_one_without_the_moment_of_a_file_is_none(opened, read, charges):
    text = await made(opened(charges), read, ExportRequest("usage", TimeRange("all")))
    for name in ("as_of", "version"):
        with pytest.raises(ValueError, match="is no manifest"):
            read_manifest(text.replace(f'"{name}"', '"other"'))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"options": {}, "files": [{}]}', "nothing"])
def test_what_is_no_manifest_is_refused(text):
    with pytest.raises(ValueError):
        read_manifest(text)
