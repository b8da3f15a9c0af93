"""Hostile inputs 31 to 47 and 56 to 60: what spans say, how many there are, who asks, what is left.

Elsewhere: parents of zeros, times and implausible numbers (`e2e/test_odd_spans.py`), tokens as
text or NaN (`e2e/test_process.py`), spans that come again (there, and `property/`), sums without
drift (`property/test_large_sums_laws.py`), log lines (`e2e/test_log_lines.py`), the terminal's tree
(`unit/surfaces/terminal`), bearer tokens (`conformance/test_errors.py`). The API, the page, MCP and
webhooks (44, 45, 47 to 50, 53, 55) are not there yet.
"""

from __future__ import annotations

import json
import resource
import socket
from contextlib import ExitStack, suppress

import pytest
from conformance.incoming import NOW_NS, a_call, a_span, shown, traces
from e2e.processes import SIDECAR_SETTINGS, attributes, total_nano_usd
from hostile.attacked import JSON, PROTOBUF
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families

from processor.config import Settings
from processor.surfaces.metrics import spend_metrics

MARKUP = "<img src=x onerror=alert(1)>\"'`{{7*7}}${7*7}</script>\u2028"
TEXTS = [
    MARKUP, "../../etc/passwd", "CON", "a\0b", "x" * 10_000, "gpt-4\u043e", "*", "(a+)+$", "[",
    "gpt-4o ", "\u202egnp", "\x1b[2J", "=HYPERLINK(1)", "@everyone", "' OR 1=1 --", "__proto__",
    "{0.__class__}",
    "%s%n", 'le="0.1"', "# EOF\n# TYPE x counter", "\n", " ",
]  # fmt: skip
SESSION = "session.id"
_SERIES_OF_MODEL = 23


def ids(number):
    return {"trace_id": number.to_bytes(16), "span_id": number.to_bytes(8)}


def call_of(model="gpt-4o", number=1, **named):
    """A call of a model, with texts under these names."""
    call = a_call(**ids(number))
    call.attributes[1].value.string_value = model
    for key, value in named.items():
        call.attributes.add(key=key.replace("_", ".")).value.string_value = value
    return call


@pytest.mark.parametrize(
    "wrong",
    [{"trace_id": b""}, {"trace_id": bytes(16)}, {"trace_id": b"t" * 15}, {"trace_id": b"t" * 17},
     {"span_id": b""}, {"span_id": bytes(8)}, {"span_id": b"s" * 7}, {"span_id": b"s" * 200}],
    ids=str,
)  # fmt: skip
def test_31_a_span_without_valid_ids_is_left_out_and_counted(attacked, backend, wrong):
    before = attacked.count("pipeline_handled_spans_total", outcome="rejected")
    payload = traces(a_span("bad", **wrong), a_span("good"))
    assert attacked.both(payload) == {"OK", 200}
    assert set(backend.by_name()) == {"good"}
    assert attacked.count("pipeline_handled_spans_total", outcome="rejected") == before + 2


def test_31_parents_in_a_circle_and_oneself_end(attacked, backend):
    """Guarantees: such calls have a status and are forwarded; nobody follows them for ever."""
    one, two, three = (number.to_bytes(8) for number in (901, 902, 903))
    trace = (900).to_bytes(16)
    circle = [
        a_call("first", trace_id=trace, span_id=one, parent_span_id=two),
        a_call("second", trace_id=trace, span_id=two, parent_span_id=one),
        a_call("own", trace_id=trace, span_id=three, parent_span_id=three),
    ]
    assert attacked.post(traces(*circle)).status == 200
    spans = backend.by_name()
    assert set(spans) == {"first", "second", "own"}
    assert all("llm.cost.status" in attributes(span) for span in spans.values())


def test_32_times_at_the_ends_of_64_bits_are_taken(attacked, backend):
    ends = [(0, 0), (0, 2**64 - 1), (2**64 - 1, 0), (2**63, 2**63), (NOW_NS, NOW_NS - 10**18)]
    spans = [
        a_call(
            str(number), start_time_unix_nano=start, end_time_unix_nano=end, **ids(9100 + number)
        )
        for number, (start, end) in enumerate(ends)
    ]
    assert attacked.post(traces(*spans)).status == 200
    assert len(backend.by_name()) == len(ends)


