"""The programs that deployments are checked with: installed once, pinned, kept under .cache/."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clients.environments import CACHE, NoEnvironmentError, python_of

GO_MODULES = {
    "kustomize": ("sigs.k8s.io/kustomize/kustomize/v5", "v5.7.1"),
    "kubeconform": ("github.com/yannh/kubeconform/cmd/kubeconform", "v0.8.0"),
    # The loader of `docker compose` as a program: validates and prints what compose would run.
    "cmd": ("github.com/compose-spec/compose-go/v2/cmd", "v2.9.0"),
}
KUBERNETES = "v1.37.0"
"""The version whose schemas manifests are held to."""
_INSTALL_TIMEOUT_S = 900
_PLACES = "/api/_definitions.json#/$defs/"


class NoCheckerError(Exception):
    """The program cannot be had; the message says why."""


def go_program(name: str) -> Path:
    """A program of `GO_MODULES`, built from the module proxy. Raises NoCheckerError."""
    module, version = GO_MODULES[name]
    folder = CACHE / f"checker-{module.split('/')[2]}-{version}"
    if not (folder / name).exists():
        if shutil.which("go") is None:
            raise NoCheckerError("there is no Go toolchain on this machine")
        _run(["go", "install", f"{module}@{version}"], os.environ | {"GOBIN": str(folder)})
    return folder / name


def python_program(name: str) -> Path:
    """A program that a package of checkers.txt installs. Raises NoCheckerError."""
    return _python().parent / name


def promtool() -> Path:
    """Prometheus' own checker, from the system or from Debian's package. Raises NoCheckerError."""
    installed = shutil.which("promtool")
    if installed:
        return Path(installed)
    folder = CACHE / "checker-prometheus-debian"
    program = folder / "usr" / "bin" / "promtool"
    if not program.exists():
        if shutil.which("apt-get") is None:
            raise NoCheckerError("promtool is not installed, and there is no apt-get to get it")
        folder.mkdir(parents=True, exist_ok=True)
        script = (
            "apt-get download prometheus || (apt-get update && apt-get download prometheus); "
            "dpkg -x prometheus_*.deb ."
        )
        _run(["sh", "-ec", script], cwd=folder)
    return program


def grafana_types() -> Path:
    """A folder with Grafana's types and the TypeScript compiler. Raises NoCheckerError."""
    pins = Path(__file__).parent / "grafana"
    digest = hashlib.sha256((pins / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = CACHE / f"checker-grafana-{digest}"
    if not (folder / "ready").exists():
        if shutil.which("npm") is None:
            raise NoCheckerError("there is no npm on this machine")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(pins, folder)
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)
        (folder / "ready").touch()
    shutil.copy(pins / "types.ts", folder)
    return folder


def kubernetes_schemas() -> Path:
    """A folder with one self-contained schema for each kind. Raises NoCheckerError.

    The package keeps common definitions in one file under an address of its own, which
    kubeconform does not resolve; so each schema is given the definitions that it reaches.
    """
    folder = CACHE / f"checker-kubernetes-schemas-{KUBERNETES}"
    if not folder.exists():
        code = "import kubernetes_validate as k; print(k.__path__[0])"
        package = Path(_run([str(_python()), "-c", code]).strip())
        source = package / "kubernetes-json-schema" / f"{KUBERNETES}-local-strict"
        shared = json.loads((source / "_definitions.json").read_text())["$defs"]
        fresh = folder.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for path in source.glob("*-v1.json"):
            (fresh / path.name).write_text(_self_contained(json.loads(path.read_text()), shared))
        fresh.rename(folder)
    return folder


def _self_contained(schema: dict[str, Any], shared: dict[str, Any]) -> str:
    reached: dict[str, Any] = {}
    waiting = list(_references(schema))
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached[name] = shared[name]
            waiting += _references(shared[name])
    del schema["$id"]
    return json.dumps(schema | {"$defs": reached}).replace(_PLACES, "#/$defs/")


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
    try:
        # The list stands beside this file, not beside those of the clients.
        return python_of("../deploy/checkers")
    except NoEnvironmentError as problem:
        raise NoCheckerError(str(problem)) from problem


def _run(command: list[str], env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_INSTALL_TIMEOUT_S,
            env=env,
            cwd=cwd,
            check=False,
        )
    except subprocess.TimeoutExpired as problem:
        raise NoCheckerError(f"{command[0]} took longer than {_INSTALL_TIMEOUT_S} s") from problem
    if done.returncode != 0:
        raise NoCheckerError(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
    return done.stdout
