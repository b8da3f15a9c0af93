"""``llm-cost mcp``: its host may go at any moment."""

import argparse
from types import SimpleNamespace

import pytest

from processor.cli import mcp
from processor.cli.choice import NoAnswerError
from processor.surfaces.mcp import server


@pytest.fixture
def run(monkeypatch):
    """Runs the command, whose server ends with an error."""

    def fail_with(error):
        def nobody_answers(_):
            raise NoAnswerError("no processor answers")

        async def end():
            raise error

        monkeypatch.setattr(mcp, "open_questions", nobody_answers)
        monkeypatch.setattr(server, "build_server", lambda _: SimpleNamespace(run_stdio_async=end))
        return mcp.run(argparse.Namespace())

    return fail_with


def test_a_host_that_goes_amid_an_answer_is_a_closed_pipe(run):
    """Guarantees: it ends as other commands do then, without a traceback."""
    with pytest.raises(BrokenPipeError):
        run(ExceptionGroup("tasks", [ExceptionGroup("tasks", [BrokenPipeError()])]))


def test_any_other_error_stays(run):
    with pytest.raises(ExceptionGroup):
        run(ExceptionGroup("tasks", [BrokenPipeError(), KeyError("a mistake")]))