def test_33_a_span_that_comes_a_thousand_times_is_charged_once(attacked):
    """Guarantees: whatever it says the second time; what comes first stays."""
    port = attacked.process.port
    first = call_of(number=9200, session_id="resent")
    attacked.post(traces(first))
    once = total_nano_usd(port, "session", "resent")
    other = call_of("claude-opus-4-1", number=9200, session_id="resent")
    attacked.post(traces(*[first] * 500, *[other] * 500))
    assert once == total_nano_usd(port, "session", "resent") > 0


def test_34_to_47_whatever_names_say_they_are_carried_and_nothing_more(attacked, backend):
    """Guarantees: each is text: no path, pattern, markup, statement or command of anything.

    Of what is scraped only what was spent by model has text of a sender, as the name of a model.
    """
    for number, text in enumerate(TEXTS, 9300):
        call = call_of(
            text, number, session_id=text, user_id=text, gen_ai_agent_name=text, service_name=text
        )
        call.name = text
        assert attacked.post(traces(call)).status == 200, text
    assert [span.name for _, _, span in backend.spans()] == TEXTS
    families = list(text_string_to_metric_families(attacked.scrape()))
    # The parser, not the text, gives the first of them an end in ``_total``.
    spent = {metric.name.removesuffix("_total") for metric in spend_metrics.METRICS}
    found = {
        (family.name in spent and label == "model", value)
        for family in families
        for each in family.samples
        for label, value in each.labels.items()
    }
    names = {text.lower() for text in TEXTS}
    assert not {value for is_model, value in found if not is_model} & names
    lines = [line for text in attacked.process.lines for line in text.splitlines()]
    assert not [line for line in lines if "\x1b" in line or "\u202e" in line]


def test_36_a_model_of_a_mib_and_patterns_take_no_time(attacked, backend):
    for number, model in enumerate(("x" * 2**20, "(a+)+$" * 1000, "*" * 5000, "a/" * 5000), 9400):
        assert attacked.post(traces(call_of(model, number))).status == 200
    for span in (span for _, _, span in backend.spans()):
        written = attributes(span)
        assert written["llm.cost.status"] in {"unpriced", "fallback"}
        assert len(written.get("llm.cost.model", "")) < 1000


def test_36_a_model_of_many_dates_that_two_instrumentations_report_takes_no_time(attacked):
    """Guarantees: names are compared in the ledger in time that grows with their length."""
    model = f"m{'@20240101' * 56}x"
    one, two = call_of(model, 9450), call_of(model, 9451)
    two.trace_id = one.trace_id
    for scope, call in (("one", one), ("two", two)):
        request = ExportTraceServiceRequest.FromString(traces(call))
        request.resource_spans[0].scope_spans[0].scope.name = scope
        assert attacked.post(request.SerializeToString()).status == 200


def test_39_a_costs_attribute_of_a_sender_is_no_charge_of_ours(attacked, backend):
    """Guarantees: the number of the ledger stands on the call, the sender's beside it."""
    call = call_of(number=9500)
    call.attributes.add(key="llm.cost_usd").value.double_value = -1e300
    call.attributes.add(key="llm.cost.status").value.string_value = "exact"
    assert attacked.post(traces(call)).status == 200
    assert 0 < attributes(backend.by_name()["chat"])["llm.cost_usd"] < 1


@pytest.mark.heavy
def test_31_a_hundred_thousand_spans_of_one_trace_and_traces_of_one_span(attack_one):
    """Guarantees: memory stays, a trace is followed as far as its limit, and all spans pass."""
    attacked = attack_one("--forward-to", "127.0.0.1:1")
    for is_one_trace in (True, False):
        for part in range(5):
            spans = [
                Span(
                    trace_id=b"one trace of all" if is_one_trace else number.to_bytes(16),
                    span_id=number.to_bytes(8),
                    start_time_unix_nano=NOW_NS,
                    end_time_unix_nano=NOW_NS,
                )
                for number in range(1 + part * 20_000, 1 + (part + 1) * 20_000)
            ]
            assert attacked.post(traces(*spans)).status in {200, 503}
    assert attacked.is_well()


