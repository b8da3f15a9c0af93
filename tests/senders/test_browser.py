# mypy: allow-untyped-calls
# (The processes that these tests share with others carry no types.)
"""A web page of another origin sends OTLP/JSON with the browser's own SDK, once it may."""

from __future__ import annotations

import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from cache import NoEnvironmentError
from clients.answers import Tokens, cost_nano_usd
from clients.runs import plain
from senders.build import RECIPES, built
from senders.runs import Line, line
from senders.table import JSON

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

CORS = "receivers: {otlp: {protocols: {http: {cors: {allowed_origins: [ORIGIN]}}}}}\n"
TITLE = re.compile("<title>(.*?)</title>")


class Site(NamedTuple):
    """A web site with one page, and what has been asked of it."""

    port: int
    folder: Path

    def open(self, host: str, line: Line) -> str:
        """Let a browser open the page under a name of its host; returns the title it then has."""
        url = quote(f"{line.endpoint(JSON)}/v1/traces", safe="")
        with tempfile.TemporaryDirectory() as profile:
            browser = subprocess.run(
                [*RECIPES["browser"].run, f"http://{host}:{self.port}/index.html?url={url}"],
                cwd=profile,
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            )
        found = TITLE.search(browser.stdout)
        assert found, browser.stdout
        return found[1]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The page, served on this machine; where there is no browser, the test is skipped."""
    try:
        folder = built("browser")
    except NoEnvironmentError as problem:
        pytest.skip(f"NO BROWSER, so nothing is proven with one: {problem}")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Site(server.server_port, folder)
        server.shutdown()


@pytest.fixture(scope="module")
def allowing_line(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A line that pages under ``localhost`` may send to, and those under ``127.0.0.1`` may not."""
    settings = CORS.replace("ORIGIN", f"http://localhost:{site.port}")
    with line(tmp_path_factory.mktemp("browser"), settings) as running:
        yield running


def test_a_page_of_a_listed_origin_sends(site: Site, allowing_line: Line) -> None:
    """Guarantees: the browser's preflight and request are answered, and the call has its cost."""
    outcome, trace_id = site.open("localhost", allowing_line).split()
    assert outcome == "sent"
    ((_, _, span),) = [
        arrival
        for arrival in allowing_line.backend.spans()
        if arrival[2].trace_id.hex() == trace_id
    ]
    attributes = plain(span)
    cost = cost_nano_usd("gpt-4o-mini", Tokens(1000, 200))
    assert round(attributes["llm.cost_usd"] * 10**9) == cost
    assert attributes["note"] == "Grüße, 世界 🌧"


def test_a_page_of_another_origin_does_not(site: Site, allowing_line: Line) -> None:
    """Guarantees: the browser gets no permission, and the page's data stays with it."""
    before = len(allowing_line.backend.spans())
    assert not site.open("127.0.0.1", allowing_line).startswith("sent")
    assert len(allowing_line.backend.spans()) == before
