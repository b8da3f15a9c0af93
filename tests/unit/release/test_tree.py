"""A release is made of what git has, as it is now, and names what it changes."""

from pathlib import Path

import pytest

from release.errors import ReleaseError
from release.tree import (
    changed_files,
    check_clean,
    commit_epoch,
    copy_tracked,
    put_back,
    run,
    snapshot,
)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository with one file that is committed."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1700000000 +0000")
    root = tmp_path / "checkout"
    (root / "a").mkdir(parents=True)
    (root / "a/kept.txt").write_text("kept")
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    run("git", "init", "--quiet", cwd=root)
    run("git", "add", ".", cwd=root)
    run("git", *identity, "commit", "--quiet", "--message", "First", cwd=root)
    return root


def test_only_what_git_has_is_copied(checkout, tmp_path):
    check_clean(checkout)
    (checkout / "a/built.pyc").write_text("unwanted")
    (checkout / "a/kept.txt").write_text("as it is now")
    copy_tracked(checkout, tmp_path / "copy")
    copied = [path for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert [path.name for path in copied] == ["kept.txt"]
    assert copied[0].read_text() == "as it is now"


def test_what_a_release_changes_is_put_back_unless_somebody_was_faster(checkout, tmp_path):
    """Guarantees: only files that the release has changed are written, and no other's work is."""
    kept, copy = Path("a/kept.txt"), tmp_path / "copy"
    copy_tracked(checkout, copy)
    before = snapshot(copy)
    (copy / kept).write_text("released")
    assert changed_files(copy, before) == [kept]
    (checkout / kept).write_text("somebody else's")
    with pytest.raises(ReleaseError, match="was changed meanwhile"):
        put_back(checkout, copy, before, [kept])
    assert (checkout / kept).read_text() == "somebody else's"
    (checkout / kept).write_text("kept")
    put_back(checkout, copy, before, [kept])
    assert (checkout / kept).read_text() == "released"


def test_a_checkout_with_changes_is_refused_and_they_are_named(checkout):
    (checkout / "a/kept.txt").write_text("other")
    with pytest.raises(ReleaseError, match=r"a/kept\.txt"):
        check_clean(checkout)


def test_the_time_of_the_last_commit_is_known(checkout):
    assert commit_epoch(checkout) == 1_700_000_000


def test_what_a_failed_program_said_is_in_the_message(checkout):
    with pytest.raises(ReleaseError, match="git no-such-command failed"):
        run("git", "no-such-command", cwd=checkout)
    with pytest.raises(ReleaseError, match="no-such-program is not installed"):
        run("no-such-program")
