"""What spreadsheets would take for a formula is a text in every CSV, and numbers stay numbers."""

import ast
import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import processor
from processor.core.csv_text import FORMULA_STARTS, as_cell, write_rows


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ('=SUM("a")', "'=SUM(\"a\")"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("-0.123456789", "-0.123456789"),
        ("+49", "+49"),
        ("-1.5e-7", "-1.5e-7"),
        ("-", "'-"),
        ("gpt-4o", "gpt-4o"),
        ("a=b", "a=b"),
        ("'=1", "'=1"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_formula_has_an_apostrophe_before_it_and_a_number_has_none(text, cell):
    assert as_cell(text) == cell


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_no_number_is_changed(number):
    assert as_cell(str(number)) == str(number)


@given(st.lists(st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]))))
def test_texts_come_back_and_none_begins_as_a_formula_does(texts):
    [row] = list(csv.reader(io.StringIO(write_rows([["x", *texts]]), newline="")))
    for cell, text in zip(row[1:], texts, strict=True):
        assert cell.removeprefix("'") == text.removeprefix("'")
        if cell[:1] in FORMULA_STARTS:
            assert Decimal(cell).is_finite()


def test_every_csv_is_written_here():
    """Guarantees: one mechanism; whoever needs CSV gets what is safe to open."""
    root = Path(processor.__file__).parent
    users = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if "csv" in names:
                users.add(path.relative_to(root).as_posix())
    assert users == {"core/csv_text.py"}
