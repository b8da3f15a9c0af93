"""A file of the operator is replaced by its changed text: all of it, or nothing."""

from __future__ import annotations

import os
import stat

import pytest

from processor.config.rewriting import (
    FileChangedError,
    FileNotWritableError,
    OriginalFile,
    create_file,
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "budgets.yaml"
    path.write_bytes(b"a: 1\r\n")
    return path


def left_over(path):
    return sorted(each.name for each in path.parent.iterdir())


def test_the_text_is_replaced_and_mode_and_owner_stay(path):
    path.chmod(0o640)
    if os.getuid() == 0:
        os.chown(path, 1234, 4321)
    before = path.stat()
    original = OriginalFile.read(path)
    assert original.text == "a: 1\r\n"
    original.replace("a: 2\r\n")
    after = path.stat()
    assert path.read_bytes() == b"a: 2\r\n"
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino, "it was replaced, not written over"
    assert left_over(path) == ["budgets.yaml"]


def test_a_byte_order_mark_stays(path):
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    original = OriginalFile.read(path)
    assert original.text == "a: 1\n"
    original.replace("a: 2\n")
    assert path.read_bytes() == b"\xef\xbb\xbfa: 2\n"


def test_a_symbolic_link_stays_one(path, tmp_path):
    link = tmp_path / "link.yaml"
    link.symlink_to(path.name)
    OriginalFile.read(link).replace("a: 2\n")
    assert link.is_symlink()
    assert path.read_text() == "a: 2\n"


def test_a_change_by_somebody_else_meanwhile_is_kept(path):
    original = OriginalFile.read(path)
    path.write_text("a: 3\n")
    with pytest.raises(FileChangedError, match="was changed by somebody else meanwhile"):
        original.replace("a: 2\n")
    assert path.read_text() == "a: 3\n"
    assert left_over(path) == ["budgets.yaml"]


def test_a_read_only_file_is_left_alone(path):
    path.chmod(0o444)
    with pytest.raises(FileNotWritableError, match="read-only"):
        OriginalFile.read(path).replace("a: 2\n")
    assert path.read_bytes() == b"a: 1\r\n"


def test_a_file_of_a_mounted_config_map_is_left_alone(tmp_path):
    """Guarantees: what Kubernetes would replace again is not changed, even if it could be."""
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "budgets.yaml").write_text("a: 1\n")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "budgets.yaml").symlink_to("..data/budgets.yaml")
    with pytest.raises(FileNotWritableError, match="ConfigMap"):
        OriginalFile.read(tmp_path / "budgets.yaml").replace("a: 2\n")


def test_a_file_that_is_a_mount_of_its_own_says_so(path, monkeypatch):
    def busy(*_):
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr("pathlib.Path.replace", busy)
    with pytest.raises(FileNotWritableError, match="mounted by itself"):
        OriginalFile.read(path).replace("a: 2\n")
    assert left_over(path) == ["budgets.yaml"]


def test_a_new_file_never_takes_the_place_of_another(path, tmp_path):
    with pytest.raises(FileChangedError, match="is there already"):
        create_file(path, "a: 2\n")
    assert path.read_bytes() == b"a: 1\r\n"
    new = tmp_path / "new.yaml"
    mask = os.umask(0o022)
    try:
        create_file(new, "a: 2\n")
    finally:
        os.umask(mask)
    assert (new.read_text(), stat.S_IMODE(new.stat().st_mode)) == ("a: 2\n", 0o644)
    assert left_over(path) == ["budgets.yaml", "new.yaml"]
    with pytest.raises(FileNotWritableError, match="cannot be written: No such file"):
        create_file(tmp_path / "none" / "new.yaml", "")
