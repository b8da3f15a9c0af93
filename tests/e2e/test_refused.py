"""What a backend refuses after it was acknowledged, as users meet it: set aside, and sent again."""

from __future__ import annotations

import subprocess
import sys
import urllib.request

from e2e.processes import ROOT, export, wait_until
from e2e.test_exporters import a_call

CONFIG = """
exporters:
  otlp:
    retry_on_failure: {initial_interval: 50ms, max_interval: 100ms}
    sending_queue: {spill_after: 100ms}
"""


def get(processor, path):
    port = processor.wait_for("metrics ").rsplit("http://127.0.0.1:", 1)[1].split("/")[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


def test_from_a_refusal_to_the_backend(serve, backend, tmp_path):
    """Guarantees: counted, logged, shown in the health, kept, and delivered by one command."""
    config, folder = tmp_path / "processor.yaml", tmp_path / "data" / "spool" / "otlp" / "refused"
    config.write_text(CONFIG)
    flags = ("--forward-to", f"127.0.0.1:{backend.port}", "--config", config)
    processor = serve(*flags)
    backend.behave(answer="UNAVAILABLE")
    for number, name in ((1, "good"), (2, "bad apple"), (3, "better")):
        assert export(processor.port, a_call(number, name)) == b""
    backend.behave(poison="bad apple")
    processor.wait_for("it is set aside in")
    wait_until(lambda: len(backend.spans()) == 2)
    name = "queue_set_aside_requests_total"
    line = f'{name}{{exporter="127.0.0.1:{backend.port}",reason="invalid_argument"}} 1.0'
    assert line in get(processor, "/metrics")
    assert "llm-cost resend" in get(processor, "/health")
    assert len(list(folder.glob("*.traces.binpb"))) == 1
    backend.behave()
    command = [sys.executable, "-m", "processor.cli", "resend", folder, "--data-dir",
               tmp_path / "data", *flags]  # fmt: skip
    done = subprocess.run(
        [*map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert "1 of 1 request was sent" in done.stdout
    assert set(backend.by_name()) == {"good", "bad apple", "better"}
    assert list(folder.iterdir()) == []


def test_a_proxys_answer_empties_no_queue(serve, start_backend, tmp_path):
    """Guarantees: 404 and pages in the backend's place cost acknowledged requests nothing."""
    backend = start_backend(is_http=True)
    config = tmp_path / "processor.yaml"
    config.write_text(CONFIG.replace("otlp:", "otlphttp:"))
    url = f"http://127.0.0.1:{backend.port}/"
    processor = serve("--forward-to", url + "v1/traces", "--config", config)
    for status in ("404", "408", "500", "520"):
        backend.behave(answer=status, is_proxy=True)
        attempts = backend.attempts
        assert export(processor.port, a_call(int(status))) == b""
        wait_until(lambda before=attempts: backend.attempts > before + 2)
    backend.behave()
    wait_until(lambda: len(backend.by_name()) == 4)
    assert "queue_set_aside_requests_total{" not in get(processor, "/metrics")