@pytest.mark.heavy
def test_41_42_forty_thousand_distinct_names_leave_memory_and_metrics_as_they_are(attack_one):
    """Guarantees: of models, sessions, users, agents and spans; ids of 10 KB among them.

    As many models as the settings say have series of their own in what was spent.
    """
    attacked = attack_one("--forward-to", "127.0.0.1:1")
    spent = Settings().telemetry.metrics.spend.values_max * _SERIES_OF_MODEL
    series = attacked.scrape().count("\n")
    for part in range(20):
        calls = []
        for number in range(1 + part * 2000, 1 + (part + 1) * 2000):
            named = str(number).rjust(10_000 if number % 200 == 0 else 12, "x")
            call = call_of(f"m{named}", number, session_id=f"s{named}", user_id=f"u{named}")
            call.name = named
            calls.append(call)
        assert attacked.post(traces(*calls)).status in {200, 503}
    assert attacked.is_well()
    assert attacked.scrape().count("\n") < series + spent + 200


def test_56_a_token_in_the_address_is_none_and_stands_in_no_log(attack_one):
    secret = "a-token-that-nobody-knows"
    settings = SIDECAR_SETTINGS + (
        f"receivers: {{otlp: {{protocols: {{http: {{auth: {{bearer_tokens: [{secret}]}}}}}}}}}}\n"
    )
    attacked = attack_one(settings=settings)
    good = traces(a_span())
    for path in (f"/v1/traces?access_token={secret}", f"/v1/traces?token={secret}", "/v1/traces"):
        assert attacked.post(good, path=path).status == 401
    for shown_token in ("", "Bearer", f"Bearer {secret}x", f"Basic {secret}", "Bearer t\u00f6ken"):
        head = f"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: {PROTOBUF}\r\n"
        line = f"{head}Authorization: {shown_token}\r\nContent-Length: 0\r\n\r\n"
        assert b" 401 " in attacked.raw(line.encode()).partition(b"\r\n")[0]
    assert attacked.post(good, Authorization=f"Bearer {secret}").status == 200
    assert not [line for line in attacked.process.lines if secret in line]


def test_57_the_ports_serve_nothing_but_what_is_documented(attacked):
    """Guarantees: no profile, no reload, no settings, no environment."""
    for port in (attacked.http_port, attacked.metrics_port):
        for path in ("/debug/pprof", "/-/reload", "/config", "/env", "/admin", "/", "/.git/config"):
            assert attacked.get(f"http://127.0.0.1:{port}{path}").status in {404, 405}


def test_59_a_flood_of_questions_about_health_delays_no_batch(attacked):
    with ExitStack() as stack:
        for _ in range(100):
            address = ("127.0.0.1", attacked.metrics_port)
            stream = stack.enter_context(socket.create_connection(address, 10))
            with suppress(ConnectionError):
                stream.sendall(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n" * 100)
        assert attacked.is_well()


def test_60_without_descriptors_it_goes_on(attack_one):
    """Guarantees: of 64, connections beyond them are closed, and the next one is served."""
    attacked = attack_one()
    resource.prlimit(attacked.pid, resource.RLIMIT_NOFILE, (64, 64))
    with ExitStack() as stack:
        for _ in range(100):
            with suppress(ConnectionError, TimeoutError):
                address = ("127.0.0.1", attacked.http_port)
                stack.enter_context(socket.create_connection(address, 1))
        assert attacked.process.popen.poll() is None
    assert attacked.post(traces(a_span())).status == 200
    assert not [line for line in attacked.process.lines if "Traceback" in line]


def test_28_names_of_json_are_carried_like_any_text(attacked, backend):
    """Guarantees: keys that mean something elsewhere are keys: prototypes, dunder names."""
    keys = ["__proto__", "constructor.prototype", "__class__", "llm.cost", "gen_ai", ""]
    pairs = [{"key": key, "value": {"stringValue": MARKUP}} for key in keys]
    assert attacked.get(
        f"http://127.0.0.1:{attacked.http_port}/v1/traces",
        json.dumps(shown({"name": "keys", "attributes": pairs})).encode(),
        {"Content-Type": JSON},
    ).status == 200  # fmt: skip
    assert attributes(backend.by_name()["keys"]) == dict.fromkeys(keys, MARKUP)
