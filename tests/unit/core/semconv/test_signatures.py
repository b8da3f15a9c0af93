"""The memory of what spans look like is bounded."""

from __future__ import annotations

from processor.core.semconv import signatures
from processor.core.semconv.emitter import Emitter
from processor.core.semconv.signatures import Signatures

SHAPE = ("gen_ai.request.model", "gen_ai.usage.input_tokens")
EMITTER = Emitter("scope")


def test_a_signature_is_worked_out_once() -> None:
    """The same texts give the very same profile."""
    reader = Signatures().reader(SHAPE, EMITTER)
    assert reader.profile(("gpt-4o", 1), "a") is reader.profile(("gpt-4o", 2), "b")
    assert reader.profile(("gpt-4o", 1), "a") is not reader.profile(("gpt-4", 1), "a")


def test_a_reader_is_kept_for_its_shape_and_emitter() -> None:
    """Another emitter may mean something else by the same keys."""
    memory = Signatures()
    assert memory.reader(SHAPE, EMITTER) is memory.reader(SHAPE, Emitter("scope"))
    assert memory.reader(SHAPE, EMITTER) is not memory.reader(SHAPE, Emitter("scope", "2"))


def test_profiles_stay_within_their_bound(monkeypatch) -> None:
    """A sender of ever new models fills no memory."""
    monkeypatch.setattr(signatures, "PROFILES_MAX", 10)
    memory = Signatures()
    reader = memory.reader(SHAPE, EMITTER)
    for number in range(100):
        assert reader.profile((f"model-{number}", 1), "").models == (f"model-{number}",)
        assert len(memory._profiles) <= 10


def test_shapes_stay_within_their_bound(monkeypatch) -> None:
    """A sender of ever new keys fills no memory."""
    monkeypatch.setattr(signatures, "SHAPES_MAX", 10)
    memory = Signatures()
    for number in range(100):
        memory.reader((*SHAPE, f"key-{number}"), EMITTER).profile(("gpt-4o", 1, 1), "")
        assert len(memory._readers) <= 10
        assert len(memory._profiles) <= 10


def test_long_texts_and_keys_are_not_kept() -> None:
    """What costs memory is worked out anew instead."""
    memory = Signatures()
    memory.reader(SHAPE, EMITTER).profile(("x" * 10**6, 1), "")
    assert memory._profiles == {}
    memory.reader((*SHAPE, "k" * 10**6), EMITTER)
    assert len(memory._readers) == 1


def test_hosts_of_spans_that_are_no_calls_fill_no_memory() -> None:
    """An HTTP client's spans look alike, whatever host they name."""
    memory = Signatures()
    reader = memory.reader(("server.address", "session.id"), EMITTER)
    profiles = {id(reader.profile((f"host-{number}", "s"), "")) for number in range(100)}
    assert len(profiles) == len(memory._profiles) == 1
