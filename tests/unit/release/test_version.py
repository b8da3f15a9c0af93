"""One line has the version, and a new one reaches every place that names the image by it."""

import shutil
import subprocess

import pytest
from unit.deploy.shipped import ROOT

from processor import __version__
from release.errors import ReleaseError
from release.version import set_version, version_of


def test_the_version_of_the_tree_is_that_of_the_program():
    assert version_of(ROOT) == __version__


def test_a_new_version_is_in_all_files_and_the_old_one_in_none(tmp_path):
    """Guarantees: code and image tags are changed, nothing else, and twice is as once."""
    for name in ("processor/__init__.py", "deploy"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    for folder in tmp_path.rglob("__pycache__"):
        shutil.rmtree(folder)
    set_version(tmp_path, "12.34.56rc1")
    assert version_of(tmp_path) == "12.34.56rc1"
    changed = subprocess.run(
        ["diff", "-r", "-x", "__pycache__", ROOT / "deploy", tmp_path / "deploy"],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    removed = [line for line in changed.splitlines() if line.startswith("< ")]
    assert len(removed) >= 14
    assert all("llm-cost-processor" in line and __version__ in line for line in removed)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [p for p in left if f"llm-cost-processor:{__version__}" in p.read_text("utf-8")]
    assert not [p for p in left if f"newTag: {__version__}" in p.read_text("utf-8")]
    before = {path: path.read_bytes() for path in left}
    set_version(tmp_path, "12.34.56rc1")
    assert before == {path: path.read_bytes() for path in left}


def test_a_tree_without_a_version_is_refused(tmp_path):
    (tmp_path / "processor").mkdir()
    (tmp_path / "processor/__init__.py").write_text('"""Nothing."""\n')
    with pytest.raises(ReleaseError, match="has no line __version__"):
        version_of(tmp_path)
