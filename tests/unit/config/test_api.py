"""The settings of who may ask, and what is said of them at the start."""

from __future__ import annotations

import pytest

from processor.config import load_settings

TOKEN, OTHER = "some-token-of-some-length", "other-token-of-some-length"
EVERYWHERE = {
    "receivers.otlp.protocols.grpc.endpoint": "0.0.0.0:4317",
    "telemetry.metrics.endpoint": "0.0.0.0:8888",
}
METRICS = "api: tokens travel unencrypted to 0.0.0.0:8888"
GRPC = "api: tokens travel unencrypted to 0.0.0.0:4317"


def warned(tmp_path, text, flags=()):
    """The warnings about the API that settings give."""
    path = tmp_path / "processor.yaml"
    path.write_text(text)
    return [each for each in load_settings(path, dict(flags), {}).warnings if "api" in each]


@pytest.mark.parametrize(
    ("text", "flags", "expected"),
    [
        ("", EVERYWHERE, []),
        (f"api: {{read_tokens: [{TOKEN}]}}", {}, []),
        (f"api: {{read_tokens: [{TOKEN}]}}", EVERYWHERE, [METRICS, GRPC]),
        (f"api: {{enabled: false, admin_tokens: [{TOKEN}]}}", EVERYWHERE, [GRPC]),
    ],
)
def test_tokens_that_others_could_read_are_warned_of(tmp_path, text, flags, expected):
    """Guarantees: over either protocol, and not where tokens of senders are warned of already."""
    found = warned(tmp_path, text, flags)
    assert [each.partition(";")[0] for each in found] == expected
    auth = f"receivers: {{otlp: {{protocols: {{grpc: {{auth: {{bearer_tokens: [{OTHER}]}}}}}}}}}}"
    assert GRPC not in str(warned(tmp_path, f"{text}\n{auth}\n", flags))


@pytest.mark.parametrize(("admin", "count"), [(TOKEN, 1), (OTHER, 0)])
def test_a_token_of_senders_that_may_change_everything_is_warned_of(tmp_path, admin, count):
    auth = f"receivers: {{otlp: {{protocols: {{grpc: {{auth: {{bearer_tokens: [{TOKEN}]}}}}}}}}}}"
    found = warned(tmp_path, f"{auth}\napi: {{admin_tokens: [{admin}]}}\n")
    assert len(found) == count
    assert TOKEN not in str(found)
