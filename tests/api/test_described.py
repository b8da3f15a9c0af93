"""The API is asked what its own description allows, and what it does not, by Schemathesis."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from e2e.applications import BUDGETS, PRICES, run_agents, tracer
from e2e.conftest import serve_with, spawning
from e2e.test_telemetry import base_url

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_schema_conformance", "response_headers_conformance", "negative_data_rejection",
    "unsupported_method",
)  # fmt: skip
EXAMPLES = 40
SEED = 20260101


@pytest.fixture
def processor(tmp_path):
    """A processor whose ledger has the calls of a few agents, one of them of unknown cost."""
    (tmp_path / "pricing.yaml").write_text(PRICES)
    (tmp_path / "budgets.yaml").write_text(BUDGETS)
    (tmp_path / "processor.yaml").write_text("dimensions: {team: [team]}\n")
    files = ("--pricing", tmp_path / "pricing.yaml", "--budgets", tmp_path / "budgets.yaml")
    config = ("--config", tmp_path / "processor.yaml")
    with spawning() as spawn:
        started = serve_with(spawn, tmp_path / "data", *files, *config)
        provider, app = tracer(started.port)
        run_agents(app)
        provider.shutdown()
        yield started


@pytest.mark.api
@pytest.mark.timeout(600)
def test_no_question_fails_and_every_answer_is_as_described(processor, tmp_path):
    """Guarantees: no 5xx, no status or document that is not described, nothing wrong accepted.

    The stream is left out, since it never ends.
    """
    program = Path(sys.executable).with_name("schemathesis")
    command = [
        program, "run", f"{base_url(processor)}/api/v1/openapi.json",
        "--checks", ",".join(CHECKS), "--exclude-path", "/stream", "--warnings", "off",
        "--max-examples", EXAMPLES, "--seed", SEED, "--no-color", "--generation-database", "none",
    ]  # fmt: skip
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout[-8000:]
    assert " passed" in done.stdout
