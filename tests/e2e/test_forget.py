"""A user is forgotten, through the running processor and on the file."""

from __future__ import annotations

import json
import signal

import pytest
from e2e.operators import batch
from e2e.processes import export, wait_until

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
    audit = json.loads(operator.run("audit", "--json"))["data"]
    lines = [line["subject"] for line in audit if line["action"] == "forget"]
    assert lines == [again["tombstone"], tombstone]


def kept_files(operator, folder=""):
    """All that is on the disk for the backend."""
    return [path for path in (operator.data / "spool" / folder).rglob("*") if path.is_file()]


def kept_with_id(operator):
    return [path for path in kept_files(operator) if WHO.encode() in path.read_bytes()]


@pytest.mark.timeout(300)
def test_requests_on_the_disk_lose_the_id_and_are_sent_once(operator, backend):
    """Guarantees: for those that wait and those that were set aside, by the running process and on
    the files it has left; each arrives once, and all else of it is as it was."""
    backend.behave(answer="UNAVAILABLE")
    processor = operator.start()
    for trace in (1, 2):
        export(processor.port, batch((1, "gpt-4o", WHO), (2, "gpt-4o", "s-2"), trace=trace))
    wait_until(lambda: kept_with_id(operator))
    trial = json.loads(
        operator.run("forget", "--user", WHO, "--dry-run", "--json", *operator.there)
    )
    assert trial["rows"]["requests on the disk"] == 2
    found = json.loads(operator.run("forget", "--user", WHO, "--json", *operator.there))
    assert found["rows"]["requests on the disk"] == 2
    assert not kept_with_id(operator)
    # A trace of now that is sent late keeps the id on its way; the stopped one has it on the disk.
    export(processor.port, batch((3, "gpt-4o", WHO), trace=1))
    wait_until(lambda: kept_with_id(operator))
    assert processor.stop(signal.SIGKILL) == -signal.SIGKILL
    aside = operator.data / "spool" / "otlp" / "refused"
    aside.mkdir(mode=0o700)
    name = "20261130T000705.123456Z-1.traces"
    (aside / f"{name}.binpb").write_bytes(batch((4, "gpt-4o", WHO), trace=3))
    notes = {"refused": f"not for {WHO}", "headers": []}
    (aside / f"{name}.json").write_text(json.dumps(notes))
    again = json.loads(operator.run("forget", "--user", WHO, "--json"))
    assert (again["rows"]["requests on the disk"], again["rows"]["requests set aside"]) == (1, 1)
    assert not kept_with_id(operator)
    kept = json.loads((aside / f"{name}.json").read_text())
    assert kept["refused"] == f"not for {again['tombstone']}"

    backend.behave()
    operator.start()
    wait_until(lambda: len(backend.spans()) == 5)
    sessions = sorted(
        (span.name, pair.value.string_value)
        for _, _, span in backend.spans()
        for pair in span.attributes
        if pair.key == "session.id"
    )
    first, later = found["tombstone"], again["tombstone"]
    assert sessions == [
        ("call 1", first), ("call 1", first), ("call 2", "s-2"), ("call 2", "s-2"),
        ("call 3", later),
    ]  # fmt: skip
