"""The examples of the page about checks before a call are run as they stand."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from urllib.parse import urlsplit

import pytest
from e2e.applications import PRICES
from e2e.processes import ROOT
from e2e.test_telemetry import base_url

PAGE = ROOT / "deploy" / "before-a-call.md"
THERE = "127.0.0.1:8888"
BUDGETS = "budgets: [{name: daily, scope: user, window: day, limit_usd: 0.06}]\n"
SPAN = """
const trace = { getActiveSpan: () => ({ setAttribute: (key, value) => console.log(key, value) }) };
"""


def block(language):
    """The block of the page in one language."""
    found = re.findall(
        rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert len(found) == 1
    return found[0]


@pytest.fixture
def there(serve, tmp_path):
    """Where the API of a processor answers, in which a user may spend six cents a day."""
    (tmp_path / "pricing.yaml").write_text(PRICES)
    (tmp_path / "budgets.yaml").write_text(BUDGETS)
    files = ("--pricing", tmp_path / "pricing.yaml", "--budgets", tmp_path / "budgets.yaml")
    return urlsplit(base_url(serve(*files))).netloc


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **more)


@pytest.mark.skipif(not shutil.which("curl"), reason="NO CURL, so its example is not run")
def test_curl_asks_and_releases(there):
    text = block("console").replace("\\\n", " ")
    check, release = (line.removeprefix("$ ") for line in text.splitlines())
    # Older versions of curl have no --json.
    words = shlex.split(check.replace(THERE, there))
    words[words.index("--json")] = "--data-binary"
    done = run([*words, "--silent", "--header", "Content-Type: application/json"])
    answer = json.loads(done.stdout)
    assert (answer["allowed"], answer["estimate"]["cost_usd"]) == (True, "0.012500000")
    release = release.partition("#")[0].replace("9a1c6f", answer["reservation"]["id"])
    done = run([*shlex.split(release.replace(THERE, there)), "--silent"])
    assert json.loads(done.stdout)["released"]


@pytest.mark.skipif(not shutil.which("node"), reason="NO NODE, so its example is not run")
def test_javascript_is_stopped_at_the_limit(there, tmp_path):
    """Guarantees: the id for the span is written, and a call beyond the budget is an error."""
    program = tmp_path / "example.mjs"
    program.write_text(SPAN + block("javascript").replace(THERE, there))
    first = run(["node", program])
    assert re.fullmatch(r"llm\.budget\.reservation [0-9a-f]{32}\n", first.stdout), first.stderr
    second = run(["node", program])
    assert second.returncode == 1
    assert "Budget would be exceeded: daily of user ada: $0.00 + $0.05 reserved" in second.stderr
