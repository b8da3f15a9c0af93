"""How long a check of budgets takes over HTTP: ``budget_checks.py [--ledger FILE]``.

The processor runs as users run it, on a copy of a ledger with 200,000 calls (see `ledger_file`), or
of the one given, with budgets for calls, everything, users, sessions, organisations and agents. One
client asks without a pause over one connection, alone and while another process sends batches of
calls; every second check holds a reservation, which is released by a charge in the next batch or by
the client. Printed as Markdown.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import random
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from ledger_file import prepared
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_TREE: Final = Path(__file__).parents[2]
_BUDGETS: Final = """
budgets:
  - {name: call, scope: call, limit_usd: 1000}
  - {name: all, scope: total, limit_usd: 100000000}
  - {name: user, scope: user, limit_usd: 100000}
  - {name: user-daily, scope: user, window: day, limit_usd: 100000}
  - {name: session, scope: session, limit_usd: 100000}
  - {name: org, scope: org, limit_tokens: 1000000000000}
  - {name: agent, scope: agent, window: day, limit_usd: 100000}
"""
_SETTINGS: Final = """
ledger: {verify: false, retention: {calls: never, keys: never, traces: never, hours: never}}
"""
_FLOWS: Final = ((0, 0.0), (50, 2.0), (50, 10.0), (200, 2.0), (512, 0.0))
"""Spans of a batch, and batches a second; 0 for no pause between them."""
_WARM_UP: Final = 200


@contextmanager
def _serving(ledger: Path) -> Iterator[tuple[int, int]]:
    """A processor on a copy of a ledger; where its API and OTLP/HTTP answer."""
    with tempfile.TemporaryDirectory(prefix="budget-checks-") as name:
        folder = Path(name)
        shutil.copy(ledger, folder / "ledger.db")
        (folder / "budgets.yaml").write_text(_BUDGETS)
        (folder / "processor.yaml").write_text(_SETTINGS)
        command = [
            sys.executable, "-m", "processor.cli", "serve", "--listen", "127.0.0.1:0",
            "--listen-http", "127.0.0.1:0", "--data-dir", name, "--budgets",
            str(folder / "budgets.yaml"), "--config", str(folder / "processor.yaml"),
        ]  # fmt: skip
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=os.environ | {"PYTHONPATH": str(_TREE)},
        )  # fmt: skip
        try:
            yield _ports(process)
        finally:
            process.terminate()
            process.wait(30)


def _ports(process: subprocess.Popen[str]) -> tuple[int, int]:
    assert process.stdout is not None
    found: dict[str, int] = {}
    patterns = {"api": r"http://\S+?:(\d+)/metrics", "otlp": r"OTLP/HTTP at \S+:(\d+)"}
    for line in process.stdout:
        for word, pattern in patterns.items():
            if match := re.search(pattern, line):
                found[word] = int(match[1])
        if len(found) == len(patterns):
            return found["api"], found["otlp"]
    raise RuntimeError("the processor did not start")


def _batch(rng: random.Random, spans: int) -> bytes:
    """Spans of calls, each of a trace of its own, of 500 users."""
    request = ExportTraceServiceRequest()
    into = request.resource_spans.add().scope_spans.add().spans
    now_ns = time.time_ns()
    for _ in range(spans):
        span = into.add(
            trace_id=secrets.token_bytes(16), span_id=secrets.token_bytes(8), name="chat",
            start_time_unix_nano=now_ns - 10**9, end_time_unix_nano=now_ns,
        )  # fmt: skip
        user = rng.randrange(500)
        texts = {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o", "user.id": f"user-{user}",
            "session.id": f"session-{user}-{rng.randrange(10)}",
        }  # fmt: skip
        for key, text in texts.items():
            span.attributes.add(key=key).value.string_value = text
        for key, count in (("input", 1000), ("output", 100)):
            span.attributes.add(key=f"gen_ai.usage.{key}_tokens").value.int_value = count
    return request.SerializeToString()


def _send(port: int, spans: int, per_s: float, ended: Event, sent: Any) -> None:
    """Send batches until it is over, as many a second as the processor takes and `per_s` says."""
    rng, connection = random.Random(1), http.client.HTTPConnection("127.0.0.1", port, 60)
    due_s = time.monotonic()
    while not ended.is_set():
        body = _batch(rng, spans)
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        response = connection.getresponse()
        response.read()
        assert response.status == 200, response.status
        sent.value += 1
        if per_s:
            due_s += 1 / per_s
            time.sleep(max(due_s - time.monotonic(), 0))


def _wait_for_totals(port: int) -> None:
    """Wait until all totals that budgets follow are filled, and nothing else is done."""
    connection = http.client.HTTPConnection("127.0.0.1", port, 60)
    body = json.dumps({"scopes": {"agent": "agent-1"}})
    while True:
        connection.request(
            "POST", "/api/v1/budgets/check", body, {"Content-Type": "application/json"}
        )
        if all(each["progress"] == 1 for each in json.load(connection.getresponse())["budgets"]):
            return
        time.sleep(0.5)


def _ask(port: int, checks: int, rng: random.Random) -> list[float]:
    """Milliseconds of each check."""
    connection = http.client.HTTPConnection("127.0.0.1", port, 60)
    taken_ms = []
    for number in range(checks):
        user = rng.randrange(500)
        body = json.dumps({
            "scopes": {
                "user": f"user-{user}", "session": f"session-{user}-1", "org": "org-1",
                "agent": "agent-1",
            },
            "model": "gpt-4o", "input_tokens": 1000, "output_tokens": 500,
            "reserve": number % 2 == 0, "ttl_s": 5,
        })  # fmt: skip
        begun_s = time.perf_counter()
        connection.request(
            "POST", "/api/v1/budgets/check", body, {"Content-Type": "application/json"}
        )
        response = connection.getresponse()
        answer = response.read()
        taken_ms.append((time.perf_counter() - begun_s) * 1000)
        assert response.status == 200, answer
        time.sleep(rng.expovariate(200))  # A caller who asks again at once meets the same moment.
    return taken_ms


def _measured(ports: tuple[int, int], spans: int, per_s: float, checks: int) -> dict[str, float]:
    api, otlp = ports
    rng, ended, sent = random.Random(2), multiprocessing.Event(), multiprocessing.Value("q", 0)
    sender = multiprocessing.Process(target=_send, args=(otlp, spans, per_s, ended, sent))
    if spans:
        sender.start()
    _ask(api, _WARM_UP, rng)
    begun_s, before = time.monotonic(), sent.value
    taken_ms = _ask(api, checks, rng)
    rate = (sent.value - before) / (time.monotonic() - begun_s)
    ended.set()
    if spans:
        sender.join()
    cut = quantiles(taken_ms, n=1000)
    return {
        "spans_per_s": rate * spans, "p50": cut[499], "p95": cut[949], "p99": cut[989],
        "most": max(taken_ms),
    }  # fmt: skip


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure each flow, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledger", type=Path, help="a ledger to copy, instead of one made here")
    parser.add_argument("--checks", type=int, default=2000, help="checks for each flow")
    given = parser.parse_args()
    ledger = given.ledger or prepared(200_000) / "ledger.db"
    _say("| batches | spans/s | p50 ms | p95 | p99 | most |")
    _say("| --- | ---: | ---: | ---: | ---: | ---: |")
    with _serving(ledger) as ports:
        _wait_for_totals(ports[0])
        for spans, per_s in _FLOWS:
            found = _measured(ports, spans, per_s, given.checks)
            what = "none"
            if spans:
                pause = f"{per_s:g} a second" if per_s else "without a pause"
                what = f"of {spans} spans, {pause}"
            row = " | ".join(f"{found[name]:.1f}" for name in ("p50", "p95", "p99", "most"))
            _say(f"| {what} | {found['spans_per_s']:.0f} | {row} |")


if __name__ == "__main__":
    main()
