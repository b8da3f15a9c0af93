"""One writer, by whatever name the file is reached."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from contextlib import closing

import pytest

from processor.core.errors import LedgerInUseError
from processor.io.ledger import SqliteStore, is_in_use

OPEN = """
import sys
from pathlib import Path
from processor.core.errors import LedgerInUseError
from processor.io.ledger import SqliteStore, is_in_use
path = Path(sys.argv[1])
try:
    SqliteStore(path).close()
    print("opened", is_in_use(path))
except LedgerInUseError:
    print("refused", is_in_use(path))
"""


def elsewhere(path, cwd=None):
    """What another process makes of a ledger: whether it may write it, and whether it is used."""
    command = [sys.executable, "-c", OPEN, str(path)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=cwd, env=env)
    return done.stdout.split()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.db"


def symbolic(path):
    link = path.with_name("link.db")
    link.symlink_to(path)
    return link


def symbolic_folder(path):
    link = path.parent.with_name("folder")
    link.symlink_to(path.parent)
    return link / path.name


def hard(path):
    link = path.with_name("hard.db")
    link.hardlink_to(path)
    return link


def without_lock_file(path):
    path.with_name("ledger.db.lock").unlink()
    return path


def same(path):
    return path


@pytest.mark.parametrize("name", [same, symbolic, symbolic_folder, hard, without_lock_file])
def test_a_second_writer_is_refused_by_every_name(path, name):
    store = SqliteStore(path)
    other = name(path)
    assert elsewhere(other) == ["refused", "True"]
    with pytest.raises(LedgerInUseError, match="another process keeps this ledger"):
        SqliteStore(other)
    assert is_in_use(other)
    store.close()
    assert not is_in_use(other)
    assert elsewhere(path) == ["opened", "False"]


def test_a_relative_path_is_the_same_ledger(path):
    with closing(SqliteStore(path)):
        assert elsewhere("ledger.db", cwd=path.parent) == ["refused", "True"]


def test_looking_does_not_release_the_locks_of_sqlite(path):
    """Guarantees: in the process that writes, nobody else opens the file; see `lock._HELD`."""
    store = SqliteStore(path)
    store.begin()
    is_in_use(path)
    with pytest.raises(LedgerInUseError):
        SqliteStore(path)
    held = subprocess.run(
        [sys.executable, "-c", f"""
import apsw
database = apsw.Connection({str(path)!r})
try:
    database.execute("BEGIN IMMEDIATE")
except apsw.BusyError:
    print("busy")
database.close()
"""],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert held.stdout == "busy\n"
    # It did not take itself for the last one either, which would have removed the log.
    assert path.with_name("ledger.db-wal").exists()
    store.commit()
    store.close()


def test_an_older_version_is_kept_out_and_keeps_out(path):
    """Guarantees: versions that lock the file beside the ledger only are told apart from none."""
    SqliteStore(path).close()
    with path.with_name("ledger.db.lock").open("w") as older:
        fcntl.flock(older, fcntl.LOCK_EX)
        assert is_in_use(path)
        with pytest.raises(LedgerInUseError):
            SqliteStore(path)
    store = SqliteStore(path)
    with path.with_name("ledger.db.lock").open("w") as older, pytest.raises(BlockingIOError):
        fcntl.flock(older, fcntl.LOCK_EX | fcntl.LOCK_NB)
    store.close()
