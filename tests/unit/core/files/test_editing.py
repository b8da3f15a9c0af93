"""A value in YAML text is changed, and every other character stays."""

from __future__ import annotations

import pytest

from processor.core.errors import ConfigError
from processor.core.files.document import Document
from processor.core.files.editing import EditableText

RULE = {"name": "new", "scope": "total", "limit_usd": "10.00"}
ADDED = {"name": "new", "scope": "total", "limit_usd": 10}


def set_limit(text, position=0, value="7"):
    return EditableText(text, "f.yaml").set_value(("budgets", position), "limit_usd", value)


def add(text):
    return EditableText(text, "f.yaml").add_item("budgets", RULE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("limit_usd: 1", "limit_usd: 7"),
        ("limit_usd:    1.00   # one", "limit_usd:    7   # one"),
        ("limit_usd: '1'", "limit_usd: 7"),
        ("limit_usd:", "limit_usd: 7"),
        ("limit_usd: 1 #\ta tab", "limit_usd: 7 #\ta tab"),
        ("limit_usd:\n        1", "limit_usd:\n        7"),
        ("limit_usd: &one !!float 1.0", "limit_usd: &one !!float 7"),
        ("limit_usd: [1, 2]", "limit_usd: 7"),
        ("limit_usd:\n      - 1\n      - 2 # two", "limit_usd: 7 # two"),
    ],
)
@pytest.mark.parametrize("end", ["", "\n", "\n\n# the end", "\n  - {name: b}\n"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_only_the_value_is_replaced(before, after, end, newline):
    """Guarantees: spaces, tabs, comments, line ends and the missing one at the end stay."""
    text = f"# first\nbudgets:   # rules\n\n  -   name: 'a'\n      {before}{end}"
    text, expected = (each.replace("\n", newline) for each in (text, text.replace(before, after)))
    assert set_limit(text) == expected


def test_values_in_braces_stay_in_their_line():
    text = "budgets:\n  - {name: a,   limit_usd: 1.00 , scope: user}   # x\n"
    assert set_limit(text) == text.replace("1.00", "7")
    assert set_limit("budgets: [{name: a}, {name: b, limit_usd: 2}]", 1).endswith("limit_usd: 7}]")


def test_an_alias_is_replaced_where_it_stands_and_its_anchor_stays():
    text = "budgets:\n- {limit_usd: &l 5}\n- {limit_usd: *l }\n- limit_usd: *l\n"
    assert set_limit(text, 1) == text.replace("*l }", "7 }")
    assert set_limit(text, 2) == text.replace("- limit_usd: *l", "- limit_usd: 7")
    assert set_limit(text, 0) == text.replace("&l 5", "&l 7")


def test_a_new_key_stands_behind_the_one_it_belongs_to():
    def warn(text):
        return EditableText(text, "f").set_value(("budgets", 0), "warn_at", "[0.8]", ("limit_usd",))

    block = "budgets:\r\n  - name: a\r\n    limit_usd: 1 # one\r\n    scope: user"
    assert warn(block) == block.replace("# one\r\n", "# one\r\n    warn_at: [0.8]\r\n")
    last = "budgets:\n  - limit_usd: 1 # one"
    assert warn(last) == f"{last}\n    warn_at: [0.8]"
    flow = "budgets: [{limit_usd: 1, scope: user}]\n"
    assert warn(flow) == "budgets: [{limit_usd: 1, warn_at: [0.8], scope: user}]\n"
    assert warn("budgets: [{}]") == "budgets: [{warn_at: [0.8]}]"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment\n",
        "# no line end",
        "version: 1",
        "version: 1\n# budgets:\n#   - {name: x}\n",
        "---\nversion: 1\n...\n",
        "{}",
        "{version: 1}",
        "budgets:\n",
        "budgets:\n# none yet\nversion: 1\n",
        "budgets: []",
        "budgets: ~   # none yet\n",
        "{budgets: null, version: 1}",
        "{version: 1, budgets: }",
        "budgets: [{name: a}]   # one\r\n",
        "budgets:\n- name: a\n  scope: user\nversion: 1",
        "budgets:\n-   name: a\n    scope: user\n    # overrides:\n    #   b: 1\n\n# end",
        "budgets:\r\n  - {name: a}\r\n\r\n  - {name: b}\r\n",
    ],
)
def test_an_item_is_added_and_no_line_is_lost(text):
    """Guarantees: a list, none yet, or an empty file takes another item in its own style."""
    before, changed = Document(text, "f").root or {}, add(text)
    after = Document(changed, "f").root
    assert after["budgets"] == [*(before.get("budgets") or []), ADDED]
    assert {**after, "budgets": 0} == {**before, "budgets": 0}
    for line in text.splitlines():
        assert line.rstrip("]} ") in changed or line.partition(" #")[2] in changed
    if "\r\n" in text:
        assert changed.count("\n") == changed.count("\r\n")


def test_an_added_item_has_the_indentation_and_the_blank_lines_of_the_others():
    text = "budgets:\n-   name: a\n    # overrides:\n\n-   name: b\n    # overrides: {}\n# end\n"
    new = "\n-   name: new\n    scope: total\n    limit_usd: 10.00\n"
    assert add(text) == text.replace("# end", f"{new}# end")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: &r {limit_usd: 1}\nbudgets: [*r]\n", "it is not written out here"),
        ("budgets:\n  - limit_usd: |\n      5\n", "it is text of several lines"),
        ("budgets:\n  - limit_usd:\n      a: 5\n", "it has lines of its own"),
        ("budgets:\n  - limit_usd:\n    - 5 # five\n    - 6\n", "it has lines of its own"),
    ],
)
def test_what_cannot_be_replaced_safely_is_refused_with_its_line(text, why):
    with pytest.raises(ConfigError, match=r"f\.yaml:[1234]: budgets\[0\]") as caught:
        set_limit(text)
    assert why in str(caught.value)


def test_a_list_is_not_added_to_what_is_none():
    for text in ("budgets: {daily_limit: 1}\n", "- 1\n", "  version: 1\n"):
        with pytest.raises(ConfigError, match="cannot be changed by a command"):
            add(text)
