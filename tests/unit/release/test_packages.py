"""What may be in the wheel, what has to be, and sums that the usual program checks."""

import subprocess
import zipfile

import pytest

from release.errors import ReleaseError
from release.packages import REQUIRED, check_wheel, misplaced, write_sums

GOOD = [*REQUIRED, "processor/app/pipeline.py", "processor/app/README.md", "x.dist-info/METADATA"]


def test_code_data_and_pages_belong_into_the_wheel():
    assert misplaced(GOOD, REQUIRED) == []


@pytest.mark.parametrize("name", REQUIRED)
def test_what_is_missing_is_named(name):
    assert misplaced([each for each in GOOD if each != name], REQUIRED) == [f"{name} is missing"]


@pytest.mark.parametrize(
    "name",
    [
        "tests/unit/test_a.py",
        "processor/tests/test_a.py",
        "processor/__pycache__/cli.cpython-313.pyc",
        "processor/.mypy_cache/a.py",
        "processor/ledger.db",
        "release/packages.py",
        "deploy/docker/Dockerfile",
    ],
)
def test_what_does_not_belong_into_the_wheel_is_named(name):
    assert misplaced([*GOOD, name], REQUIRED) == [f"{name} does not belong into it"]


def test_a_wheel_without_the_licence_is_refused(tmp_path):
    (tmp_path / "LICENSE").write_text("all of it")
    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("x.dist-info/licenses/LICENSE", "a part")
    with pytest.raises(ReleaseError, match="has not our licence"):
        check_wheel(wheel, tmp_path)


def test_sums_are_what_sha256sum_checks(tmp_path):
    files = [tmp_path / "a.whl", tmp_path / "b.tar.gz"]
    for path in files:
        path.write_text(path.name)
    write_sums(files, tmp_path / "SHA256SUMS")
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 0
