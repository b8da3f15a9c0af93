"""What was built, tried as a user would: alone in a new environment, away from the checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
import venv
from decimal import Decimal
from pathlib import Path
from typing import Final

from release.errors import ReleaseError
from release.tree import run

START_S: Final = 30.0
"""How long the processor may take until it listens."""
_PROBE: Final = "import processor, sys; print(processor.__file__); print(*sys.path, sep='\\n')"


def try_wheel(wheel: Path, version: str, work: Path) -> str:
    """Install the wheel and use it; a software bill of materials of what it needs, as JSON.

    Raises ReleaseError.
    """
    folder = work / "environment"
    venv.create(folder)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    home = work / "home"
    home.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment = {**kept, "HOME": str(home), "NO_COLOR": "1"}
    run(*pip, "install", "--quiet", wheel)
    run(*pip, "check")
    where, *paths = run(python, "-c", _PROBE, cwd=home, env=environment).splitlines()
    checkout = str(Path(__file__).parents[2])
    if not where.startswith(str(folder)) or any(path.startswith(checkout) for path in paths):
        raise ReleaseError(f"the trial used {where}, and not what was installed from the wheel")
    command = folder / "bin" / "llm-cost"
    said = run(command, "--version", cwd=home, env=environment).strip()
    if said != f"llm-cost {version}":
        raise ReleaseError(f"llm-cost --version says {said!r}, and the version is {version}")
    bill = _bill_of_materials(python)
    _try_serving(command, home, environment)
    run(*pip, "install", "--quiet", f"{wheel}[demo]")
    shown = run(command, "demo", "--once", "--listen", "127.0.0.1:0", cwd=home, env=environment)
    if "invoke_agent" not in shown:
        raise ReleaseError(f"llm-cost demo shows no agent:\n{shown}")
    return bill


def _bill_of_materials(python: Path) -> str:
    """CycloneDX of the packages in an environment, the same for the same packages."""
    for path in python.parents[1].rglob("llm_cost_processor-*.dist-info/direct_url.json"):
        path.unlink()  # It has the path of the wheel on this machine.
    return run(sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", python)


def _try_serving(command: Path, home: Path, environment: dict[str, str]) -> None:
    """Let it price a span and say what that cost. Raises ReleaseError."""
    log = home / "serve.log"
    with log.open("w") as output:
        served = subprocess.Popen(
            [command, "serve", "--listen", "127.0.0.1:0", "--listen-http", "127.0.0.1:0"],
            cwd=home, env=environment, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        receiver = _address(log, r"OTLP/HTTP at (127\.0\.0\.1:\d+)")
        answers = _address(log, r"http://(127\.0\.0\.1:\d+)/api/v1")
        _request(f"http://{receiver}/v1/traces", json.dumps(_trace()).encode())
        document = json.loads(_request(f"http://{answers}/api/v1/costs?window=24h"))
        cost_usd = Decimal(document["totals"]["cost_usd"])
        if document["totals"]["calls"] != 1 or cost_usd <= 0:
            raise ReleaseError(f"a call of gpt-4o costs {cost_usd}, says the API: {document}")
    finally:
        served.terminate()
        code = served.wait(timeout=START_S)
    if code != 0:
        raise ReleaseError(f"llm-cost serve ended with {code}:\n{log.read_text()}")


def _address(log: Path, pattern: str) -> str:
    """The address that the processor's lines name. Raises ReleaseError if they do not in time."""
    end_s = time.monotonic() + START_S
    while time.monotonic() < end_s:
        if found := re.search(pattern, log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise ReleaseError(f"llm-cost serve does not listen:\n{log.read_text()}")


def _request(address: str, body: bytes | None = None) -> bytes:
    """The answer to a request. Raises ReleaseError."""
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=START_S) as response:
            return bytes(response.read())
    except OSError as problem:
        raise ReleaseError(f"{address}: {problem}") from None


def _trace() -> dict[str, object]:
    """A trace with one LLM call, as OTLP/JSON."""
    now_ns = time.time_ns()
    texts = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
    }
    counts = {
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 200,
    }
    attributes: list[object] = [
        *({"key": key, "value": {"stringValue": value}} for key, value in texts.items()),
        *({"key": key, "value": {"intValue": str(value)}} for key, value in counts.items()),
    ]
    span = {
        "traceId": os.urandom(16).hex(),
        "spanId": os.urandom(8).hex(),
        "name": "chat gpt-4o",
        "startTimeUnixNano": str(now_ns - 2_000_000_000),
        "endTimeUnixNano": str(now_ns),
        "attributes": attributes,
    }
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
