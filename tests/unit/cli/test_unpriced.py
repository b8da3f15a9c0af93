"""Calls of unknown cost are asked like the other questions."""

import json

import pytest

from processor.cli import main
from processor.io.ledger import SqliteStore


@pytest.fixture
def folder(tmp_path):
    SqliteStore(tmp_path / "data" / "ledger.db").close()
    return ["--data-dir", str(tmp_path / "data")]


@pytest.fixture
def config(tmp_path):
    """Settings of a processor that is asked nowhere."""
    path = tmp_path / "processor.yaml"
    path.write_text("api: {enabled: false}\n")
    return ["--config", str(path)]


def test_a_ledger_of_a_file_is_read(folder, config, capsys):
    assert main(["unpriced", *folder, *config]) == 0
    first, _, second = capsys.readouterr().out.splitlines()
    assert first.startswith("Read from the ledger at ")
    assert second == " The cost of every call in the ledger is known."


def test_json_and_csv_are_the_documents_of_the_api(folder, config, capsys):
    assert main(["unpriced", *folder, *config, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["data"], document["kinds_left_out"]) == ([], 0)
    assert main(["unpriced", *folder, *config, "--csv"]) == 0
    assert capsys.readouterr().out.startswith("provider,models,service,status,reason,calls,tokens")
    assert main(["unpriced", "--csv", "--json"]) == 2


@pytest.mark.parametrize("shown", [["--csv"], ["--json"], []])
def test_the_audit_is_asked_like_the_other_questions(folder, config, capsys, shown):
    assert main(["audit", "--since", "7d", *folder, *config, *shown]) == 0
    out = capsys.readouterr().out
    match shown:
        case ["--csv"]:
            assert out == "number,changed_at,actor,action,subject,before,after\n"
        case ["--json"]:
            assert json.loads(out)["data"] == []
        case _:
            assert out.endswith("\n Nothing was changed in this time.\n")
