import os
import shlex
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from processor.cli import invocation
from processor.cli.invocation import command_name, install_command, repeated

TREE = Path(invocation.__file__).parents[2]


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """A folder with an environment in it, which is not on the PATH."""
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("llm-cost", "python"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setattr(sys, "argv", [str(programs / "llm-cost"), "demo"])
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    return programs


def test_the_program_is_named_as_this_shell_can_call_it(environment, monkeypatch):
    assert command_name() == ".venv/bin/llm-cost"
    monkeypatch.chdir("/")
    assert command_name() == str(environment / "llm-cost")
    monkeypatch.setenv("PATH", str(environment))
    assert command_name() == "llm-cost"


def test_a_program_that_runs_under_another_name_is_called_by_its_own(monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(TREE / "processor" / "cli" / "__main__.py")])
    assert command_name() == "llm-cost"


def test_a_further_command_has_the_flags_that_were_given():
    given = Namespace(config="a b.yaml", data_dir=None, budgets="")
    command = repeated("exclude --undo 7", given, "config", "data_dir", "budgets", "endpoint")
    assert command == "llm-cost exclude --undo 7 --config 'a b.yaml'"


def test_in_a_source_tree_its_own_extra_is_installed(environment, monkeypatch):
    monkeypatch.setattr(invocation, "_TREE", environment.parents[1])
    (environment.parents[1] / "pyproject.toml").touch()
    expected = ".venv/bin/python -m pip install --editable '.[demo]'"
    assert install_command("demo") == expected


def test_from_another_folder_the_tree_is_named(environment):
    words = shlex.split(install_command("fast"))
    assert words == [".venv/bin/python", "-m", "pip", "install", "--editable", f"{TREE}[fast]"]
    assert environment.parents[1] != TREE


@pytest.mark.usefixtures("environment")
def test_outside_a_tree_the_packages_of_the_extra_are_named(monkeypatch, tmp_path):
    declared = ["grpcio<2,>=1.84", 'isal<2,>=1.7; extra == "fast"', 'ruff; extra == "dev"']
    monkeypatch.setattr(invocation, "_TREE", tmp_path / "site-packages")
    monkeypatch.setattr(invocation, "requires", lambda _name: declared)
    assert install_command("fast") == ".venv/bin/python -m pip install 'isal<2,>=1.7'"
