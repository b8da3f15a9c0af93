"""Whatever senders and backends call themselves, a line of the log is what the processor says."""

import json

import pytest
from e2e.applications import BUDGETS
from e2e.processes import export
from e2e.test_logs import CLAUDE, SESSION, payload_of, send_logs

FORGED = "x\n2026-01-01 00:00:00,000 ERROR forged: \x1b[2J\x9b31m \u202egnp\u2066 \u2028\x85end"
ESCAPED = r"x\n2026-01-01 00:00:00,000 ERROR forged: \x1b[2J\x9b31m \u202egnp\u2066 \u2028\x85end"


def raw_lines(processor):
    """Lines as a terminal or a collector of logs splits them."""
    return [line for text in processor.lines for line in text.splitlines()]


def test_a_name_of_a_sender_stays_in_its_line(serve, backend, tmp_path):
    """Guarantees: a session id can forge no line, clear no terminal and reorder no text."""
    budgets = tmp_path / "budgets.yaml"
    budgets.write_text(BUDGETS.replace("0.0100", "0.0020"))
    processor = serve("--forward-to", f"127.0.0.1:{backend.port}", "--budgets", budgets)
    text = json.dumps(CLAUDE).replace(SESSION, json.dumps(FORGED)[1:-1])
    send_logs(processor.port, payload_of(json.loads(text)))
    line = processor.wait_for("has reached the limit of 0.002 USD")
    assert ESCAPED in line
    assert not [line for line in raw_lines(processor) if line.startswith("2026-01-01 00:00:00")]


def test_what_a_backend_answers_stays_in_its_line(serve, backend):
    """Guarantees: the text of an error that somebody else wrote is quoted, not obeyed."""
    processor = serve("--forward-to", f"127.0.0.1:{backend.port}")
    backend.behave(answer="INVALID_ARGUMENT", message=FORGED)
    with pytest.raises(Exception, match="forged"):
        export(processor.port, b"")
    backend.behave(answer="UNAVAILABLE", message=FORGED)
    export(processor.port, b"")  # The queue on disk takes it.
    for said in ("refuses the signal traces for good", "nothing is delivered for now"):
        line = processor.wait_for(said)
        assert r"ERROR forged: " in line
        assert r"\u202egnp\u2066" in line
        assert line.endswith("end")
    assert not [line for line in raw_lines(processor) if line.startswith("2026-01-01 00:00:00")]
