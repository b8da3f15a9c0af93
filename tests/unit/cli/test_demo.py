import importlib
import os
import sys
from unittest import mock

import pytest

from processor.cli import main
from processor.cli.demo.application import DURATION_S, TravelApplication
from processor.cli.demo.run import _Demo, _reachable
from processor.cli.invocation import install_command


@pytest.fixture
def played():
    """The spans of all requests, as the SDK hands them to its exporter."""
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: PLC0415 - the extra
        InMemorySpanExporter,
    )

    def play(start_ns=10**18):
        kept = InMemorySpanExporter()
        target = "processor.cli.demo.application.OTLPSpanExporter"
        with mock.patch(target, return_value=kept):
            application = TravelApplication("127.0.0.1:1", start_ns)
        for request in application.requests:
            request()
        application.flush()
        spans = kept.get_finished_spans()
        application.close()
        return spans

    return play


def test_the_application_does_the_same_in_every_run(played):
    assert [span.to_json() for span in played()] == [span.to_json() for span in played()]


def test_the_application_stays_within_the_time_it_plays(played):
    spans = played(start_ns=1000)
    assert min(span.start_time for span in spans) >= 1000
    assert max(span.end_time for span in spans) <= 1000 + DURATION_S * 10**9
    assert all(span.start_time < span.end_time for span in spans)


def test_each_request_is_one_trace_and_only_its_root_says_who_asks(played):
    spans = played()
    roots = [span for span in spans if span.parent is None]
    assert len(roots) == 5
    assert {span.context.trace_id for span in spans} == {each.context.trace_id for each in roots}
    speaking = [span for span in spans if "user.id" in span.attributes]
    assert {span.context.span_id for span in speaking} == {each.context.span_id for each in roots}


def test_an_agent_that_repeats_its_calls_repeats_them_rightly(played):
    def count(span, side):
        return span.attributes.get(f"gen_ai.usage.{side}_tokens", 0)

    spans = played()
    [agent] = [s for s in spans if "invoke_agent" in s.name and count(s, "input")]
    below = [s for s in spans if s.name.startswith("chat ") and s.context.trace_id
             == agent.context.trace_id]  # fmt: skip
    for side in ("input", "output"):
        assert count(agent, side) == sum(count(span, side) for span in below)


@pytest.fixture
def without_sdk(monkeypatch):
    monkeypatch.delitem(sys.modules, "processor.cli.demo.application")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    yield
    monkeypatch.undo()
    importlib.import_module("processor.cli.demo.application")


@pytest.mark.usefixtures("without_sdk")
def test_without_the_sdk_one_line_says_how_to_install_it(capsys):
    with mock.patch.dict(os.environ):
        assert main(["demo", "--once"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == (
        "llm-cost: demo: opentelemetry.sdk.resources is not installed "
        f"({install_command('demo')})\n"
    )


@pytest.mark.parametrize(
    ("listen", "host"),
    [
        (None, "127.0.0.1"),
        ("127.0.0.1:0", "127.0.0.1"),
        ("0.0.0.0:4317", "127.0.0.1"),
        ("[::]:4317", "127.0.0.1"),
        ("[::1]:4317", "[::1]"),
        ("localhost:4317", "localhost"),
    ],
)
def test_the_application_is_pointed_at_an_address_it_can_reach(listen, host):
    assert _reachable(listen) == host


@pytest.mark.parametrize(
    ("listen", "endpoint", "is_told"),
    [
        (None, "127.0.0.1:4317", False),
        (None, "127.0.0.1:33333", True),
        ("127.0.0.1:0", "127.0.0.1:33333", False),
    ],
)
def test_it_says_why_it_listens_elsewhere(capsys, listen, endpoint, is_told):
    """Guarantees: who sends to the usual port learns at once that somebody else has it."""
    _Demo(sys, listen)._introduce(endpoint, 14317)
    assert ("is in use" in capsys.readouterr().out) == is_told


def test_both_protocols_are_offered_where_both_are_served(capsys):
    demo = _Demo(sys, None)
    demo._say_what_next("127.0.0.1:33333", "127.0.0.1:33334", 8888, once=False)
    told = capsys.readouterr().out
    assert "ENDPOINT=http://127.0.0.1:33333\n" in told
    assert "ENDPOINT=http://127.0.0.1:33334\n" in told
    assert told.count("PROTOCOL=") == 2
    demo._say_what_next("127.0.0.1:33333", "", 8888, once=False)
    assert "HTTP" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("api_port", "once", "command"),
    [
        (8888, False, " today\n"),
        (33335, False, " today --endpoint http://127.0.0.1:33335\n"),
        (33335, True, " today\n"),
    ],
)
def test_the_question_it_names_is_asked_where_it_answers(capsys, api_port, once, command):
    _Demo(sys, None)._say_what_next("127.0.0.1:33333", "127.0.0.1:33334", api_port, once=once)
    assert command in capsys.readouterr().out


@pytest.mark.parametrize("width", [60, 80, 100, 120])
@pytest.mark.parametrize("once", [True, False])
def test_what_is_said_around_the_traces_fits_the_terminal(width, once, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(sys, "argv", ["llm-cost", "demo"])
    demo = _Demo(sys, None)
    demo._introduce("127.0.0.1:33333", 14317)
    demo._say_what_next("127.0.0.1:33333", "127.0.0.1:33334", 33335, once=once)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= width
