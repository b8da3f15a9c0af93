"""CHANGELOG.md: what is unreleased becomes the notes of a version."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Final

from packaging.version import InvalidVersion, Version

from release.errors import ReleaseError

UNRELEASED: Final = "## Unreleased\n"
_HEADING: Final = re.compile(r"^## (\S+)(?: - (\d{4}-\d\d-\d\d))?$", re.MULTILINE)


def cut(changelog: str, version: str, day: date) -> str:
    """The changelog with the notes of `version`, of `day`, taken from what is unreleased.

    One that has this version already stays as it is, where nothing is unreleased. Raises
    ReleaseError: the version is not written as it has to be, does not follow the last one, or has
    no notes.
    """
    wanted = _parse(version)
    before, heading, rest = changelog.partition(UNRELEASED)
    if not heading:
        raise ReleaseError(f"CHANGELOG.md has no line {UNRELEASED.strip()!r}: put it above all")
    notes, released = _split(rest)
    versions = [_parse(each) for each, _ in _HEADING.findall(released)]
    if versions and wanted == versions[0]:
        if notes:
            raise ReleaseError(
                f"CHANGELOG.md has notes of {version} and something unreleased: name a later"
                f" version, or put the entries below '## {version}'"
            )
        return changelog
    if versions and wanted < versions[0]:
        raise ReleaseError(f"{version} is older than the last version, {versions[0]}")
    if not notes:
        raise ReleaseError(f"CHANGELOG.md has nothing unreleased, so {version} has no notes")
    return f"{before}{heading}\n## {version} - {day}\n\n{notes}\n{released}".rstrip("\n") + "\n"


def notes_of(changelog: str, version: str) -> str:
    """The entries of one version, without its heading; "" if it has none."""
    for found in _HEADING.finditer(changelog):
        if found[1] == version:
            return _split(changelog[found.end() :])[0]
    return ""


def epoch_of(changelog: str, version: str) -> int | None:
    """The start of the day of a version in seconds since 1970, UTC; None if it is not released."""
    for name, day in _HEADING.findall(changelog):
        if name == version and day:
            start = datetime.combine(date.fromisoformat(day), time(), UTC)
            return int(start.timestamp())
    return None


def _split(text: str) -> tuple[str, str]:
    """What stands before the next heading of a version, and all from there on."""
    found = _HEADING.search(text)
    end = found.start() if found else len(text)
    notes = text[:end].strip("\n")
    return (f"{notes}\n" if notes else ""), text[end:]


def _parse(version: str) -> Version:
    """Raises ReleaseError."""
    try:
        parsed = Version(version)
    except InvalidVersion:
        raise ReleaseError(f"{version!r} is no version: write it as 1.0.0 or 1.0.0rc1") from None
    if str(parsed) != version or parsed.local:
        raise ReleaseError(f"{version!r}: write it as {parsed.public}")
    return parsed
