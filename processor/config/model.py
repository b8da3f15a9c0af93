"""How settings are declared: a field with its default, its check and its sentence.

    timeout_s: float = setting(5.0, duration(), "How long one attempt may take.", key="timeout")

From such declarations come the checks, the nearest key for a misspelt one, and the reference file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar, cast

from processor.core.errors import Problem
from processor.core.files.document import Path
from processor.core.files.fields import Check, Wrong

T = TypeVar("T")

_KEY = "setting"


class Setting(NamedTuple):
    """One setting, as its declaration says."""

    path: Path
    """Its keys in a file, outermost first."""
    field: str
    check: Check[Any]
    sentence: str
    shown: str
    """The default as it stands in a file."""


class Section(NamedTuple):
    """A group of settings."""

    path: Path
    field: str
    kind: type[Any]
    sentence: str


class Given(NamedTuple):
    """A value that somebody has set, and where."""

    value: Any
    where: str


def setting(
    default: T,
    check: Check[T],
    sentence: str,
    *,
    key: str = "",
    shown: str = "",
    secret: bool = False,
) -> T:
    """Declare a field of a section.

    `key` is its name in a file and `shown` its default there, where they differ from the field's
    name and from how Python prints the default. A `secret` does not appear in the settings' repr.
    """
    metadata = {_KEY: (key, check, sentence, shown)}
    return dataclasses.field(default=default, repr=not secret, metadata=metadata)


def section(kind: type[T]) -> T:
    """Declare a section within a section; the first line of its docstring is its sentence."""
    return dataclasses.field(default_factory=kind, metadata={_KEY: ()})


def parts_of(kind: type[Any], path: Path = ()) -> Iterator[Setting | Section]:
    """The settings and sections that a section declares, in order."""
    for field in dataclasses.fields(kind):
        declared = field.metadata.get(_KEY)
        if declared is None:
            continue
        if declared:
            key, check, sentence, shown = declared
            default = shown or _shown(field.default)
            here = (*path, key or field.name)
            yield Setting(here, field.name, check, sentence, default)
        else:
            inner = cast("type[Any]", field.default_factory)
            sentence = (inner.__doc__ or "").splitlines()[0]
            yield Section((*path, field.name), field.name, inner, sentence)


def _shown(default: object) -> str:
    if default == "":
        return '""'
    return str(default).lower() if isinstance(default, bool) else str(default)


def settings_of(kind: type[Any], path: Path = ()) -> Iterator[Setting]:
    """All settings of a section and of the sections in it."""
    for part in parts_of(kind, path):
        if isinstance(part, Setting):
            yield part
        else:
            yield from settings_of(part.kind, part.path)


def build(kind: type[T], given: dict[Path, Given], problems: list[Problem], path: Path = ()) -> T:
    """A section with the values given, each checked, and defaults for the rest."""
    values: dict[str, Any] = {}
    for part in parts_of(kind, path):
        if isinstance(part, Section):
            values[part.field] = build(part.kind, given, problems, part.path)
        elif part.path in given:
            value, where = given[part.path]
            try:
                values[part.field] = part.check(value)
            except Wrong as wrong:
                problems.append(Problem(where, wrong.what, wrong.fix))
    return kind(**values)
