"""The programs that deployments are checked with: installed once, pinned, kept under .cache/."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cache import NoEnvironmentError, find, make_once, run
from clients.environments import node_packages, python_of

GO_MODULES = {
    "kustomize": ("sigs.k8s.io/kustomize/kustomize/v5", "v5.7.1"),
    "kubeconform": ("github.com/yannh/kubeconform/cmd/kubeconform", "v0.8.0"),
    # The loader of `docker compose` as a program: validates and prints what compose would run.
    "cmd": ("github.com/compose-spec/compose-go/v2/cmd", "v2.9.0"),
}
KUBERNETES = "v1.37.0"
"""The version whose schemas manifests are held to."""
HERE = Path(__file__).parent
_DEFINITIONS = "/api/_definitions.json#/$defs/"


def go_program(name: str) -> Path:
    """A program of `GO_MODULES`, built from the module proxy. Raises NoEnvironmentError."""
    module, version = GO_MODULES[name]

    def make(folder: Path) -> None:
        find("go")
        run(["go", "install", f"{module}@{version}"], env={"GOBIN": str(folder)})

    return make_once(f"checker-{module.split('/')[2]}-{version}", make) / name


def python_program(name: str) -> Path:
    """A program that a package of checkers.txt installs. Raises NoEnvironmentError."""
    return _python().parent / name


def focus_validator() -> Path:
    """The validator of FOCUS, which needs a later Python. Raises NoEnvironmentError."""
    pins = HERE / "focus.txt"
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()[:16]

    def make(folder: Path) -> None:
        run([_python_from(3, 12), "-m", "venv", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--quiet"]
        run([*pip, "install", "--disable-pip-version-check", "--requirement", str(pins)])

    return make_once(f"checker-focus-{digest}", make) / "bin" / "focus-validator"


def _python_from(*least: int) -> str:
    """An interpreter of that version or a later one. Raises NoEnvironmentError."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    named = [shutil.which(f"python3.{minor}") for minor in (12, 13, 14)]
    found = [sys.executable, *named, *sorted(pyenv.glob("versions/3.*/bin/python"))]
    code = f"import sys; sys.exit(sys.version_info < {least})"
    for python in map(str, filter(None, found)):
        if subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0:
            return python
    raise NoEnvironmentError(f"there is no Python {'.'.join(map(str, least))} on this machine")


def promtool() -> Path:
    """Prometheus' checker, from the system or from Debian's package. Raises NoEnvironmentError."""
    installed = shutil.which("promtool")
    if installed:
        return Path(installed)

    def make(folder: Path) -> None:
        find("apt-get", "dpkg")
        script = (
            "apt-get download prometheus || (apt-get update && apt-get download prometheus); "
            "dpkg -x prometheus_*.deb ."
        )
        run(["sh", "-ec", script], cwd=folder)

    return make_once("checker-prometheus-debian", make) / "usr" / "bin" / "promtool"


def grafana_types() -> Path:
    """A folder with Grafana's types and the TypeScript compiler. Raises NoEnvironmentError."""
    folder = node_packages(HERE / "grafana")
    shutil.copy(HERE / "grafana" / "types.ts", folder)
    return folder


def kubernetes_schemas() -> Path:
    """A folder with one self-contained schema for each kind. Raises NoEnvironmentError.

    The package keeps common definitions in one file under an address of its own, which
    kubeconform does not resolve; so each schema is given the definitions that it reaches.
    """

    def make(folder: Path) -> None:
        code = "import kubernetes_validate as k; print(k.__path__[0])"
        package = Path(run([str(_python()), "-c", code]).strip())
        source = package / "kubernetes-json-schema" / f"{KUBERNETES}-local-strict"
        shared = json.loads((source / "_definitions.json").read_text())["$defs"]
        for path in source.glob("*-v1.json"):
            schema = _self_contained(json.loads(path.read_text()), shared)
            (folder / path.name).write_text(schema)

    return make_once(f"checker-kubernetes-schemas-{KUBERNETES}", make)


def _self_contained(schema: dict[str, Any], shared: dict[str, Any]) -> str:
    reached: dict[str, Any] = {}
    waiting = list(_references(schema))
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached[name] = shared[name]
            waiting += _references(shared[name])
    del schema["$id"]
    return json.dumps(schema | {"$defs": reached}).replace(_DEFINITIONS, "#/$defs/")


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rpartition("/")[2]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _python() -> Path:
    return python_of(HERE / "checkers.txt")
