"""Commas part values, for the API's filters as for those of a command."""

import pytest

from processor.surfaces.queries import listed_values


@pytest.mark.parametrize(
    ("text", "values"),
    [("a", ["a"]), ("a,b", ["a", "b"]), ("c\\,d,e", ["c,d", "e"]), ("", [""]), ("a,", ["a", ""])],
)
def test_a_comma_after_a_backslash_belongs_to_its_value(text, values):
    assert listed_values(text) == values
