"""Text from outside cannot forge, hide or reorder what stands around it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.core.escaping import escape


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("chat gpt-4o", "chat gpt-4o"),
        ("Zürich 東京 😀 a\u00a0b", "Zürich 東京 😀 a\u00a0b"),
        ("x\n2026-01-01 ERROR forged", "x\\n2026-01-01 ERROR forged"),
        ("\r\t\x00\x1b[2J\x7f", "\\r\\t\\x00\\x1b[2J\\x7f"),
        ("\x85\x9b31m", "\\x85\\x9b31m"),
        ("".join(map(chr, range(0x202A, 0x202F))), "\\u202a\\u202b\\u202c\\u202d\\u202e"),
        ("".join(map(chr, range(0x2066, 0x206A))), "\\u2066\\u2067\\u2068\\u2069"),
        ("\u2028\u2029\u200b\ufeff\ud800", "\\u2028\\u2029\\u200b\\ufeff\\ud800"),
    ],
)
def test_what_no_reader_sees_is_written_as_an_escape(text, escaped):
    assert escape(text) == escaped


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_unprintable_is_left_in_any_text(text):
    assert all(
        each.isprintable() or each == "\t" or unicodedata.category(each) == "Zs"
        for each in escape(text, "\t")
    )
