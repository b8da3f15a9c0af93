"""``llm-cost demo``: puts the parts together, and shows what comes out."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import ModuleType
from typing import Final

from processor.app.application import App
from processor.cli.demo.backend import Backend
from processor.cli.demo.summary import ask, render_summary
from processor.cli.flags import LISTEN_DEFAULT, LISTEN_HTTP_DEFAULT
from processor.cli.invocation import command_name, install_command
from processor.cli.questions.address import PORT_DEFAULT
from processor.config import load_settings
from processor.core.errors import ConfigError, Problem, ProcessorError
from processor.core.model import NS_PER_S
from processor.surfaces.terminal.lists import render_pairs
from processor.surfaces.terminal.paint import columns, paint_for, rule, wrap
from processor.surfaces.terminal.received import ReceivedSpan
from processor.surfaces.terminal.tree import render_trace

_BUDGETS: Final = """\
budgets:
  - {name: per-user-daily, scope: user, window: day, limit_usd: 0.40, warn_at: [0.5]}
  - {name: per-session, scope: session, limit_usd: 0.60, warn_at: [0.8]}
"""
"""Limits so low that a few calls reach them."""

_INTRODUCTION: Final = """\
A travel application with several agents sends its spans (no LLM is called). Below are the spans \
as they left the processor: what each call cost, totals of agents, traces and sessions, and budget \
events under the call that reached the limit. Budgets: 0.40 USD per user and day, 0.60 USD per \
session."""

_EVERY_INTERFACE: Final = frozenset({"", "0.0.0.0", "[::]"})  # noqa: S104 - compared, not bound

_LOOK_S = 0.5
_QUIET_S = 1.0
"""How long a trace has to be quiet before it is shown."""

_DAY_NS = 86_400 * 10**9


def run(arguments: argparse.Namespace) -> int:
    """Show the processor at work. Raises ConfigError."""
    # The demo shows the program, not the settings of this machine.
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        del os.environ[name]
    if arguments.history is not None:
        code: int = _with_sdk("history").run(arguments)
        return code
    for flag in ("data_dir", "seed"):
        if getattr(arguments, flag) is not None:
            what = "is for --history only"
            raise ConfigError([Problem(f"--{flag.replace('_', '-')}", what, "give --history 30d")])
    application = _with_sdk("application")
    asyncio.run(_Demo(application, arguments.listen).show(once=arguments.once))
    return 0


def _with_sdk(name: str) -> ModuleType:
    """A module of this package that needs the OpenTelemetry SDK, which is an optional extra."""
    try:
        return importlib.import_module(f"processor.cli.demo.{name}")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        problem = Problem("demo", f"{error.name} is not installed", install_command("demo"))
        raise ConfigError([problem]) from error


class _Demo:
    """The parts while they run, and the screen."""

    def __init__(self, application: ModuleType, listen: str | None) -> None:
        self._application = application
        self._listen = listen
        self._backend = Backend()
        self._stopping = asyncio.Event()
        self._paint = paint_for(sys.stdout, os.environ)

    async def show(self, *, once: bool) -> None:
        """Start everything, run the application, sum up, and go on unless `once`."""
        self._heed_signals()
        async with AsyncExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="llm-cost-demo-"))
            backend_port = await self._backend.start()
            stack.push_async_callback(self._backend.stop)
            app = await self._start_processor(Path(folder), backend_port)
            stack.push_async_callback(app.stop, 2.0)
            endpoint = f"{_reachable(self._listen)}:{app.port}"
            self._introduce(endpoint, backend_port)
            spans = await self._play(endpoint)
            if self._stopping.is_set():
                return
            summary = await ask(endpoint, spans)
            self._print(render_summary(summary, self._paint, columns()))
            host, http = endpoint.rpartition(":")[0], app.http_port
            at_http = f"{host}:{http}" if http else ""
            self._say_what_next(endpoint, at_http, app.metrics_port, once=once)
            if not once:
                await self._go_on()

    async def _start_processor(self, folder: Path, backend_port: int) -> App:
        budgets = folder / "budgets.yaml"
        budgets.write_text(_BUDGETS, "utf-8")
        flags = {
            "data_dir": str(folder),
            "budgets.file": str(budgets),
            "exporters.otlp.endpoint": f"127.0.0.1:{backend_port}",
        }
        # Where nobody asked for an address, another one is better than none; so it is for the API
        # in any case. Who asks for one gets that, and no second port that may be taken.
        anywhere = (LISTEN_DEFAULT, LISTEN_HTTP_DEFAULT), ("127.0.0.1:0", "127.0.0.1:0")
        wishes = [(self._listen, "")] if self._listen else list(anywhere)
        while True:
            grpc, http = wishes.pop(0)
            flags["receivers.otlp.protocols.grpc.endpoint"] = grpc
            flags["receivers.otlp.protocols.http.endpoint"] = http
            app = App(load_settings(None, flags, {}))
            try:
                await app.start()
            except ConfigError:
                if not wishes:
                    raise
            else:
                return app

    def _introduce(self, endpoint: str, backend_port: int) -> None:
        way = f"application ─▶ processor {endpoint} ─▶ backend 127.0.0.1:{backend_port}"
        title = f" {self._paint('bold', 'llm-cost demo')}"
        has_room = columns() > len(way) + 18
        whole = [f"{title}   {way}"] if has_room else [title, *self._sentences(way)]
        self._print([*whole, "", *self._sentences(_INTRODUCTION), ""])
        if not self._listen and endpoint != LISTEN_DEFAULT:
            text = "Port 4317 or 4318 is in use, so it listens on others this time."
            self._print([*self._sentences(text), ""])

    def _sentences(self, text: str) -> list[str]:
        return [f" {line}" for line in wrap(text, columns() - 2, lines_max=20)]

    async def _play(self, endpoint: str) -> list[ReceivedSpan]:
        """Run the application request by request; returns all spans that came out."""
        now_ns = time.time_ns()
        # It plays the last two minutes, but all of them today, or daily budgets would be split.
        start_ns = max(now_ns - self._application.DURATION_S * NS_PER_S, now_ns - now_ns % _DAY_NS)
        application = self._application.TravelApplication(endpoint, start_ns)
        spans: list[ReceivedSpan] = []
        try:
            for request in application.requests:
                if self._stopping.is_set():
                    break
                await asyncio.to_thread(request)
                await asyncio.to_thread(application.flush)
                traces = self._backend.take()
                if not traces:
                    raise ProcessorError("the application's spans did not reach the backend")
                self._show_traces(traces)
                spans += (span for trace in traces for span in trace)
        finally:
            await asyncio.to_thread(application.close)
        return spans

    def _say_what_next(self, grpc: str, http: str, api_port: int, *, once: bool) -> None:
        if once:
            grpc, http, api_port = LISTEN_DEFAULT, LISTEN_HTTP_DEFAULT, PORT_DEFAULT
        program = command_name()
        whither = "to llm-cost serve" if once else "here"
        what = f"To send the spans of your application {whither}, over gRPC:"
        steps = [(what, _exports(grpc, "grpc"))]
        if http:
            steps.append(("or over HTTP:", _exports(http, "http/protobuf")))
        steps += [
            ("To put it in front of your backend:", [f"{program} serve --forward-to HOST:PORT"]),
            (
                "To use prices and budgets of your own:",
                [f"{program} serve --pricing FILE --budgets FILE"],
            ),
            (
                "To ask it, in another terminal, what your calls have cost:",
                [f"{program} today{_endpoint_flag(api_port)}"],
            ),
            (
                "To ask first about a month of an imaginary company:",
                [f"{program} demo --history 30d"],
            ),
        ]
        title = self._paint("bold", rule("what next", columns()))
        self._print(["", title, *render_pairs(steps, self._paint, columns())])

    async def _go_on(self) -> None:
        """Show every trace that comes in, until it is stopped."""
        text = "Send your spans here, and their costs appear below. Ctrl-C ends it."
        self._print(["", *self._sentences(text), ""])
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _LOOK_S)
            self._show_traces(self._backend.take(_QUIET_S))

    def _heed_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(NotImplementedError):  # Windows: Ctrl-C interrupts us instead.
                asyncio.get_running_loop().add_signal_handler(number, self._stopping.set)

    def _show_traces(self, traces: Iterable[list[ReceivedSpan]]) -> None:
        for trace in traces:
            self._print([*render_trace(trace, self._paint, columns()), ""])

    def _print(self, lines: Iterable[str]) -> None:
        print(*lines, sep="\n", flush=True)


def _exports(endpoint: str, protocol: str) -> list[str]:
    """The commands that make an OpenTelemetry SDK send to ``host:port``."""
    return [
        f"export OTEL_EXPORTER_OTLP_ENDPOINT=http://{endpoint}",
        f"export OTEL_EXPORTER_OTLP_PROTOCOL={protocol}",
    ]


def _endpoint_flag(api_port: int) -> str:
    """What a question needs to find the API; nothing where it is at its usual port."""
    return "" if api_port == PORT_DEFAULT else f" --endpoint http://127.0.0.1:{api_port}"


def _reachable(listen: str | None) -> str:
    """The host under which a listener on this machine can be reached."""
    host = (listen or LISTEN_DEFAULT).rpartition(":")[0]
    return "127.0.0.1" if host in _EVERY_INTERFACE else host
