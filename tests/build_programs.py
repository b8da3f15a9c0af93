"""Builds and installs the programs that tests need, so that they are there when tests want them.

    python tests/build_programs.py

Two rows of work go on side by side: what compiles, and what is installed from packages. Each line
of output is one program, how long it took, and what became of it. A program that this machine
cannot have is no failure here: its tests are skipped, and say so.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from backends.running import make_by
from cache import NoEnvironmentError
from clients.environments import AGENTS, HERE, PROGRAMS, node_packages, python_of
from senders.build import built

from deploy import checkers

Program = tuple[str, Callable[[], object]]

# What a later one needs comes first: the page of a sender is opened in Chromium.
INSTALLED: list[Program] = [
    ("Chromium", partial(make_by, "install_chromium.sh")),
    ("Phoenix", partial(make_by, "install_phoenix.sh")),
    ("promtool", checkers.promtool),
    ("validator of FOCUS", checkers.focus_validator),
    ("hadolint", partial(checkers.python_program, "hadolint")),
    ("schemas of Kubernetes", checkers.kubernetes_schemas),
    ("types of Grafana", checkers.grafana_types),
    *((f"clients: {pins.stem}", partial(python_of, pins)) for pins in sorted(HERE.glob("*.txt"))),
    ("clients: Vercel AI SDK", partial(node_packages, PROGRAMS)),
    ("clients: coding agents", partial(node_packages, AGENTS)),
    ("senders: Python", partial(built, "python")),
    ("senders: JavaScript", partial(built, "javascript")),
    ("senders: browser", partial(built, "browser")),
]
COMPILED: list[Program] = [
    ("Collector", partial(make_by, "build_collector.sh")),
    ("Jaeger", partial(make_by, "build_jaeger.sh")),
    *((f"checker {name}", partial(checkers.go_program, name)) for name in checkers.GO_MODULES),
    ("senders: Go", partial(built, "go")),
    ("senders: Rust", partial(built, "rust")),
    ("senders: Java", partial(built, "java")),
]


def make(program: Program) -> bool:
    """Whether it is there, or cannot be had; False when it failed."""
    name, build = program
    start_s = time.monotonic()
    is_well, outcome = True, "ready"
    try:
        build()
    except NoEnvironmentError as problem:
        outcome = f"cannot be had here: {problem}"
    except Exception as problem:  # noqa: BLE001 - the others are made all the same
        is_well, outcome = False, f"FAILED: {problem}"
    sys.stdout.write(f"{name}: {outcome} ({time.monotonic() - start_s:.0f} s)\n")
    sys.stdout.flush()
    return is_well


def main() -> int:
    """Make them all; the exit code says whether one failed."""
    with ThreadPoolExecutor() as rows:
        results = list(rows.map(lambda row: [make(each) for each in row], (COMPILED, INSTALLED)))
    return 0 if all(map(all, results)) else 1


if __name__ == "__main__":
    sys.exit(main())
