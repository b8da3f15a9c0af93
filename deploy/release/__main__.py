"""Make a release, or only what it is made of.

    make dist                            wheel and sdist, image, sums of what is here, in dist/
    make release VERSION=1.0.0           the same of a new version, which is written first
    make release VERSION=1.0.0 DRY=1

All is made and checked in a folder of its own. Only when nothing is wrong are files here changed
and dist/ replaced. Nothing is pushed, tagged or uploaded: the last lines say how.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from release import image, trial
from release.changelog import cut, epoch_of, notes_of
from release.errors import ReleaseError
from release.packages import build, write_sums
from release.tree import (
    changed_files,
    check_clean,
    commit_epoch,
    copy_tracked,
    put_back,
    snapshot,
)
from release.version import set_version, version_of

ROOT: Final = Path(__file__).parents[2]
CHANGELOG: Final = "CHANGELOG.md"
_NO_IMAGE: Final = """\
****************************************************************************
NO IMAGE WAS BUILT: {why}.
Where there is one, build it from the tag:
    {how}
****************************************************************************"""


def main() -> int:
    """Make it; the exit code."""
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--version", help="the new version, such as 1.0.0")
    parser.add_argument("--dry-run", action="store_true", help="make all of it and keep nothing")
    parser.add_argument("--no-image", action="store_true", help="build no container image")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="release-") as work:
            _make(arguments, Path(work))
    except ReleaseError as problem:
        print(f"NOT MADE: {problem}", file=sys.stderr)
        return 1
    return 0


def _make(arguments: argparse.Namespace, work: Path) -> None:
    """Raises ReleaseError."""
    tree, made = work / "tree", work / "made"
    made.mkdir()
    if arguments.version:
        check_clean(ROOT)
    copy_tracked(ROOT, tree)
    before = snapshot(tree)
    if arguments.version:
        _write_version(tree, arguments.version)
    version = version_of(tree)
    changelog = (tree / CHANGELOG).read_text(encoding="utf-8")
    epoch = _epoch(changelog, version)
    with _Step(f"wheel and sdist of {version}, twice"):
        files = [Path(shutil.move(path, made)) for path in build(tree, work, epoch)]
    with _Step("the wheel alone in a new environment: serve, demo"):
        bill = made / f"llm_cost_processor-{version}.cdx.json"
        bill.write_text(trial.try_wheel(files[0], version, work), encoding="utf-8")
    write_sums([*files, bill], made / "SHA256SUMS")
    built = None if arguments.no_image else _build_image(tree, version, epoch)
    names = changed_files(tree, before)
    for name in names:
        _show_change(name, before[name], (tree / name).read_bytes())
    if arguments.dry_run:
        print("\nDry run: nothing here was changed, and nothing was kept but the image.")
        return
    put_back(ROOT, tree, before, names)
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    shutil.copytree(made, ROOT / "dist")
    for path in sorted((ROOT / "dist").iterdir()):
        print(f"  dist/{path.name}  {path.stat().st_size:,} bytes")
    if epoch_of(changelog, version) is not None:
        _say_what_is_next(version, notes_of(changelog, version), is_built=built is not None)


def _write_version(tree: Path, version: str) -> None:
    """Raises ReleaseError."""
    path = tree / CHANGELOG
    today = datetime.now(UTC).date()
    path.write_text(cut(path.read_text(encoding="utf-8"), version, today), encoding="utf-8")
    set_version(tree, version)


def _epoch(changelog: str, version: str) -> int:
    """The time of all files: as the environment says, of the release, or of the last commit."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    released = epoch_of(changelog, version)
    return commit_epoch(ROOT) if released is None else released


def _build_image(tree: Path, version: str, epoch: int) -> str | None:
    """The builder that has built it; None, said loudly, if there is none. Raises ReleaseError."""
    program = image.builder()
    if program is None:
        why = f"none of {', '.join(image.BUILDERS)} runs here"
        print(_NO_IMAGE.format(why=why, how=image.how_to_build(version)))
        return None
    with _Step(f"image {image.NAME}:{version} by {program}"):
        try:
            identity = image.build_image(program, tree, version, epoch)
        except ReleaseError as problem:
            raise ReleaseError(
                f"{problem}\n\nPYTHON_IMAGE=… names another base; --no-image (make: IMAGE=no)"
                " leaves the image out"
            ) from None
    print(f"  {identity}")
    return program


def _show_change(name: Path, before: bytes, after: bytes) -> None:
    """Print which lines of a file are others."""
    old, new = before.decode().splitlines(), after.decode().splitlines()
    print("\n".join(difflib.unified_diff(old, new, str(name), str(name), n=0, lineterm="")))


def _say_what_is_next(version: str, notes: str, *, is_built: bool) -> None:
    tag = f"{image.NAME}:{version}"
    entries = notes.count("\n- ") + 1
    push = f"docker tag {tag} REGISTRY/{tag} && docker push REGISTRY/{tag}"
    print(f"""
What is next; nothing has left this machine:
  git add --update && git commit --message 'Release {version}'     # unless that is done
  .ci/run
  git tag --annotate v{version} --message 'Version {version}' && git push --follow-tags
  .venv/bin/python -m twine upload dist/*.whl dist/*.tar.gz
  {push if is_built else image.how_to_build(version)}
The notes of the release are the {entries} entries below '## {version}' in {CHANGELOG}.
dist/SHA256SUMS and dist/*.cdx.json, the bill of materials, belong to them.""")


class _Step:
    """Says what is done, and how long it took."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __enter__(self) -> None:
        self._start_s = time.monotonic()
        print(f"{self._text} …", flush=True)

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            print(f"  well, {time.monotonic() - self._start_s:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
