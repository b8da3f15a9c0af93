"""Calls of unknown cost as people read them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from processor.core.model import UnpricedCalls
from processor.core.posting import LIFETIME
from processor.surfaces.api.documents import AsOfDocument, UnknownDocument, UnpricedDocument
from processor.surfaces.queries import with_fix
from processor.surfaces.terminal.drawing import drawn
from processor.surfaces.terminal.paint import cells
from processor.surfaces.terminal.unknown import draw_unknown

FIRST_NS = 1_800_000_000 * 10**9
NEW = UnpricedCalls(
    "openai", ("new-1", "new"), "not known", "shop", 1200, 33_000, FIRST_NS, FIRST_NS
)
MINE = UnpricedCalls("azure", ("mine",), "not known", "", 1, 30, FIRST_NS, FIRST_NS + 10**9)


@pytest.fixture
def picture():
    def draw(*unknown, zone="UTC", left_out=(0, 0), width=80, where="prices.yaml"):
        place = ZoneInfo(zone)
        document = UnpricedDocument(
            data=[UnknownDocument.from_calls(with_fix(each), place) for each in unknown],
            calls=0, kinds_left_out=left_out[0], calls_left_out=left_out[1], next_cursor=None,
            time_zone=zone, partial=[],
            as_of=AsOfDocument(read_at=None, last_call_at=None, version="1"),
        )  # fmt: skip
        shown = draw_unknown(document, where, "llm-cost reprice", width)
        return drawn(shown, width, is_coloured=False)

    return draw


def test_each_is_shown_with_the_lines_that_would_price_it(picture):
    assert (
        picture(NEW, MINE, where="a copy of config/pricing.yaml, named with --pricing")
        == """\
 new-1 or new of openai: not known
    1,200 calls, 33,000 tokens, from shop
    2027-01-15 08:00:00 UTC to 2027-01-15 08:00:00 UTC
 mine of azure: not known
    1 call, 30 tokens, from no service
    2027-01-15 08:00:00 UTC to 2027-01-15 08:00:01 UTC

 To price them, add these lines to a copy of config/pricing.yaml, named with
 --pricing, below its `models:`, where it has one:

  models:
    - provider: "openai"
      model: "new-1"
      prices: [{input: 1.00, output: 3.00}]   # USD per 1M tokens: put in yours
    - provider: "azure"
      model: "put in the model behind mine"
      aliases: ["azure:mine"]"""
    )


def test_the_same_lines_are_not_shown_twice(picture):
    """Guarantees: two services with one model make one entry, as a file with two is refused."""
    out = picture(NEW, NEW._replace(service="other"))
    assert out.count("- provider") == 1
    assert "to prices.yaml," in out


def test_what_has_a_price_by_now_names_the_command_that_charges_it(picture):
    out = picture(NEW._replace(has_price=True, first_ns=FIRST_NS + 5), zone="Europe/Berlin")
    assert "By now there is a price for new-1." in out
    assert "\n   llm-cost reprice --since 2027-01-15T09:00:00+01:00 --dry-run" in out
    assert "models:" not in out


def test_what_no_price_can_help_has_no_lines(picture):
    out = picture(NEW._replace(reason=LIFETIME))
    assert " ".join(LIFETIME.split()) in " ".join(out.split())
    assert "models:" not in out


def test_what_lacks_tokens_is_listed_with_what_makes_them_known(picture):
    """Guarantees: whatever makes totals say "at least" is here, also where there is a price."""
    missing = NEW._replace(reason="", status="usage_missing", tokens=0)
    out = picture(missing, missing._replace(service="other"))
    assert "new-1 or new of openai: usage_missing" in out
    assert out.count('stream_options={"include_usage": true}') == 1
    assert "models:" not in out


def test_deleted_calls_are_said_to_be_that(picture):
    deleted = UnpricedCalls("", (), "deleted", "", 3, 0, FIRST_NS, FIRST_NS, status="deleted")
    out = picture(deleted)
    assert out.startswith(" deleted calls: deleted\n    3 calls\n")
    assert "no model" not in out


def test_what_is_left_out_is_counted(picture):
    assert "and 4,000 more kinds with 9,000 calls; --limit" in picture(NEW, left_out=(4000, 9000))


def test_a_ledger_without_such_calls_says_so(picture):
    assert picture() == " The cost of every call in the ledger is known."


def test_names_of_senders_cannot_control_the_terminal(picture):
    assert "\x1b" not in picture(NEW._replace(models=("\x1b[2Jevil",), service="\x1b]0;x\x07"))


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_sentence_is_wider_than_the_terminal(picture, width):
    out = picture(NEW, MINE, NEW._replace(has_price=True), left_out=(1, 1), width=width)
    sentences, _, _ = out.partition("  models:")
    kept = [line for line in sentences.splitlines() if "llm-cost reprice" not in line]
    assert all(cells(line) <= width for line in kept)
