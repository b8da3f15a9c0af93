"""The example of a guarded call, with OpenAI's SDK and OpenTelemetry's instrumentation of it."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request

import pytest
from cache import NoEnvironmentError
from clients.answers import Answer, Tokens
from clients.environments import python_of
from clients.providers import Providers
from clients.runs import HERE, _environ
from e2e.conftest import serve_with, spawning
from e2e.processes import ROOT
from e2e.test_telemetry import base_url

pytestmark = [pytest.mark.clients, pytest.mark.timeout(2700)]

PRICES = """
models: [{provider: openai, model: "gpt-4o-mini*", prices: [{input: 2.50, output: 10.00}]}]
"""
BUDGETS = "budgets: [{name: daily, scope: user, window: day, limit_usd: 0.0100}]\n"
ANSWERS = [Answer(Tokens(input=100, output=400), text="sunny")] * 2


@pytest.fixture
def processor(tmp_path):
    (tmp_path / "pricing.yaml").write_text(PRICES)
    (tmp_path / "budgets.yaml").write_text(BUDGETS)
    files = ("--pricing", tmp_path / "pricing.yaml", "--budgets", tmp_path / "budgets.yaml")
    with spawning() as spawn:
        yield serve_with(spawn, tmp_path / "data", *files)


def example(url):
    """The example of the page, which asks where the API really is."""
    text = (ROOT / "deploy" / "before-a-call.md").read_text("utf-8")
    [found] = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return found.replace('BudgetGuard(user="ada"', f'BudgetGuard(endpoint="{url}", user="ada"')


def deciding(url):
    body = json.dumps({"scopes": {"user": "ada"}}).encode()
    asked = urllib.request.Request(
        f"{url}/api/v1/budgets/check", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return json.load(answer)["deciding"]


def test_calls_are_made_until_the_budget_does_not_allow_the_next(processor, tmp_path):
    """Guarantees: the instrumentation's own span carries the reservation, which its charge
    releases; what is spent stays below the limit."""
    try:
        python = python_of(HERE / "sdks.txt")
    except NoEnvironmentError as problem:
        pytest.skip(f"NO CLIENT LIBRARIES, so the example is not run: {problem}")
    url = base_url(processor)
    program = tmp_path / "example.py"
    program.write_text(example(url))
    printed = []
    with Providers({"guarded": ANSWERS}) as providers:
        environ = _environ("", PROCESSOR=f"http://127.0.0.1:{processor.port}")
        environ |= {"OPENAI_BASE_URL": f"{providers.url}/guarded/v1", "PYTHONPATH": str(ROOT)}
        for _ in range(3):
            done = subprocess.run(
                [python, program], env=environ, capture_output=True, text=True, timeout=120,
                check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr[-3000:]
            printed.append(done.stdout.strip())
            found = deciding(url)
            assert found["reserved_usd"] == "0.000000000"
        assert len(providers.served) == 2
    assert printed[:2] == ["sunny", "sunny"]
    assert printed[2].startswith("Budget exceeded: $0.0085 / $0.01 until ")
    assert found["spent_usd"] == "0.008500000"
