"""Runs the fuzzer over every target, each in a process of its own, one for each core at a time.

    python tests/fuzz/run.py                      every target, 60 s each
    python tests/fuzz/run.py --short --runs 2000  what the gate runs: always the same inputs
    python tests/fuzz/run.py scan --seconds 600

What it finds beyond the kept inputs goes to `.cache/fuzz/`. An input that fails is printed with its
file: put that into `tests/fuzz/faults/TARGET/`, where `test_kept_inputs.py` finds it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOUND = ROOT / ".cache" / "fuzz"
NAMES = ("scan", "logs", "splice", "json", "prices", "catalogue", "budgets", "settings", "unpack")
SEED = 20_260_101
INPUT_BYTES_MAX = 4096
INPUT_S_MAX = 10
MEMORY_MIB_MAX = 2048


def fuzz(name: str, flags: list[str]) -> None:
    """Fuzz one target in this process, which ends with it."""
    import atheris  # noqa: PLC0415 - only where it is used is it needed

    with atheris.instrument_imports(include=["processor"]):
        from fuzz.targets import TARGETS  # noqa: PLC0415 - instrumented while it is imported
    atheris.Setup([sys.argv[0], *flags], TARGETS[name])
    atheris.Fuzz()


def run(name: str, seconds: int, runs: int, *, is_short: bool) -> bool:
    """Fuzz one target in a process of its own; whether it found nothing."""
    kept = [str(folder / name) for folder in (HERE / "corpus", HERE / "faults")]
    folder = FOUND / (f"{name}-short" if is_short else name)
    if is_short:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, __file__, "--one", name, "--"),
        # New inputs are kept in the first folder; a short run begins without those of earlier ones.
        *(str(folder), *filter(_is_folder, kept)),
        f"-runs={runs}" if runs else f"-max_total_time={seconds}",
        f"-seed={SEED if is_short else 0}",
        f"-timeout={INPUT_S_MAX}",
        f"-max_len={INPUT_BYTES_MAX}",
        f"-rss_limit_mb={MEMORY_MIB_MAX}",
        f"-artifact_prefix={folder}-",
        "-print_final_stats=1",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    counted = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    say = sys.stdout.write
    say(f"{name:10} {counted[1] if counted else '?':>9} inputs\n")
    if done.returncode:
        say(f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}\n")
    return not done.returncode


def _is_folder(path: str) -> bool:
    return Path(path).is_dir()


def main() -> int:
    """Run what the arguments ask for."""
    if sys.argv[1:2] == ["--one"]:
        sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
        fuzz(sys.argv[2], sys.argv[4:])
        return 0
    parser = argparse.ArgumentParser(description="Fuzz what reads bytes of others.")
    parser.add_argument("targets", nargs="*", choices=[*NAMES, []], help="all without any")
    parser.add_argument("--seconds", type=int, default=60, help="for each target, without --runs")
    parser.add_argument("--runs", type=int, default=0, help="inputs of each target instead")
    parser.add_argument("--short", action="store_true", help="from the kept inputs, a fixed seed")
    given = parser.parse_args()
    targets = given.targets or NAMES
    each = partial(run, seconds=given.seconds, runs=given.runs, is_short=given.short)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return 0 if all(list(pool.map(each, targets))) else 1


if __name__ == "__main__":
    sys.exit(main())
