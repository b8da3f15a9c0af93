"""The layout holds: who imports whom, how large a module may grow, how it is named."""

from __future__ import annotations

import ast
import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "processor"
SOURCES = sorted(
    path for path in PACKAGE.rglob("*.py") if "generated" not in path.relative_to(PACKAGE).parts
)

# Which layers, or packages of a layer, the modules of each layer may import besides their own
# package. So `core` imports only `core`; packages of `io` and of `surfaces` do not import each
# other; surfaces ask through `queries`; and only `app` and `cli` know `io`.
LAYERS = {
    "core": (),
    "io": ("core",),
    "surfaces": ("core", "surfaces.queries", "surfaces.api"),
    "config": ("core",),
    "client": (),
    "app": ("core", "io", "surfaces", "config"),
    "cli": ("core", "io", "surfaces", "config", "app"),
}
IMPURE = {
    "aiohttp", "apsw", "asyncio", "concurrent", "grpc", "http", "logging", "multiprocessing", "os",
    "pathlib", "random", "secrets", "select", "selectors", "shutil", "signal", "socket", "sqlite3",
    "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip
NAMES_WITHOUT_CONTENT = re.compile(r"\b(utils?|helpers?|common|managers?|misc|base)\b")
MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 60
PIPELINE_LINES_MAX = 25


def imports_of(path, submodules=frozenset()):
    """Dotted names of all that a module imports, in functions as well.

    ``from package import name`` gives the package, or the module where `name` is one of
    `submodules`.
    """
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
    """What the rule is about: `core`, `config` …, and each package of `io` and `surfaces`."""
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] in {"io", "surfaces"} else parts[0]


def module_of(path):
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def packages_used(path):
    """Packages of the processor that a module imports, other than its own."""
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
    """Guarantees: the direction of imports that `LAYERS` states."""
    layer = module_of(path).split(".")[0]
    if layer == "__init__":
        assert not packages_used(path), "the package itself imports nothing"
        return
    assert layer in LAYERS, f"{layer} is not in the layout; add it to this test on purpose"
    allowed = LAYERS[layer]
    wrong = {used for used in packages_used(path) if not {used, used.split(".")[0]} & {*allowed}}
    assert not wrong, f"{layer} may import {', '.join(allowed) or 'nothing else'}"


def test_every_layer_of_the_rule_is_one_of_the_design():
    """Guarantees: a new top-level package is a decision, and no layer is created empty."""
    found = {path.name for path in PACKAGE.iterdir() if any(path.rglob("*.py"))}
    assert found <= set(LAYERS) | {"__init__.py"}
    assert set(LAYERS) <= found


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
    """Guarantees: no clock, randomness, log, file, thread or socket where decisions are made."""
    found = {name for name in imports_of(path) if name in IMPURE or name.split(".")[0] in IMPURE}
    assert not found


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if module_of(path).startswith("client.")], ids=named
)
def test_the_client_needs_nothing_that_applications_may_not_have(path):
    """Guarantees: an application that imports it gets none of what the processor is made of."""
    found = {name.split(".")[0] for name in imports_of(path)}
    # What writes on spans is used by applications that have OpenTelemetry.
    theirs = {"opentelemetry"} if module_of(path) == "client.spans" else set()
    assert found <= sys.stdlib_module_names | {"processor", "aiohttp", "yarl"} | theirs


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_modules_and_functions_stay_small(path):
    """Guarantees: a module can be read in one sitting, a function on one screen."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MODULE_LINES_MAX, "split the module"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            lines = node.end_lineno - node.lineno + 1
            assert lines <= FUNCTION_LINES_MAX, f"{node.name} does not fit a screen"


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_the_name_of_a_module_says_what_it_is_about(path):
    """Guarantees: no module collects what belongs nowhere else."""
    assert not NAMES_WITHOUT_CONTENT.search(path.stem.replace("_", " "))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_every_module_has_a_docstring(path):
    """Guarantees: each file opens with a sentence that says what it is for."""
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
    """Guarantees: config/ shows exactly the defaults that are bundled with the package."""
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
    """Guarantees: the order of the steps can be read at once, in one function."""
    tree = ast.parse((PACKAGE / "app" / "pipeline.py").read_text(encoding="utf-8"))
    handle = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "handle"
    )
    assert handle.end_lineno - handle.lineno + 1 <= PIPELINE_LINES_MAX
