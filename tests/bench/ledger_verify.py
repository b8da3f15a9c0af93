"""What `llm-cost verify` and `llm-cost backup` take of a large ledger: time, CPU, memory.

python tests/bench/ledger_verify.py --calls 10000000
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from ledger_file import prepared, say

from processor.io.ledger import SqliteStore

VERIFY_MAX_S = 300.0
"""CPU, so that what else the machine does makes no difference."""
MEMORY_MAX_MIB = 200.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--ledger", type=Path, help="instead of one that is made")
    parser.add_argument("--full", action="store_true", help="hold every span to its charge")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        path = Path(folder) / "ledger.db"
        shutil.copyfile(arguments.ledger or prepared(arguments.calls), path)
        SqliteStore(path).close()  # Brings up the file of an older program.
        verify = ["verify", str(path), "--json", *(["--full"] if arguments.full else [])]
        said = _run("verify", verify)
        found = json.loads(said.output)
        for check in found["checks"]:
            say(f"  {check['name']:9} {check['seconds']:7.1f} s")
        say(f"  spans of one trace in {found['spans_one_in']}")
        copy = Path(folder) / "backup.db"
        _run("backup", ["backup", "--data-dir", folder, str(copy)])
        say(f"  {path.stat().st_size / 1e6:,.0f} MB became {copy.stat().st_size / 1e6:,.0f} MB")
    is_good = found["is_clean"] and said.cpu_s < VERIFY_MAX_S and said.memory_mib < MEMORY_MAX_MIB
    return 0 if is_good else 1


class _Run:
    """A command that has ended."""

    def __init__(self, output: str, cpu_s: float, memory_mib: float) -> None:
        self.output = output
        self.cpu_s = cpu_s
        self.memory_mib = memory_mib


def _run(name: str, words: Iterable[str]) -> _Run:
    start_s = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "processor.cli", *words], stdout=subprocess.PIPE, text=True
    )
    output = "" if process.stdout is None else process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu_s = used.ru_utime + used.ru_stime
    memory_mib = used.ru_maxrss / 1024
    say(
        f"{name}: {time.monotonic() - start_s:.1f} s, {cpu_s:.1f} s of CPU, {memory_mib:.0f} MiB, "
        f"exit code {process.returncode}"
    )
    return _Run(output, cpu_s, memory_mib)


if __name__ == "__main__":
    raise SystemExit(main())
