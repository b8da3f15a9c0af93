"""One validation: every mistake at once, each with its line, its path and what to do about it."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field, PlainValidator, ValidationError, field_validator, model_validator

from processor.core.files.checks import (
    PARENT,
    ExternalText,
    InvalidValueError,
    SecretText,
    UnknownKeyError,
    text,
)
from processor.core.files.document import Document
from processor.core.files.validation import (
    FileModel,
    Flag,
    OptionalText,
    Text,
    Whole,
    explain,
    validate,
)


def colour(value):
    if value not in {"red", "green"}:
        raise UnknownKeyError(["red", "green"])
    return value


class Item(FileModel):
    """One of a list."""

    name: Text = Field(description="say who")
    count: Whole = Field(default=1, ge=1, le=5)
    note: OptionalText = ""
    tags: dict[Annotated[str, PlainValidator(colour)], Annotated[str, PlainValidator(text)]] = (
        Field(default={})
    )

    @field_validator("note")
    @classmethod
    def _no_secret(cls, value):
        if value == "parent":
            raise InvalidValueError("is not an item", "remove it", at=(PARENT,))
        return value


class Outer(FileModel):
    """A section."""

    enabled: Flag = False
    timeout_s: Whole = Field(default=3, alias="timeout")

    @model_validator(mode="after")
    def _fits(self):
        if self.enabled and not self.timeout_s:
            raise InvalidValueError("needs a timeout", "raise it", at=("timeout",))
        return self


class Form(FileModel):
    """A whole file."""

    outer: Outer = Field(default_factory=Outer)
    maybe: Outer | None = None
    items: list[Item] = Field(default=[])


def checked(content):
    form, problems = validate(Document(content, "f.yaml"), Form)
    return form, list(map(str, problems))


def problems_of(content):
    return checked(content)[1]


@pytest.mark.parametrize("content", ["", "outer:\n", "outer: {timeout: }\nitems:\n", "items: []\n"])
def test_what_is_absent_or_empty_has_its_default(content):
    form, problems = checked(content)
    assert form.model_dump() == Form().model_dump()
    assert problems == []


def test_a_file_that_fits_becomes_its_form():
    form, problems = checked(
        "outer: {timeout: 7, enabled: true}\nitems:\n  - {name: ' a ', count: 2}\n"
    )
    assert problems == []
    assert (form.outer.timeout_s, form.outer.enabled) == (7, True)
    assert (form.items[0].name, form.items[0].count) == ("a", 2)


def test_a_form_knows_where_it_stands():
    form, _ = checked("outer: {timeout: 7}\nitems:\n  - {name: a}\n")
    assert form.outer.place == ("outer",)
    assert form.items[0].place == ("items", 0)
    assert (form.place, Outer().place) == ((), ())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("outre: {}\n", "f.yaml:1: outre: unknown key (did you mean outer?)"),
        ("zzz: 1\n", "f.yaml:1: zzz: unknown key (known keys: outer, maybe, items)"),
        ("outer:\n  timeuot: 1\n", "f.yaml:2: outer.timeuot: unknown key (did you mean timeout?)"),
        ("maybe:\n  timeuot: 1\n", "f.yaml:2: maybe.timeuot: unknown key (did you mean timeout?)"),
        (
            "outer: {timeout_s: 1}\n",
            "f.yaml:1: outer.timeout_s: unknown key (did you mean timeout?)",
        ),
        (
            "items:\n  - name: a\n    cuont: 1\n",
            "f.yaml:3: items[0].cuont: unknown key (did you mean count?)",
        ),
        (
            "items:\n  - name: a\n    tags:\n      rde: x\n",
            "f.yaml:4: items[0].tags.rde: unknown key (did you mean red?)",
        ),
        (
            "items:\n  - name: a\n    tags:\n      red: 1\n",
            "f.yaml:4: items[0].tags.red: must be text, got 1 (put it in quotes)",
        ),
        ("outer: 5\n", "f.yaml:1: outer: must be a map, got 5 (write it as `key: value` lines)"),
        ("- 5\n", "f.yaml:1: the file: must be a map, got a list (write it as `key: value` lines)"),
        (
            "items: [5]\n",
            "f.yaml:1: items[0]: must be a map, got 5 (write it as `key: value` lines)",
        ),
        ("items: 5\n", "f.yaml:1: items: must be a list, got 5 (begin each item with a dash)"),
        ("\nitems:\n  - {}\n", "f.yaml:3: items[0].name: is missing (say who)"),
        (
            "items: [{name: a, tags: 5}]\n",
            "f.yaml:1: items[0].tags: must be a map, got 5 (write it as `key: value` lines)",
        ),
        ("items: [{name: a, count: 0}]\n", "f.yaml:1: items[0].count: must be at least 1, got 0"),
        ("items: [{name: a, count: 6}]\n", "f.yaml:1: items[0].count: must be at most 5, got 6"),
        (
            "items: [{name: a, count: 1.5}]\n",
            "f.yaml:1: items[0].count: must be a whole number, got 1.5",
        ),
        ("items: [{name: a, note: parent}]\n", "f.yaml:1: items[0]: is not an item (remove it)"),
        (
            "outer:\n  enabled: true\n  timeout: 0\n",
            "f.yaml:3: outer.timeout: needs a timeout (raise it)",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_path_and_fix(content, problem):
    assert problems_of(content) == [problem]


def test_a_number_of_thousands_of_digits_is_refused_without_printing_it():
    (problem,) = problems_of(f"items: [{{name: a, count: {'9' * 5000}}}]")
    assert problem.endswith("must be at most 5, got a number of more than 18 digits")


def test_all_mistakes_are_reported_at_once_by_line():
    found = problems_of("zzz: 1\nitems:\n  - {name: 5, count: x}\n  - {count: 9}\nouter: 1\n")
    assert [problem.split(":")[1] for problem in found] == ["1", "3", "3", "4", "4", "5"]


def test_the_form_of_a_file_with_mistakes_lacks_the_items_that_are_wrong():
    """Guarantees: what concerns several items can be checked, and its lines are the file's."""
    form, problems = checked(
        "items:\n  - {name: a, count: 9}\n  - {name: b, typo: 1}\n  - {name: c}\n"
    )
    assert len(problems) == 2
    assert [(item.name, item.place) for item in form.items] == [("c", ("items", 2))]


