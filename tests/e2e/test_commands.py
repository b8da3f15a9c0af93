"""Commands that ask what was used: of a running processor and of its ledger's file the same."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import urllib.request
from decimal import Decimal

import pytest
from e2e.applications import BUDGETS, PRICES, run_agents, tracer
from e2e.conftest import serve_with, spawning
from e2e.processes import ROOT
from e2e.terminals import Terminal

TOKEN = "a-token-of-some-length"
HOSTILE = "tab\there \x1b[31mred\x1b[0m"
OF_NOW = re.compile(r'"(read_at|ending_at)":"[^"]*"')
"""What differs between two questions that are asked one after the other."""


@pytest.fixture(scope="module")
def processor(tmp_path_factory):
    """A processor that an application has used; with its files, its trace and its address."""
    folder = tmp_path_factory.mktemp("commands")
    (folder / "pricing.yaml").write_text(PRICES)
    (folder / "budgets.yaml").write_text(BUDGETS)
    files = (
        f"pricing: {{file: '{folder}/pricing.yaml'}}\nbudgets: {{file: '{folder}/budgets.yaml'}}\n"
    )
    common = f"data_dir: '{folder}/data'\ndimensions: {{team: [team]}}\n{files}"
    (folder / "serve.yaml").write_text(
        f"{common}api: {{read_tokens: [{TOKEN}]}}\n"
        "telemetry: {metrics: {endpoint: '127.0.0.1:0'}}\n"
    )
    (folder / "file.yaml").write_text(f"{common}telemetry: {{metrics: {{endpoint: ''}}}}\n")
    with spawning() as spawn:
        process = serve_with(
            spawn, folder / "data", "--config", folder / "serve.yaml", "--listen-http", ""
        )
        process.api = re.search(r"http://\S+(?=/api/v1)", process.wait_for("api "))[0]
        provider, app = tracer(process.port, team=HOSTILE)
        process.trace = run_agents(app)
        run_agents(app)
        provider.shutdown()
        process.folder = folder
        yield process


def run(*command, columns=80, token=TOKEN, code=0):
    """What a command prints into a pipe."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-m", "processor.cli", *map(str, command)],
        capture_output=True, cwd=ROOT, timeout=60, check=False,
        env=environment | {"COLUMNS": str(columns), "LLM_COST_TOKEN": token},
    )  # fmt: skip
    assert done.returncode == code, done.stderr.decode()
    return (done.stdout if code == 0 else done.stderr).decode()


COMMANDS = [
    (["today"], ["--json", "--csv"]),
    (["report", "--period", "week", "--by", "agent", "--by", "model", "--compare"], ["--json"]),
    (["report", "--by", "team", "--bucket", "day", "--limit", "1"], ["--json", "--csv", ""]),
    (["report", "--since", "2020-01-01", "--filter", "model=gpt-4o", "--by", "task"], ["--json"]),
    (["calls", "--limit", "3", "--filter", "model=gpt-4o"], ["--json", ""]),
    (["trace"], ["--json", ""]),
    (["session", "s-1"], ["--json", ""]),
]


@pytest.mark.parametrize(("command", "forms"), COMMANDS)
def test_a_processor_and_its_file_give_the_same(processor, command, forms):
    """Guarantees: one question, one answer: as JSON, CSV and lines, from HTTP and from the file."""
    asked = [*command, processor.trace] if command == ["trace"] else command
    ways = ["--endpoint", processor.api], ["--config", processor.folder / "file.yaml"]
    for form in forms:
        one, other = (run(*asked, *whom, *filter(None, [form])) for whom in ways)
        if form:
            assert OF_NOW.sub("", one) == OF_NOW.sub("", other)
            continue
        first, second = one.splitlines(), other.splitlines()
        assert first[0] == f"Answered by the processor at {processor.api}"
        assert second[0].startswith("Read from the ledger at ")
        assert first[1:] == second[1:]
        assert max(len(line) for line in first[1:] if "--cursor" not in line) <= 80


