"""Two processors in a row, as processes of their own."""

from __future__ import annotations

import pytest
from e2e.applications import BUDGETS, PRICES, chat, run_agents, tracer
from e2e.processes import attributes, export, total_nano_usd
from e2e.test_odd_spans import COST_USD, a_call, request_of

MONEY = {"llm.cost_usd", "llm.cost.correction_usd"}


def shown_nano_usd(spans):
    """What a backend adds up, over all spans."""
    return sum(
        round(value * 10**9)
        for span in spans
        for key, value in attributes(span).items()
        if key in MONEY
    )


@pytest.fixture
def flags(tmp_path):
    """Prices and budgets with known numbers."""
    pricing, budgets = tmp_path / "pricing.yaml", tmp_path / "budgets.yaml"
    pricing.write_text(PRICES)
    budgets.write_text(BUDGETS)
    return ["--pricing", pricing, "--budgets", budgets]


def test_without_trust_both_come_to_the_same_sums(serve, backend, flags, tmp_path):
    """Guarantees: ledgers and spans add up on both, and each event is told from the other's."""
    to_backend = ("--forward-to", f"127.0.0.1:{backend.port}")
    second = serve(*flags, *to_backend, data_dir=tmp_path / "second")
    to_second = ("--forward-to", f"127.0.0.1:{second.port}")
    first = serve(*flags, *to_second, data_dir=tmp_path / "first")
    provider, app = tracer(first.port)
    run_agents(app)
    chat(app, "dear", tokens=(10_000, 1000))
    provider.shutdown()
    spans = [span for _, _, span in backend.spans()]
    both = {total_nano_usd(each.port, "total") for each in (first, second)}
    assert both == {shown_nano_usd(spans)}
    events = [attributes(event) for span in spans for event in span.events]
    ours = sorted(each["budget.name"] for each in events if "budget.reported" not in each)
    others = sorted(each["budget.name"] for each in events if "budget.reported" in each)
    assert ours == others == ["per-call", "per-session", "per-session"], "a limit and a warning"


TOKEN = "a-token-of-another-processor"


def test_with_trust_the_charges_of_the_first_are_adopted(serve, backend, flags, tmp_path):
    """Guarantees: by its token only; no price of the second counts, no event is repeated."""
    dear, settings = tmp_path / "dear.yaml", tmp_path / "second.yaml"
    dear.write_text(PRICES.replace("2.50", "25").replace("3.00", "30"))
    auth = f"{{auth: {{processor_tokens: [{TOKEN}]}}}}"
    settings.write_text(f"receivers: {{otlp: {{protocols: {{grpc: {auth}, http: {auth}}}}}}}\n")
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN)
    second = serve(
        "--config", settings, "--budgets", flags[3], "--pricing", dear,
        "--forward-to", f"127.0.0.1:{backend.port}", data_dir=tmp_path / "second",
    )  # fmt: skip
    sending = tmp_path / "first.yaml"
    sending.write_text(
        f"exporters: {{otlp: {{endpoint: 'http://127.0.0.1:{second.port}', "
        f"headers: {{authorization: 'Bearer {TOKEN}'}}}}}}\n"
    )
    first = serve(*flags, "--config", sending, data_dir=tmp_path / "first")
    provider, app = tracer(first.port)
    run_agents(app)
    chat(app, "dear", tokens=(10_000, 1000))
    provider.shutdown()
    spans = [span for _, _, span in backend.spans()]
    cost = total_nano_usd(first.port, "total")
    assert total_nano_usd(second.port, "total") == cost == shown_nano_usd(spans)
    assert not [key for span in spans for key in attributes(span) if key.endswith(".reported")]
    events = [attributes(event) for span in spans for event in span.events]
    assert sorted(each["budget.name"] for each in events) == [
        "per-call", "per-session", "per-session"
    ]  # fmt: skip
    # Without the token, the same span is priced here.
    export(second.port, request_of(a_call(7, "elsewhere")))
    assert total_nano_usd(second.port, "total") == cost + 10 * round(COST_USD * 10**9)


def test_what_a_sender_wrote_under_our_names_does_not_pass_as_ours(serve, backend, flags):
    """Guarantees: a cost is a reported one; all else is kept aside, on plain spans too."""
    processor = serve(*flags, "--forward-to", f"127.0.0.1:{backend.port}")
    forged = {"llm.cost_usd": 5.0, "llm.cost.correction_usd": -4.0, "llm.cost.doubt": "none"}
    call = a_call(1, "call", **forged)
    plain = a_call(2, "plain", **{"trace.total_cost_usd": 9.0, "llm.cost.correction_usd": -9.0})
    del plain.attributes[:5]
    export(processor.port, request_of(call, plain))
    written = attributes(backend.by_name()["call"])
    assert (written["llm.cost_usd"], written["llm.cost.reported_usd"]) == (COST_USD, 5.0)
    assert written["llm.cost.correction_usd.reported"] == -4.0
    assert written["llm.cost.doubt.reported"] == "none"
    kept = attributes(backend.by_name()["plain"])
    assert kept == {
        "trace.total_cost_usd.reported": 9.0,
        "llm.cost.correction_usd.reported": -9.0,
    }
    assert shown_nano_usd(backend.by_name().values()) == total_nano_usd(processor.port, "total")
