"""Paths of endpoints, in which a segment in braces is a parameter."""

from __future__ import annotations

from urllib.parse import unquote


def segments(path: str) -> list[str]:
    """The parts of a path."""
    return path.removeprefix("/").split("/")


def values_in(template: str, path: str) -> dict[str, str] | None:
    """The parameters in a path that is still quoted; None where it is another one's."""
    names, given = segments(template), segments(path)
    if len(names) != len(given):
        return None
    found = {}
    for name, text in zip(names, given, strict=True):
        if not name.startswith("{"):
            if name != text:
                return None
            continue
        try:
            found[name[1:-1]] = unquote(text, errors="strict")
        except UnicodeDecodeError:
            return None
    return found if all(found.values()) else None