def test_csv_is_that_of_the_api_byte_for_byte(processor):
    """Guarantees: programs that read a pipe get the API's own bytes, whatever names hold."""
    request = urllib.request.Request(
        f"{processor.api}/api/v1/costs?group_by=team&window=month&format=csv",
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        expected = response.read().decode()
    assert HOSTILE in expected
    assert run("report", "--by", "team", "--csv", "--endpoint", processor.api) == expected


def test_the_lines_add_up_to_what_the_document_says(processor):
    """Guarantees: what is read on a terminal is the number of the API."""
    whom = ["--config", processor.folder / "file.yaml"]
    total = json.loads(run("report", "--json", *whom))["totals"]["cost_usd"]
    text = run("report", "--by", "model", *whom)
    assert f"≥ ${float(total):.4f} for 8 calls" in text
    assert text.splitlines()[-2].split()[:3] == ["all", "≥", f"{float(total):.6f}"]


def test_a_terminal_has_colours_unless_told_otherwise(processor):
    """Guarantees: nothing of a name reaches the terminal as it is, and --no-color is obeyed."""
    whom = ["--config", processor.folder / "file.yaml"]
    for flags, is_coloured in (([], True), (["--no-color"], False)):
        terminal = Terminal("report", "--by", "team", *whom, *flags, columns=80)
        assert terminal.popen.wait(60) == 0
        terminal.kill()
        assert ("\x1b[" in terminal.raw) == is_coloured
        assert "\x1b[31m" not in terminal.raw
        assert max(map(len, terminal.lines[1:])) <= 80


def test_mistakes_come_with_the_fix(processor):
    """Guarantees: who mistypes, has no token, or names the wrong port reads what to do."""
    whom = ["--endpoint", processor.api]
    assert "--by: unknown dimension 'agnet' (did you mean agent?" in run(
        "report", "--by", "agnet", *whom, code=2
    )
    assert "set LLM_COST_TOKEN" in run("today", *whom, token="", code=1)
    said = run("today", "--endpoint", f"127.0.0.1:{processor.port}", code=1)
    assert "the address that applications send spans to" in said
    assert "nothing was charged in a trace" in run("trace", "1" * 32, *whom, code=1)


def test_an_empty_ledger_says_how_to_fill_it(spawn, tmp_path):
    """Guarantees: the first screen of a new user names what an application needs."""
    (tmp_path / "p.yaml").write_text(
        f"data_dir: '{tmp_path}'\ntelemetry: {{metrics: {{endpoint: ''}}}}\n"
    )
    process = serve_with(spawn, tmp_path, "--config", tmp_path / "p.yaml", "--listen-http", "")
    text = run("today", "--config", tmp_path / "p.yaml")
    assert "   export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317\n" in text
    assert process.popen.poll() is None


@pytest.mark.parametrize(
    ("dataset", "cost"), [("calls", "cost_usd"), ("usage", "cost_usd"), ("focus", "BilledCost")]
)
def test_files_for_other_programs_have_what_a_report_has(processor, tmp_path, dataset, cost):
    """Guarantees: beside a running processor, to the nano-dollar, and the same when run again."""
    settings = ["--config", processor.folder / "file.yaml"]
    asked = ["export", *settings, "--dataset", dataset, "--period", "all", "--out", tmp_path]
    assert "written" in run(*asked)
    totals = json.loads(run("report", *settings, "--period", "all", "--json"))["totals"]
    rows = []
    for path in sorted(tmp_path.glob(f"{dataset}-*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            rows += csv.DictReader(file)
    assert sum(Decimal(row[cost] or 0) for row in rows) == Decimal(totals["cost_usd"])
    own = "Tags" if dataset == "focus" else "dimensions"
    assert {json.loads(row[own] or "{}").get("team") for row in rows} >= {HOSTILE}
    whole = json.loads((tmp_path / f"manifest-{dataset}.json").read_text())["totals"]
    assert whole["cost_usd"] == totals["cost_usd"]
    assert whole["at_least"] == totals["at_least"]
    again = run(*asked)
    assert "unchanged" in again
    assert ": written" not in again
