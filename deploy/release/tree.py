"""The tree that a release is made of: what git has of this checkout, in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from release.errors import ReleaseError


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a program; its stdout. Raises ReleaseError with what it said."""
    words = [str(part) for part in command]
    try:
        done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ReleaseError(f"{words[0]} is not installed") from None
    if done.returncode != 0:
        raise ReleaseError(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def check_clean(root: Path) -> None:
    """Raises ReleaseError where the checkout has what is not committed."""
    changed = run("git", "status", "--porcelain", cwd=root)
    if changed:
        raise ReleaseError(f"not everything here is committed:\n{changed}commit or stash it first")


def copy_tracked(root: Path, target: Path) -> None:
    """Copy what git has of the checkout, as it is at this moment, and nothing else."""
    for name in run("git", "ls-files", "-z", cwd=root).split("\0"):
        source = root / name
        if name and source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


def commit_epoch(root: Path) -> int:
    """When the last commit was made, in seconds since 1970."""
    return int(run("git", "log", "-1", "--format=%ct", cwd=root))


def snapshot(tree: Path) -> dict[Path, bytes]:
    """The files of a tree by their names."""
    return {path.relative_to(tree): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def changed_files(tree: Path, before: dict[Path, bytes]) -> list[Path]:
    """Names of the files of a tree that are other than they were, in order."""
    return sorted(name for name, old in before.items() if (tree / name).read_bytes() != old)


def put_back(root: Path, tree: Path, before: dict[Path, bytes], names: list[Path]) -> None:
    """Copy these files of a tree into the checkout that it was copied from.

    Raises ReleaseError, and copies none, where one of them has been changed meanwhile.
    """
    for name in names:
        if (root / name).read_bytes() != before[name]:
            raise ReleaseError(f"{name} was changed meanwhile: commit it, and start again")
    for name in names:
        shutil.copyfile(tree / name, root / name)
