"""The layout holds: who imports whom, how large a module may grow, how it is named."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "processor"
SOURCES = sorted(
    path for path in PACKAGE.rglob("*.py") if "generated" not in path.relative_to(PACKAGE).parts
)

# Who may import what of `processor`: a package, and the prefixes of modules it may use besides its
# own. `app` knows everything and so stands nowhere here; commands are the way people start it.
LAYERS = {
    "core": (),
    "io": ("core",),
    "surfaces": ("core", "surfaces.queries"),
    "config": ("core",),
    "cli": ("core", "config", "surfaces", "io", "app"),
    "client": (),
    "app": ("core", "config", "surfaces", "io"),
}
IMPURE = {
    "asyncio", "concurrent", "grpc", "sqlite3", "apsw", "time", "random", "secrets", "logging",
    "os", "socket", "subprocess", "threading", "pathlib", "shutil", "urllib.request", "http",
}  # fmt: skip
BANNED_NAMES = re.compile(r"\b(utils?|helpers?|common|managers?|misc)\b")


def imports_of(path, submodules=frozenset()):
    """Dotted names of all that a module imports, wherever; of known `submodules` their own."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                is_module = full.removeprefix("processor.") in submodules
                yield full if is_module or node.module == "processor" else node.module


def package_of(name):
    """The unit that the rule speaks of: `core`, `config` …, and each package of io and surfaces."""
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] in {"io", "surfaces"} else parts[0]


def module_of(path):
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def packages_used(path):
    """Packages of ours that a module imports, other than its own."""
    own = package_of(module_of(path))
    found = {
        package_of(name.removeprefix("processor."))
        for name in imports_of(path)
        if name.startswith("processor.") and not name.startswith("processor.__")
    }
    return found - {own}


def named(path):
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_module_imports_only_what_its_layer_allows(path):
    """Guarantees: core imports core; io and surfaces import core; surfaces ask through queries."""
    layer = module_of(path).split(".")[0]
    if layer == "__init__":
        return
    assert layer in LAYERS, f"{layer} is not in the layout; add it to this test on purpose"
    allowed = LAYERS[layer]
    assert all(used in allowed or used.split(".")[0] in allowed for used in packages_used(path))


def test_no_two_modules_import_each_other():
    """Guarantees: no import cycle, however long."""
    modules = {module_of(path).removesuffix(".__init__"): path for path in SOURCES}
    graph = {
        name: {
            found
            for used in imports_of(path, submodules=frozenset(modules))
            if (found := used.removeprefix("processor.")) in modules
        }
        for name, path in modules.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the cycle


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if module_of(path).startswith("core.")], ids=named
)
def test_core_does_no_io(path):
    """Guarantees: no clock, chance, file, thread or socket where decisions are made."""
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
    assert shown == (PACKAGE / "config" / "defaults" / name).read_text(encoding="utf-8")


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


def test_the_pipeline_fits_on_one_screen():
    """Guarantees: the order of the steps can be read in one glance."""
    tree = ast.parse((PACKAGE / "app" / "pipeline.py").read_text(encoding="utf-8"))
    handle = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "handle"
    )
    assert handle.end_lineno - handle.lineno <= 25
