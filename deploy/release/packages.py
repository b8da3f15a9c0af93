"""Wheel and sdist: built twice from a clean tree, compared, and looked into."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from release.errors import ReleaseError
from release.tree import run

PACKAGE: Final = "processor"
REQUIRED: Final = (
    f"{PACKAGE}/py.typed",
    f"{PACKAGE}/config/defaults/budgets.yaml",
    f"{PACKAGE}/config/defaults/pricing.yaml",
    f"{PACKAGE}/surfaces/grpc/generated/cost_service.proto",
    f"{PACKAGE}/surfaces/grpc/generated/cost_service_pb2.pyi",
)
"""What is no code, and is needed where only the wheel is."""
_ALLOWED: Final = re.compile(rf"{PACKAGE}/.+\.(py|pyi|proto|yaml|md)|{PACKAGE}/py\.typed")
_UNWANTED: Final = re.compile(r"(^|/)(tests?|__pycache__|\.[^/]+)(/|$)|\.pyc$")


def build(tree: Path, work: Path, epoch: int) -> list[Path]:
    """The sdist and the wheel of a tree, in `work`. Raises ReleaseError.

    Each is built twice, the second time the wheel from the unpacked sdist, and has to have the same
    bytes both times. `epoch` is the time that files in them have, in seconds since 1970.
    """
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    environment.pop("PYTHONPATH", None)

    def made(source: Path, name: str, *kinds: str) -> list[Path]:
        run(
            *(sys.executable, "-m", "build", "--no-isolation", *kinds),
            *("--outdir", work / name, source),
            env=environment,
        )
        return sorted((work / name).iterdir())

    wheel, sdist = made(tree, "first", "--sdist", "--wheel")
    unpacked = work / "unpacked"
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    (source,) = unpacked.iterdir()
    again = made(source, "second", "--sdist", "--wheel")
    for one, other in zip((wheel, sdist), again, strict=True):
        if one.read_bytes() != other.read_bytes():
            raise ReleaseError(
                f"{one.name} is not the same when it is built again, from the sdist:"
                f" compare {one} and {other}"
            )
    check_wheel(wheel, tree)
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)
    shutil.rmtree(unpacked)
    return [wheel, sdist]


def check_wheel(wheel: Path, tree: Path) -> None:
    """Raises ReleaseError where something is missing in the wheel, or should not be in it."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        licences = [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
        if len(licences) != 1 or archive.read(licences[0]) != (tree / "LICENSE").read_bytes():
            raise ReleaseError(f"{wheel.name} has not our licence in it")
    code = {str(path.relative_to(tree)) for path in (tree / PACKAGE).rglob("*.py")}
    problems = misplaced(names, {*REQUIRED, *code})
    if problems:
        raise ReleaseError(f"{wheel.name}: " + "; ".join(problems))


def misplaced(names: Iterable[str], required: Iterable[str]) -> list[str]:
    """What is wrong with the names of the files in a wheel; empty if nothing is."""
    found = {name for name in names if ".dist-info/" not in name}
    missing = sorted({*required} - found)
    unwanted = sorted(
        name for name in found if not _ALLOWED.fullmatch(name) or _UNWANTED.search(name)
    )
    return [f"{name} is missing" for name in missing] + [
        f"{name} does not belong into it" for name in unwanted
    ]


def write_sums(files: Iterable[Path], target: Path) -> None:
    """Write SHA-256 sums as `sha256sum --check` reads them."""
    lines = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    target.write_text("".join(lines), encoding="utf-8")
