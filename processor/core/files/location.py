"""Places in a form and in its file, and a file's value without some of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from processor.core.files.document import Map, Path

KIND: Final = "[kind] "
"""How the tag of one of several forms of a value begins, which is in no file."""

_NOT_IN_FILES: Final = ("[key]", KIND)


def untagged(location: Path) -> Path:
    """A location without what pydantic adds for the key of a map and for one of several kinds."""
    return tuple(
        part for part in location if isinstance(part, int) or not part.startswith(_NOT_IN_FILES)
    )


def path_in(value: object, location: Path) -> Path:
    """A location in a form as the path in the file, where one item may stand for a list of one."""
    path: list[str | int] = []
    for part in untagged(location):
        if isinstance(part, int) and not isinstance(value, list):
            continue
        path.append(part)
        value = _item(value, part)
    return tuple(path)


def _item(value: object, key: str | int) -> object:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    return None


def present(value: object, location: Path) -> Path:
    """The path of what is wrong; of what it should stand in where it is missing."""
    path = path_in(value, location)
    for depth, key in enumerate(path):
        if not isinstance(value, (dict, list)) or (isinstance(value, dict) and key not in value):
            return path[:depth]
        value = _item(value, key)
    return path


def without(value: Any, paths: Collection[Path]) -> Any:  # noqa: ANN401 - YAML holds anything
    """A copy of a value that lacks what the paths lead to, and all of a list's item around it."""
    if () in paths:
        return None
    if isinstance(value, Map):
        kept = Map(value.path)
        for key, each in value.items():
            if (key,) not in paths:
                kept[key] = without(each, _below(paths, key))
        return kept
    if isinstance(value, list):
        wrong = {path[0] for path in paths}
        return [each for position, each in enumerate(value) if position not in wrong]
    return value


def _below(paths: Collection[Path], key: str) -> list[Path]:
    return [path[1:] for path in paths if path[0] == key]
