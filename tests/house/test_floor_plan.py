"""The house stays as drawn: who imports whom, how large a module may grow, how it is named."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "processor"
SOURCES = sorted(
    path for path in PACKAGE.rglob("*.py") if "generated" not in path.relative_to(PACKAGE).parts
)

HALL = {"errors", "money", "model", "ports", "document", "fields", "compression", "traffic"}
PURE = {
    # room: the rooms it may use besides the hall
    "wire": set(),
    "semconv": set(),
    "pricing": set(),
    "rollup": set(),
    "budget": {"rollup"},
    "decide": {"rollup", "budget"},
    "emission": set(),
    "enrich": {"emission"},
    # A stored call is priced again and booked again, so both rooms are needed.
    "insight": {"pricing", "decide"},
}
SHELLS = {
    "receiver": {"generated"},
    # The ledger calls the pure decision itself: load, decide and commit are one transaction.
    "ledger": {"decide", "budget", "rollup"},
    "exporter": set(),
    "telemetry": set(),
    # Settings turn the operator's files into the values that rooms define.
    "config": {"pricing", "budget", "emission"},
}
PLANT = {"pipeline", "app", "addresses", "assembly", "costs", "cli", "__init__"}
IMPURE = {
    "asyncio", "concurrent", "grpc", "sqlite3", "apsw", "time", "random", "secrets", "logging",
    "os", "socket", "subprocess", "threading", "pathlib", "shutil", "urllib.request", "http",
}  # fmt: skip
BANNED_NAMES = re.compile(r"\b(utils?|helpers?|common|managers?|misc)\b")


def imports_of(path):
    """Dotted names of everything a module imports, wherever the import stands."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            if node.module == "processor":
                yield from (f"processor.{alias.name}" for alias in node.names)
            else:
                yield node.module


def room_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def rooms_used(path):
    own = room_of(path)
    used = {name.split(".")[1] for name in imports_of(path) if name.startswith("processor.")}
    return {
        room
        for room in used
        if room != own and (PACKAGE / room).exists() | (PACKAGE / f"{room}.py").exists()
    }


def named(path):
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_room_uses_only_what_the_plan_allows(path):
    """Guarantees: data goes one way, and shells never call each other."""
    room = room_of(path)
    if room in PLANT:
        return
    if room in HALL:
        assert rooms_used(path) <= HALL
        return
    assert room in PURE | SHELLS, f"{room} is not on the plan; add it to this test on purpose"
    allowed = HALL | (PURE | SHELLS)[room] | ({"__init__"} if room in SHELLS else set())
    assert rooms_used(path) <= allowed


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if room_of(path) in HALL | PURE.keys()], ids=named
)
def test_pure_rooms_do_no_io(path):
    """Guarantees: no clock, chance, file, thread or socket in a room that decides."""
    found = {name for name in imports_of(path) if name in IMPURE or name.split(".")[0] in IMPURE}
    assert not found


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_modules_and_functions_stay_small(path):
    """Guarantees: a module can be read in one sitting, a function on one screen."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300, "split the module"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            assert node.end_lineno - node.lineno < 60, f"{node.name} does not fit a screen"


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_names_say_what_a_module_owns(path):
    """Guarantees: no drawer for things that had no better place."""
    assert not BANNED_NAMES.search(path.stem.replace("_", " "))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_every_module_says_what_it_is_for(path):
    """Guarantees: each file opens with a sentence."""
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_every_ignore_carries_its_reason():
    """Guarantees: nobody has to guess why a check was switched off."""
    bare = re.compile(
        r"#\s*(noqa(:\s*[A-Z0-9, ]+)?|type:\s*ignore(\[[\w,-]+\])?|pragma: no cover)\s*$"
    )
    for path in SOURCES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not bare.search(line), f"{named(path)}:{number}: say why"


@pytest.mark.parametrize("name", ["pricing.yaml", "budgets.yaml"])
def test_the_files_shown_are_the_files_shipped(name):
    """Guarantees: config/ shows exactly the defaults that the package carries."""
    shown = (ROOT / "config" / name).read_text(encoding="utf-8")
    assert shown == (PACKAGE / "defaults" / name).read_text(encoding="utf-8")


def test_the_top_level_stays_as_it_is():
    """Guarantees: a newcomer finds the same few folders."""
    folders = {
        path.name
        for path in ROOT.iterdir()
        if path.is_dir() and not path.name.startswith(".") and not path.name.endswith(".egg-info")
    }
    assert folders - {"build", "dist", "llm-cost-data"} <= {
        "processor", "proto", "config", "tests", "deploy",
    }  # fmt: skip


def test_the_spine_fits_on_one_screen():
    """Guarantees: the order of the house can be read in one glance."""
    tree = ast.parse((PACKAGE / "pipeline.py").read_text(encoding="utf-8"))
    handle = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "handle"
    )
    assert handle.end_lineno - handle.lineno <= 25
