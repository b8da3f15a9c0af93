"""What a newcomer's first command says and installs, played with a Python that installs nothing."""

import shutil
import subprocess

import pytest
from unit.deploy.shipped import ROOT

GOOD = """\
#!/bin/sh
case "$*" in
  --version) echo Python 3.12.0 ;;
  *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/llm-cost ;;
  *"pip install"*) echo "$*" >> pip.log ;;
esac
"""
OLD = '#!/bin/sh\ncase "$*" in --version) echo Python 3.9.2 ;; *) exit 1 ;; esac\n'


@pytest.fixture
def make(tmp_path):
    """Run make in a tree that has only what the set-up reads, with one Python to be found."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for name in ("sh", "date", "touch", "mkdir", "cp", "rm", "make"):
        found = shutil.which(name)
        assert found, name
        (bin_folder / name).symlink_to(found)

    def run(*arguments, python=""):
        if python:
            (bin_folder / "python3").write_text(python)
            (bin_folder / "python3").chmod(0o755)
        done = subprocess.run(
            ["make", *arguments],
            cwd=tmp_path, env={"PATH": str(bin_folder)}, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
        return done, tmp_path

    return run


@pytest.mark.parametrize(("python", "found"), [("", "none"), (OLD, "Python 3.9.2")])
def test_a_python_that_is_missing_or_too_old_is_named(make, python, found):
    done, _ = make("run", python=python)
    assert done.returncode != 0
    assert f"Python 3.11 or later is needed; here: {found}" in done.stdout
    assert "make run PYTHON=/path/to/python3" in done.stdout


def test_a_python_that_was_asked_for_and_is_too_old_is_named(make):
    done, tree = make("run", "PYTHON=bin/python3", python=OLD)
    assert done.returncode != 0
    assert "Python 3.11 or later is needed; bin/python3 is: Python 3.9.2" in done.stdout
    assert not (tree / ".venv").exists()


def test_run_says_what_it_does_and_installs_no_tools_of_development(make):
    done, tree = make("run", python=GOOD)
    assert done.returncode == 0, done.stderr
    assert "Making an environment of Python 3.12.0 in .venv\n" in done.stdout
    assert "Installing the processor and its demo into .venv\n" in done.stdout
    assert "pip is silent" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    [installed] = (tree / "pip.log").read_text().splitlines()
    assert installed.endswith(".[demo]")
    again, _ = make("run")
    assert "Installing" not in again.stdout


def test_what_development_needs_is_installed_on_top_once_and_is_enough_to_run(make):
    make("run", python=GOOD)
    _, tree = make(".venv/ready")
    _, extra = (tree / "pip.log").read_text().splitlines()
    assert extra.endswith(".[dev]")
    done, _ = make("run")
    assert "Installing" not in done.stdout
