"""The ledger copied while it is in use, with the line that the pages show."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from e2e.applications import chat, tracer
from e2e.processes import total_nano_usd

DEPLOY = Path(__file__).parents[2] / "deploy"
PAGES = [DEPLOY / folder / "README.md" for folder in ("systemd", "docker", "kubernetes")]
BACKUP = re.compile(r"^[$#] .*llm-cost (backup --.*)$", re.MULTILINE)


def shown(page):
    """The arguments that a page shows."""
    (line,) = BACKUP.findall(page.read_text(encoding="utf-8"))
    return shlex.split(line)


def send(processor, *names):
    provider, app = tracer(processor.port)
    for name in names:
        chat(app, name)
    provider.shutdown()


def test_all_pages_show_the_same_command():
    """Guarantees: what is tried below is what every page shows, but for where the files are."""
    for page in PAGES:
        command, flag, _, target = shown(page)
        assert command == "backup"
        assert flag in {"--data-dir", "--config"}
        assert target.endswith(".db")


def test_a_backup_taken_while_it_runs_is_the_ledger_of_that_moment(serve, backend, tmp_path):
    """Guarantees: the processor goes on, and another one starts on the copy with its totals."""
    forward = ["--forward-to", f"127.0.0.1:{backend.port}"]
    processor = serve(*forward, data_dir=tmp_path / "data")
    send(processor, "one", "two")
    before = total_nano_usd(processor.port, "total")
    assert before > 0
    places = {"/var/lib/llm-cost": tmp_path / "data", "/var/backups/llm-cost": tmp_path}
    words = shown(PAGES[0])
    for place, folder in places.items():
        words = [word.replace(place, str(folder)) for word in words]
    subprocess.run([sys.executable, "-m", "processor.cli", *words], check=True, timeout=60)
    send(processor, "three")
    assert total_nano_usd(processor.port, "total") > before
    assert processor.stop() == 0
    restored = tmp_path / "restored"
    restored.mkdir()
    (tmp_path / "ledger.db").rename(restored / "ledger.db")
    again = serve(*forward, data_dir=restored)
    assert total_nano_usd(again.port, "total") == before
    send(again, "four")
    assert total_nano_usd(again.port, "total") > before
