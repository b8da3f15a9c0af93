"""``llm-cost mcp``: answers an agent on standard input and output, until it closes them."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from processor.cli.choice import NoAnswerError, RefusedError
from processor.cli.questions import Query, open_questions
from processor.surfaces.api import InvalidParametersError
from processor.surfaces.mcp import MissingPackageError
from processor.surfaces.mcp.tools import D
from processor.surfaces.terminal.paint import plain


def run(arguments: argparse.Namespace) -> int:
    """Answer until there is nothing more to read. Raises ConfigError, MissingPackageError."""
    try:
        from processor.surfaces.mcp.server import build_server  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise MissingPackageError from None
    # What the SDK would print in colours is a line on stderr, which hosts show.
    logging.basicConfig(level=logging.WARNING, format="llm-cost: %(message)s")
    # Each question finds out anew who answers: a processor may have started, or ended, meanwhile.
    turn = asyncio.Lock()

    async def ask(kind: type[D], path: str, query: Query) -> D:
        async with turn:
            return await asyncio.to_thread(_ask, arguments, kind, path, query)

    try:
        with open_questions(arguments) as answer:
            answer.warn()
    except (NoAnswerError, RefusedError) as error:
        # Who answers may come later, and each tool says it until then.
        print(f"llm-cost: {plain(str(error))}", file=sys.stderr)
    try:
        asyncio.run(build_server(ask).run_stdio_async())
    except BaseExceptionGroup as errors:
        if errors.split(BrokenPipeError)[1] is not None:
            raise
        # The host has gone amid an answer.
        raise BrokenPipeError from errors
    return 0


def _ask(arguments: argparse.Namespace, kind: type[D], path: str, query: Query) -> D:
    with open_questions(arguments) as answer:
        try:
            return answer.value.get(kind, path, query)
        except InvalidParametersError as error:
            # Its parameters are the tool's, and not the flags that commands have for them.
            wrong = error
    raise wrong
