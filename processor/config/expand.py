"""``${env:NAME}`` and ``${env:NAME:-default}`` in a settings file.

``$${`` stands for a plain ``${``. What comes from the environment may be a secret, so it is
marked as such: messages never show it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from processor.core.errors import Problem
from processor.core.files.document import Document, Path
from processor.core.files.fields import Concealed

_REFERENCE = re.compile(
    r"\$\$\{|\$\{env:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<odd>\$\{)"
)
_NOT_TO_BE_HAD: Final = object()
"""Stands for a value with a problem. It is left out, so that it makes one problem, not two."""


def expand(document: Document, environ: Mapping[str, str], problems: list[Problem]) -> Any:  # noqa: ANN401 - YAML holds anything
    """The document's value with every reference replaced; notes what cannot be."""

    def walk(value: Any, path: Path) -> Any:  # noqa: ANN401 - as above
        if isinstance(value, dict):
            pairs = ((key, walk(inner, (*path, key))) for key, inner in value.items())
            return {key: inner for key, inner in pairs if inner is not _NOT_TO_BE_HAD}
        if isinstance(value, list):
            items = (walk(inner, (*path, position)) for position, inner in enumerate(value))
            return [inner for inner in items if inner is not _NOT_TO_BE_HAD]
        if isinstance(value, str) and "${" in value:
            return replaced(value, path)
        return value

    def replaced(text: str, path: Path) -> object:
        found_before = len(problems)

        def one(found: re.Match[str]) -> str:
            if found["odd"]:
                what = "holds a ${ that does not begin ${env:NAME}"
                problems.append(document.problem(path, what, "write $${ for a plain ${"))
            if not found["name"]:
                return "${"
            # As in a shell, the default also stands in for a variable that is empty.
            value = environ.get(found["name"], "") or found["default"]
            if value is None and found["name"] not in environ:
                what = f"the environment variable {found['name']} is not set"
                fix = f"set it, or write ${{env:{found['name']}:-default}}"
                problems.append(document.problem(path, what, fix))
            return value or ""

        text = _REFERENCE.sub(one, text)
        return Concealed(text) if len(problems) == found_before else _NOT_TO_BE_HAD

    found = walk(document.root, ())
    return None if found is _NOT_TO_BE_HAD else found
