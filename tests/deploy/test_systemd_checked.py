"""The unit file, held to what systemd itself understands and thinks of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from e2e.applications import run_agents, tracer
from e2e.processes import Process

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "llm-cost.service"
BACKUP = UNIT.with_name("llm-cost-backup.service")
EXPOSURE_MAX = 2.0
"""systemd's own score, from 0 (locked in) to 10; below 2 it says OK, above 5 MEDIUM."""

ONLY_AS_ROOT = {"fchown"}
"""SQLite gives its files to the folder's owner where it may: as root, which it is not there."""

pytestmark = pytest.mark.backend


@pytest.fixture
def analyze():
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("NO systemd-analyze on this machine: the unit is not checked")
    return program


@pytest.fixture(params=[UNIT, BACKUP], ids=lambda path: path.stem)
def unit(tmp_path, request):
    """A unit with a program that is there, since systemd looks for it."""
    text = request.param.read_text(encoding="utf-8")
    changed = text.replace("/opt/llm-cost/bin/llm-cost", "/bin/true")
    assert changed != text
    path = tmp_path / request.param.name
    path.write_text(changed, encoding="utf-8")
    return path


def test_systemd_understands_every_line(analyze, unit, passes):
    """Guarantees: no unknown directive and no wrong value; systemd only warns of those."""
    assert passes(analyze, "verify", "--man=no", unit) == ""


def test_systemd_finds_it_well_locked_in(analyze, unit, passes):
    """Guarantees: the sandbox stays as tight as it was."""
    shown = passes(analyze, "security", "--offline=true", "--no-pager", unit)
    score = float(re.search(r"Overall exposure level for [^:]+: ([0-9.]+)", shown)[1])
    assert score <= EXPOSURE_MAX, shown


def _filtered(analyze):
    """The system calls that the unit's filter lets through."""
    lines = re.findall(r"^SystemCallFilter=(~?)(.*)$", UNIT.read_text("utf-8"), re.MULTILINE)
    allowed = set()
    for is_denied, sets in lines:
        named = {call for each in sets.split() for call in _calls_of(analyze, each)}
        allowed = allowed - named if is_denied else allowed | named
    return allowed


def _calls_of(analyze, name):
    if not name.startswith("@"):
        return {name}
    shown = subprocess.run(
        [analyze, "syscall-filter", "--no-pager", name], capture_output=True, text=True, check=True
    )
    inside = [line.strip() for line in shown.stdout.splitlines()[1:]]
    members = [line for line in inside if line and not line.startswith("#")]
    return {call for each in members for call in _calls_of(analyze, each)}


def test_the_filter_lets_through_every_system_call_that_is_made(analyze, backend, spawn, tmp_path):
    """Guarantees: from start to end, with calls in between, nothing runs into the sandbox."""
    if shutil.which("strace") is None:
        pytest.skip("NO strace on this machine: the filter is not held to what the program does")
    trace, settings = tmp_path / "trace", tmp_path / "settings.yaml"
    settings.write_text("exports: {all: {format: csv.gz}}\n")
    processor = spawn(
        Process, "-c", "import os, sys; os.execvp('strace', ['strace', *sys.argv[1:]])",
        "-f", "-qq", "-o", trace, sys.executable,
        "-m", "processor.cli", "serve", "--listen=127.0.0.1:0", f"--config={settings}",
        f"--forward-to=127.0.0.1:{backend.port}", f"--data-dir={tmp_path / 'data'}",
    )  # fmt: skip
    port = int(processor.wait_for("listens on").rsplit(":", 1)[1].split()[0])
    provider, app = tracer(port)
    run_agents(app)
    provider.shutdown()
    processor.wait_for("export all: usage-")
    # The program itself is strace's child.
    children = Path(f"/proc/{processor.popen.pid}/task/{processor.popen.pid}/children")
    os.kill(int(children.read_text().split()[0]), signal.SIGTERM)
    assert processor.popen.wait(30) == 0
    made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
    assert {"accept4", "fdatasync", "setpriority"} <= made
    assert made - _filtered(analyze) <= ONLY_AS_ROOT
