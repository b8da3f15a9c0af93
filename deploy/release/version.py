"""The version: one line of code has it, and the image's tag in deploy/ is held to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from release.errors import ReleaseError

SOURCE: Final = Path("processor/__init__.py")
"""The one source; packages, `--version`, the API and requests have it from there."""
_LINE: Final = re.compile(r'^(__version__ = ")([^"]+)(")$', re.MULTILINE)
_TAG: Final = re.compile(r"(llm-cost-processor:|llm-cost-processor\b.*\bnewTag: )(\d[\w.]*)")
"""The image's tag, in commands and files of Compose, and of kustomize."""


def version_of(root: Path) -> str:
    """The version of a tree. Raises ReleaseError."""
    found = _LINE.search((root / SOURCE).read_text(encoding="utf-8"))
    if not found:
        raise ReleaseError(f"{SOURCE} has no line __version__ = …")
    return found[2]


def set_version(root: Path, version: str) -> None:
    """Write the version into a tree, and the image's tag with it wherever deploy/ names it."""
    _rewrite(root / SOURCE, _LINE, version)
    for path in sorted((root / "deploy").rglob("*")):
        if path.is_file() and (path.suffix in {".md", ".yaml"} or path.name == "Dockerfile"):
            _rewrite(path, _TAG, version)


def _rewrite(path: Path, pattern: re.Pattern[str], version: str) -> None:
    """Put the version in place of the second group of every match."""
    text = path.read_text(encoding="utf-8")
    changed = pattern.sub(lambda found: f"{found[1]}{version}{''.join(found.groups()[2:])}", text)
    if changed != text:
        path.write_text(changed, encoding="utf-8")
