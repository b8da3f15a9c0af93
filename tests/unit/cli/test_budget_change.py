"""Limits are changed by a command: in the file that is configured, or in a new one."""

from __future__ import annotations

import pytest

from processor.cli import main
from processor.config import bundled

TEXT = """\
# Ours.
budgets:
  - {name: each-user, scope: user,   window: day, limit_usd: 5.00}   # a day
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "ours.yaml"
    path.write_text(TEXT)
    return path


def budget(capsys, *words):
    code = main(["budget", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_limit_changes_in_its_line_and_is_shown_before_and_after(capsys, file):
    code, out, _ = budget(capsys, "set", "each-user", "--limit", "7", "--budgets", file)
    assert code == 0
    assert file.read_text() == TEXT.replace("5.00", "7.00")
    assert f"{file}:3: each-user" in out
    assert "before  5.00 USD per day for each user\n" in out
    assert "now     7.00 USD per day for each user\n" in out
    assert "llm-cost audit" in out
    code, out, _ = budget(capsys, "--budgets", file, "set", "each-user", "--limit", "7")
    assert (code, "nothing was written" in out) == (0, True)


def test_a_dry_run_shows_the_lines_and_writes_nothing(capsys, file):
    for words in (("--dry-run", "set", "each-user"), ("set", "each-user", "--dry-run")):
        code, out, _ = budget(capsys, *words, "--limit", "7", "--budgets", file)
        assert code == 0
        assert "instead of line 3:" in out
        assert "Nothing was written." in out
        assert file.read_text() == TEXT


def test_limits_for_everything_are_set_by_their_window(capsys, file):
    code, out, _ = budget(
        capsys, "--daily", "10", "--weekly", "$50", "--monthly", "1_000", "--budgets", file
    )
    assert code == 0
    assert [line for line in out.splitlines() if "now" in line] == [
        "  now     10.00 USD per day in all",
        "  now     50.00 USD per week in all",
        "  now     1000.00 USD per month in all",
    ]
    assert file.read_text().startswith(TEXT)


def test_without_a_file_one_is_made_from_the_bundled_and_said_how_to_use(capsys, file):
    code, out, _ = budget(capsys, "--daily", "10")
    assert code == 0
    new = file.parent / "budgets.yaml"
    assert "name: total-daily" in new.read_text()
    assert {*bundled("budgets.yaml").splitlines()} < {*new.read_text().splitlines()}
    assert "--budgets budgets.yaml, or in the settings: budgets: {file: budgets.yaml}" in out
    code, _, err = budget(capsys, "--daily", "20")
    assert code == 2
    assert "budgets.yaml: is there, and no setting names it" in err
    (file.parent / "etc").mkdir()
    settings = file.parent / "etc" / "processor.yaml"
    settings.write_text("{}")
    assert budget(capsys, "--daily", "20", "--config", settings)[0] == 0
    assert (settings.parent / "budgets.yaml").exists()


def test_a_read_only_file_gets_the_lines_to_paste_and_exit_code_1(capsys, file):
    file.chmod(0o444)
    code, out, _ = budget(capsys, "set", "each-user", "--limit", "7", "--budgets", file)
    assert code == 1
    assert "it is read-only. Change it there:" in out
    assert TEXT.splitlines()[2].replace("5.00", "7.00") in out
    assert file.read_text() == TEXT


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("set", "each-usr", "--limit", "7"), "did you mean each-user?"),
        (("set", "each-user"), "says nothing of the budget"),
        (("set", "each-user", "--warn-at", "1.5"), "must be above 0 and below 1"),
        (("set", "each-user", "--limit", "7", "--scope", "org"), "its scope is user, not org"),
        (("set", "new", "--limit", "7", "--scope", "usr"), "did you mean user?"),
        (("set", "new", "--limit-tokens", "1.5", "--scope", "user"), "must be a whole number"),
        (("--dry-run",), "changes nothing"),
    ],
)
def test_what_cannot_be_is_refused_with_the_fix_and_nothing_is_written(capsys, file, words, why):
    code, _, err = budget(capsys, *words, "--budgets", file)
    assert code == 2
    assert why in err
    assert file.read_text() == TEXT


@pytest.mark.parametrize("amount", ["0", "-1", "x", "1e30", "nan"])
def test_a_limit_is_a_number_above_0(capsys, amount):
    with pytest.raises(SystemExit):
        main(["budget", "set", "each-user", f"--limit={amount}"])
    assert "must be a number above 0" in capsys.readouterr().err
