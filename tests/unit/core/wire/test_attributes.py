import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.core.model import Wanted
from processor.core.wire.attributes import ATTRIBUTES_MAX, EVENT_ATTRIBUTES_MAX, Shapes, read_wanted

WANTED = Wanted(frozenset({"a", "b"}), ("p.", "q."), frozenset({"choice", "usage"}))


def add(attributes, **pairs):
    for key, value in pairs.items():
        attributes.add(key=key.replace("_", ".")).value.string_value = value


def test_keys_and_prefixes_are_read_in_wire_order():
    span = Span()
    add(span.attributes, q_1="1", x="2", b="3", p_="4", a="5", pq="6")
    found = read_wanted(span.attributes, WANTED)
    assert list(found.items()) == [("q.1", "1"), ("b", "3"), ("p.", "4"), ("a", "5")]


def test_of_a_repeated_key_the_first_value_is_read():
    span = Span()
    for value in ("first", "second"):
        add(span.attributes, a=value)
    assert read_wanted(span.attributes, WANTED) == {"a": "first"}


def test_of_a_repeated_key_the_last_value_is_read_where_that_is_wanted():
    span = Span()
    for key, value in (("a", "1"), ("b", "2"), ("a", "3"), ("b", "4")):
        add(span.attributes, **{key: value})
    found = read_wanted(span.attributes, Wanted(frozenset({"a", "b"}), latest=frozenset({"b"})))
    assert list(found.items()) == [("a", "1"), ("b", "4")]


def test_the_number_of_attributes_is_bounded():
    # Unwanted ones do not count.
    span = Span()
    for number in range(ATTRIBUTES_MAX + 5):
        add(span.attributes, x="", **{f"p.{number}": "v"})
    found = read_wanted(span.attributes, WANTED)
    assert len(found) == ATTRIBUTES_MAX
    assert f"p.{ATTRIBUTES_MAX - 1}" in found


def test_spans_with_the_same_keys_share_a_shape():
    keys: list[tuple[str, ...]] = [()]
    shapes = Shapes(keys, WANTED)
    read = []
    for pairs in ({"a": "1", "b": "2"}, {}, {"a": "3", "x": "", "b": "4"}, {"b": "5", "a": "6"}):
        span = Span()
        add(span.attributes, **pairs)
        read.append(shapes.read(span, has_events=False))
    assert read == [(1, ("1", "2")), (0, ()), (1, ("3", "4")), (2, ("5", "6"))]
    assert keys == [(), ("a", "b"), ("b", "a")]


def test_the_first_event_of_each_wanted_name_is_read_after_the_attributes():
    keys: list[tuple[str, ...]] = [()]
    span = Span()
    for name, value in [("usage", "1"), ("other", "2"), ("choice", "3"), ("usage", "4")]:
        add(span.events.add(name=name).attributes, a=value, z=value)
    add(span.attributes, b="0")
    _, values = Shapes(keys, WANTED).read(span, has_events=True)
    assert keys[1] == (
        "b", "event:usage:a", "event:usage:z", "event:choice:a", "event:choice:z",
    )  # fmt: skip
    assert values == ("0", "1", "1", "3", "3")


def test_events_are_bounded_and_never_override():
    # An attribute that already has the name an event would take keeps its value.
    keys: list[tuple[str, ...]] = [()]
    span = Span()
    add(span.attributes, **{"event:choice:0": "own"})
    event = span.events.add(name="choice")
    for number in range(EVENT_ATTRIBUTES_MAX + 5):
        add(event.attributes, **{str(number): "v"})
    wanted = Wanted(frozenset({"event:choice:0"}), (), frozenset({"choice"}))
    _, values = Shapes(keys, wanted).read(span, has_events=True)
    assert values == ("own", *["v"] * (EVENT_ATTRIBUTES_MAX - 1))


SUPPORTED = Wanted(frozenset({"a"}), ("p.",), frozenset({"choice"}), frozenset({"s", "t"}))


def read_supported(span: Span, *, has_events: bool = False):
    keys: list[tuple[str, ...]] = [()]
    index, values = Shapes(keys, SUPPORTED).read(span, has_events=has_events)
    return dict(zip(keys[index], values, strict=True))


@pytest.mark.parametrize("key", ["a", "p.x"])
def test_supporting_keys_are_read_beside_a_telling_one(key):
    # In wire order, wherever the telling one stands.
    span = Span()
    add(span.attributes, s="1", x="2")
    span.attributes.add(key=key).value.string_value = "3"
    add(span.attributes, t="4")
    assert list(read_supported(span).items()) == [("s", "1"), (key, "3"), ("t", "4")]


def test_supporting_keys_are_read_beside_a_wanted_event():
    span = Span()
    add(span.attributes, s="1")
    add(span.events.add(name="choice").attributes, x="2")
    assert read_supported(span, has_events=True) == {"s": "1", "event:choice:x": "2"}


def test_a_span_with_supporting_keys_alone_carries_nothing():
    # An event that says nothing does not change that.
    span = Span()
    add(span.attributes, s="1", t="2")
    span.events.add(name="choice")
    keys: list[tuple[str, ...]] = [()]
    assert Shapes(keys, SUPPORTED).read(span, has_events=True) == (0, ())
    assert keys == [()]


def test_scopes_and_resources_are_read_for_supporting_keys_too():
    span = Span()
    add(span.attributes, s="1")
    assert read_wanted(span.attributes, SUPPORTED) == {"s": "1"}


@pytest.mark.parametrize("value", ["text", "", 7, 0, -3, 1.5, 0.0, True, False, b"raw", b""])
def test_values_of_every_kind_keep_value_and_type(value):
    # Also those that look like an absent field.
    names = {bool: "bool_value", int: "int_value", float: "double_value", bytes: "bytes_value"}
    span = Span()
    setattr(span.attributes.add(key="a").value, names.get(type(value), "string_value"), value)
    found = read_wanted(span.attributes, WANTED)["a"]
    assert (found, type(found)) == (value, type(value))
