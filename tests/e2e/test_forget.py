"""A user is forgotten, through the running processor and on the file."""

from __future__ import annotations

import json
import signal

import pytest
from e2e.operators import batch

# Each call costs 0.0035; the budget of a session is 0.01.
WHO = "s-ada@example.com"
FIRST = batch((1, "gpt-4o", WHO), (2, "gpt-4o", WHO), (3, "gpt-4o", WHO))


def backup_has(operator):
    """Whether a copy of the ledger has the id, also where nothing is."""
    copy = operator.data.with_name("copy.db")
    operator.run("backup", copy, "--force")
    return WHO.encode() in copy.read_bytes()


@pytest.mark.timeout(300)
def test_no_backup_has_a_byte_of_an_id_and_no_total_moves(operator):
    """Guarantees: while it runs, after a kill, and when it was sent again; on the file as well."""
    processor = operator.start()
    operator.send(FIRST)
    assert backup_has(operator)
    trial = operator.run("forget", "--user", WHO, "--dry-run", *operator.there)
    assert "This was a dry run" in trial
    found = json.loads(operator.run("forget", "--user", WHO, "--json", *operator.there))
    tombstone = found["tombstone"]
    assert found["rows"]["crossings"] > 0
    assert found["rows"]["stamps"] > 0
    assert not backup_has(operator)
    operator.send(FIRST)
    operator.send(batch((4, "gpt-4o", WHO), at_s=60))
    assert not backup_has(operator)
    assert operator.total("session", tombstone).calls == 4
    assert operator.total("total").calls == 4
    assert processor.stop(signal.SIGKILL) == -signal.SIGKILL
    assert not backup_has(operator)

    processor = operator.start()
    operator.send(batch((1, "gpt-4o", WHO), trace=2))
    assert operator.total("session", WHO).calls == 1, "a new trace counts under the id again"
    assert processor.stop() == 0
    again = json.loads(operator.run("forget", "--user", WHO, "--json"))
    assert again["tombstone"] != tombstone
    assert not backup_has(operator)
    audit = json.loads(operator.run("audit", "--json"))
    lines = [line["subject"] for line in audit if line["action"] == "forget"]
    assert lines == [again["tombstone"], tombstone]