@pytest.mark.parametrize(
    "content", ["5", "[[]]", "items: [5, {tags: {x: 1}}]", "outer: {zzz: {a: 1}}"]
)
def test_the_form_of_a_file_that_is_all_wrong_has_the_defaults(content):
    assert checked(content)[0].model_dump() == Form().model_dump()


def test_what_to_do_about_an_unknown_key_can_be_said_by_the_caller():
    document = Document("zzz: 1\nouter: {zzz: 1}\n", "f.yaml")
    _, problems = validate(document, Form, lambda path: "remove it" if len(path) == 1 else "")
    assert [problem.fix for problem in problems] == ["remove it", "known keys: enabled, timeout"]


def test_values_from_elsewhere_have_the_place_that_the_caller_names():
    with pytest.raises(ValidationError) as caught:
        Form.model_validate({"outer": {"timeout": ExternalText("many"), "enabled": "yes"}})
    problems = explain(caught.value, Form, lambda path: f"flag {'.'.join(map(str, path))}")
    assert list(map(str, problems)) == [
        "flag outer.enabled: must be true or false, got 'yes'",
        "flag outer.timeout: must be a number, got 'many'",
    ]


def test_a_secret_is_in_no_message():
    """Guarantees: neither our messages nor pydantic's own error show a value."""
    secret = SecretText("hunter2")
    wrong = {"items": [{"name": "a", "count": secret, "tags": secret}], "outer": secret}
    with pytest.raises(ValidationError) as caught:
        Form.model_validate(wrong)
    shown = [str(problem) for problem in explain(caught.value, Form, str)]
    assert len(shown) == 3
    assert not any("hunter2" in message for message in (*shown, str(caught.value)))


def test_a_form_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Form().outer = Outer()
