"""The ledger copied while it is in use, with the line that the pages show."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import grpc
from e2e.applications import chat, tracer

from processor.surfaces.grpc.generated.cost_service_pb2 import GetTotalsRequest, GetTotalsResponse

DEPLOY = Path(__file__).parents[2] / "deploy"
PAGES = [DEPLOY / folder / "README.md" for folder in ("systemd", "docker", "kubernetes")]
BACKUP = re.compile(r'-c ("import apsw; .*VACUUM INTO.*\)")')


def shown(page):
    """The program that a page passes to Python."""
    (line,) = BACKUP.findall(page.read_text(encoding="utf-8"))
    return shlex.split(line)[0]


def total_nano_usd(port):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask = channel.unary_unary(
            "/llm_cost.v1.CostService/GetTotals",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetTotalsResponse.FromString,
        )
        return ask(GetTotalsRequest(scope="total"), timeout=10).cost_nano_usd


def send(processor, *names):
    provider, app = tracer(processor.port)
    for name in names:
        chat(app, name)
    provider.shutdown()


def test_all_pages_show_the_same_line():
    """Guarantees: the line that is tried below is the line of every page."""
    assert len({shown(page) for page in PAGES}) == 1


def test_a_backup_taken_while_it_runs_is_the_ledger_of_that_moment(serve, backend, tmp_path):
    """Guarantees: the processor goes on, and another one starts on the copy with its totals."""
    forward = ["--forward-to", f"127.0.0.1:{backend.port}"]
    processor = serve(*forward, data_dir=tmp_path / "data")
    send(processor, "one", "two")
    before = total_nano_usd(processor.port)
    assert before > 0
    line = shown(PAGES[0]).replace("/var/lib/llm-cost", str(tmp_path / "data"))
    subprocess.run([sys.executable, "-c", line], check=True, timeout=60)
    send(processor, "three")
    assert total_nano_usd(processor.port) > before
    assert processor.stop() == 0
    restored = tmp_path / "restored"
    restored.mkdir()
    (tmp_path / "data" / "backup.db").rename(restored / "ledger.db")
    again = serve(*forward, data_dir=restored)
    assert total_nano_usd(again.port) == before
    send(again, "four")
    assert total_nano_usd(again.port) > before
