import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.core.model import Wanted
from processor.core.wire.prefilter import (
    KEYS_MAX,
    KeySearch,
    event_prefilter,
    find_candidates,
    narrow,
    wanted_prefilter,
)

WANTED = Wanted(frozenset({"llm.model", "llm.model_name", "k" * 200}), ("cost.",))
MODEL = frozenset({"llm.model"})


def span(*keys: str, event: str = "") -> bytes:
    message = Span(name="llm.model")
    for key in keys:
        message.attributes.add(key=key).value.string_value = "v"
    if event:
        message.events.add(name=event)
    return message.SerializeToString()


def matches(wanted: Wanted, payload: bytes) -> bool:
    prefilter = event_prefilter(wanted) + wanted_prefilter(wanted)
    return find_candidates(prefilter, payload, [(0, 0, len(payload))]) == [0]


@pytest.mark.parametrize("key", ["llm.model", "llm.model_name", "cost.", "cost.user", "k" * 200])
def test_a_wanted_key_is_never_missed(key):
    assert matches(WANTED, span("a", key, "z"))


@pytest.mark.parametrize("key", ["llm", "llm.mode", "xcost.a", "k" * 199, ""])
def test_other_keys_are_passed_over(key):
    # Also where a wanted key stands in another text, here the name of the span.
    assert not matches(WANTED, span("a", key, "z"))


@pytest.mark.parametrize(
    "head",
    [b"\x0a\x09", b"\x0a\x89\x00", b"\x8a\x00\x09", b"\x8a\x80\x80\x80\x00\x89\x80\x80\x80\x00"],
)
def test_padded_tags_and_lengths_are_not_missed(head):
    payload = b"\x4a\x20" + head + b"llm.model"
    assert matches(WANTED, payload)
    assert find_candidates(KeySearch().covering(MODEL), payload, [(0, 2, len(payload))]) == [0]


def test_events_are_found_by_name_only_when_wanted():
    wanted = Wanted(frozenset(), events=frozenset({"choice"}))
    assert matches(wanted, span("a", event="choice"))
    assert not matches(wanted, span("a", event="other"))
    assert not matches(WANTED, span("a", event="choice"))


def test_supporting_keys_are_no_reason_to_look():
    # Not even one that is wanted besides.
    wanted = Wanted(frozenset({"a", "b"}), supporting=frozenset({"b", "c"}))
    assert not matches(wanted, span("b", "c"))
    assert matches(wanted, span("b", "a"))


@pytest.mark.parametrize(
    "wanted",
    [Wanted(frozenset({""})), Wanted(frozenset(), ("",)), Wanted(frozenset(), (), frozenset({""}))],
)
def test_an_empty_key_matches_everything(wanted):
    # It may be absent from the bytes altogether.
    assert matches(wanted, b"\x4a\x00")


def test_without_wishes_nothing_matches():
    assert wanted_prefilter(Wanted(frozenset())) == ()
    assert event_prefilter(Wanted(frozenset())) == ()
    assert not matches(Wanted(frozenset()), span("llm.model"))


def test_keys_are_plain_text_not_patterns():
    assert not matches(Wanted(frozenset({"a.c", "a*"})), span("abc", "aa"))
    assert matches(Wanted(frozenset({"a.c", "(["})), span("(["))


def test_only_the_bytes_of_the_place_are_searched():
    payload = span("llm.model") + span("other")
    cut = len(span("llm.model"))
    places = [(0, 0, cut), (0, cut, len(payload)), (0, 0, 20)]
    assert find_candidates(wanted_prefilter(WANTED), payload, places) == [0]


def test_narrowing_keeps_only_what_can_match():
    full = wanted_prefilter(WANTED)
    payload = span("other") + span("cost.x")
    cut = len(span("other"))
    assert narrow(full, payload, 0, cut) == ()
    assert narrow(full, payload, cut, len(payload)) == full[:1]


def finds(prefilter, key: str) -> bool:
    return find_candidates(prefilter, span(key), [(0, 0, len(span(key)))]) == [0]


def test_a_key_search_covers_what_is_asked_and_is_compiled_once():
    search = KeySearch()
    assert search.covering(frozenset()) == ()
    both = search.covering(frozenset({"a", "b"}))
    assert search.covering(frozenset({"b"})) is both
    three = search.covering(frozenset({"b", "c"}))
    assert [finds(three, key) for key in "abcd"] == [True, True, True, False]


def test_a_key_search_that_has_gathered_too_much_starts_anew():
    search = KeySearch()
    search.covering(frozenset(f"k{number}" for number in range(KEYS_MAX)))
    anew = search.covering(frozenset({"x"}))
    assert [finds(anew, key) for key in ("x", "k1")] == [True, False]
