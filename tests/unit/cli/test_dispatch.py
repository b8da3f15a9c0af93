import subprocess
import sys

import pytest

from processor import __version__
from processor.cli import dispatch, main
from processor.core.errors import ConfigError, LedgerUnavailableError, Problem


def command_that_raises(error):
    class Module:
        @staticmethod
        def run(_arguments):
            raise error

    return lambda _name: Module


def run_failing(error, monkeypatch, capsys):
    monkeypatch.setattr(dispatch.importlib, "import_module", command_that_raises(error))
    code = main(["healthcheck"])
    return code, capsys.readouterr()


def test_version_names_the_program_and_its_version(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"llm-cost {__version__}\n"


def test_without_a_command_the_help_is_shown_and_nothing_is_done(capsys):
    assert main([]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "usage: llm-cost" in shown.err


def test_help_needs_neither_the_files_nor_what_checks_them():
    """Guarantees: help and version are there at once."""
    program = (
        "import sys; from processor.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'pydantic', 'yaml', 'grpc', 'genai_prices'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert result.stdout.decode().splitlines()[-1] == "[]"


def test_a_question_needs_nothing_that_receives_or_sends_spans():
    """Guarantees: to ask, or to read a ledger, what receives, sends and prices is not imported."""
    program = (
        "import sys; from processor.cli import today\n"
        "before = 'processor.io.ledger' in sys.modules\n"
        "from processor.cli.questions import local\n"
        "from processor.cli import audit, calls, report, unpriced\n"
        "unneeded = {'aiohttp', 'grpc', 'google.protobuf', 'genai_prices', 'httpx'}\n"
        "print(before, sorted(unneeded & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert result.stdout.decode() == "False []\n"


COMMANDS = [
    "serve",
    "demo",
    "check-config",
    "price",
    "unpriced",
    "reprice",
    "resend",
    "healthcheck",
]


def helped(*command):
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_documents_its_exit_codes(command, capsys):
    helped(command)
    assert "exit codes:\n  0    all is well\n  1    " in capsys.readouterr().out


@pytest.mark.parametrize("command", [[], *([each] for each in COMMANDS)])
@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_help_fits_the_terminal(command, width, capsys, monkeypatch):
    """Guarantees: no line is broken by the terminal, and none is broken by us without need."""
    monkeypatch.setenv("COLUMNS", str(width))
    helped(*command)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    codes = next(n for n, line in enumerate(lines) if line.startswith("  2    a flag"))
    assert len(lines[codes]) > width * 0.6
    assert lines[codes + 1].startswith("       ") or width >= 100


@pytest.mark.parametrize(
    "argv", [["serv"], ["serve", "--lis", "x"], ["price", "m"], ["demo", "surplus"]]
)
def test_wrong_flags_end_with_2_and_without_a_traceback(argv, capsys):
    with pytest.raises(SystemExit) as end:
        main(argv)
    assert end.value.code == 2
    shown = capsys.readouterr()
    assert "error: " in shown.err
    assert "Traceback" not in shown.err


def test_each_problem_of_the_configuration_is_one_line_on_stderr(monkeypatch, capsys):
    error = ConfigError([Problem("a.yaml:1", "is bad", "fix it"), Problem("b.yaml:2", "is worse")])
    code, shown = run_failing(error, monkeypatch, capsys)
    assert code == 2
    assert shown.err == "llm-cost: a.yaml:1: is bad (fix it)\nllm-cost: b.yaml:2: is worse\n"


def test_control_characters_in_a_message_do_not_reach_the_terminal(monkeypatch, capsys):
    error = ConfigError([Problem("\x1b[2Ja.yaml", "is\r\nbad\x07")])
    _, shown = run_failing(error, monkeypatch, capsys)
    assert shown.err == "llm-cost: \\x1b[2Ja.yaml: is\\r bad\\x07\n"


def test_another_expected_error_is_one_line_and_ends_with_1(monkeypatch, capsys):
    code, shown = run_failing(LedgerUnavailableError("the disk is full"), monkeypatch, capsys)
    assert (code, shown.err) == (1, "llm-cost: the disk is full\n")


def test_an_error_of_the_system_is_one_line_and_ends_with_2(monkeypatch, capsys):
    error = PermissionError(13, "Permission denied", "/data")
    code, shown = run_failing(error, monkeypatch, capsys)
    assert (code, shown.err) == (2, "llm-cost: /data: Permission denied\n")


def test_an_interruption_ends_with_130_and_without_a_word(monkeypatch, capsys):
    code, shown = run_failing(KeyboardInterrupt(), monkeypatch, capsys)
    assert (code, shown.out, shown.err) == (130, "", "")


def test_a_mistake_of_ours_is_not_hidden(monkeypatch):
    monkeypatch.setattr(
        dispatch.importlib, "import_module", command_that_raises(ZeroDivisionError())
    )
    with pytest.raises(ZeroDivisionError):
        main(["healthcheck"])


def test_help_does_not_wait_for_heavy_modules():
    heavy = ["grpc", "google.protobuf", "genai_prices", "opentelemetry", "apsw", "asyncio"]
    script = (
        "import sys, processor.cli\n"
        "try: processor.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print('LOADED', [name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.endswith("LOADED []\n")


def test_a_reader_who_has_seen_enough_ends_the_command_quietly():
    # `llm-cost check-config | head -1`, with a reader that is gone before the first line.
    script = f"{sys.executable} -m processor.cli price gpt-4o --input 1 --output 1 | exit 0"
    done = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
