"""Commands ask the processor that runs, or the ledger's file, and say so."""

import json
import socket

import pytest

from processor.cli.choice import ClosedError, NoAnswerError
from processor.cli.questions import open_questions
from processor.core.errors import ConfigError, NotFoundError
from processor.io.ledger import SqliteStore
from processor.surfaces.api.documents import CallsDocument, CostsDocument


@pytest.fixture
def stopped(given, tmp_path):
    """Arguments of settings whose processor listens where nothing does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def make(port=port, **flags):
        config = tmp_path / "processor.yaml"
        config.write_text(
            f"data_dir: {tmp_path / 'data'}\n"
            f"telemetry: {{metrics: {{endpoint: '127.0.0.1:{port}'}}}}\n"
        )
        return given(config=str(config), **flags)

    return make


def test_a_ledger_file_answers_as_the_api_does(stopped, tmp_path):
    """Guarantees: documents, JSON and CSV are those of the table of endpoints."""
    SqliteStore(tmp_path / "data" / "ledger.db").close()
    with open_questions(stopped()) as answer:
        assert answer.source.startswith(f"read from the ledger at {tmp_path / 'data'}")
        questions = answer.value
        query = [("window", "today"), ("group_by", "agent")]
        document = questions.get(CostsDocument, "/costs", query)
        assert document.group_by == ["agent"]
        assert json.loads(questions.text("/costs", query, "json"))["group_by"] == ["agent"]
        assert ",ending_at,agent,label," in questions.text("/costs", query, "csv")
        assert questions.get(CallsDocument, "/calls").data == []
        with pytest.raises(NotFoundError):
            questions.get(CallsDocument, f"/traces/{'1' * 32}")


def test_mistakes_are_named_by_flags(stopped, tmp_path):
    """Guarantees: who types --by modle reads of --by, and what it takes."""
    SqliteStore(tmp_path / "data" / "ledger.db").close()
    query = [("group_by", "modle"), ("window", "fortnight"), ("filter[nobody]", "x")]
    for each, said in zip(
        query,
        [r"--by: .*\(did you mean model\? it takes", "--period: unknown", "--filter"],
        strict=True,
    ):
        with pytest.raises(ConfigError, match=said), open_questions(stopped()) as answer:
            answer.value.text("/costs", [each], "json")


def test_a_processor_that_answers_nobody_leaves_the_file_to_be_read(api, stopped, tmp_path):
    """Guarantees: in a container without tokens the commands work where its ledger is."""
    body = {"type": "urn:x", "title": "t", "status": 403, "detail": "set tokens", "errors": []}
    port, _ = api(403, json.dumps(body).encode())
    with pytest.raises(ClosedError, match="set tokens"), open_questions(stopped(port)):
        pass
    SqliteStore(tmp_path / "data" / "ledger.db").close()
    with open_questions(stopped(port)) as answer:
        assert answer.warnings[0].endswith("set tokens; the ledger's file was read instead")


def test_without_ledger_and_processor_the_flags_that_help_are_named(stopped, tmp_path):
    with (
        pytest.raises(NoAnswerError, match=r"there is no ledger at .*--endpoint, or .*--data-dir"),
        open_questions(stopped()),
    ):
        pass
    assert not (tmp_path / "data").exists()
