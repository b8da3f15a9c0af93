"""Laws of taking an id out of requests: it goes where it is read, and every other byte stays."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from processor.core import semconv
from processor.core.otlp.signals import SIGNALS
from processor.core.semconv import IdentityRename, OwnDimensions, ReadOptions
from processor.core.wire import rename_values, scan

TOMBSTONE = "forgotten-0a1b2c3d"
USERS = st.sampled_from(["ada@example.com", "u 1", "42", "-7", "jürgen", 'say "hi"', "a+b/c", "x"])
KEYS = [
    "user.id", "enduser.id", "langfuse.user.id", "session.id", "gen_ai.agent.name", "team",
    "langsmith.metadata.user_id", "userId", "task.id", "budget.scope_id",
]  # fmt: skip
OTHERS = ["http.url", "gen_ai.prompt", "name", "user.note"]


@st.composite
def values(draw, user):
    """How a value may be written that is the id, or is not."""
    text = draw(st.sampled_from([user, user, "someone else", f"{user}!", user.upper()]))
    if text.lstrip("-").isdigit() and draw(st.booleans()):
        return int(text)
    return draw(st.sampled_from([text, f" {text}"]))


def inside(draw, user):
    """JSON that is read as metadata, written in one of the ways there are."""
    tree = {
        "note": f"{user} and \\ others",
        "user_id": draw(values(user)),
        "list": [{"x": user}, {"session_id": draw(values(user))}],
    }
    if draw(st.booleans()):
        return str(tree)
    return json.dumps(
        tree, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 2]))
    )


def fill(draw, pairs, user):
    """Give it attributes."""
    for key in draw(st.lists(st.sampled_from([*KEYS, *OTHERS]), max_size=4)):
        value = draw(values(user))
        pair = pairs.add(key=key)
        if isinstance(value, int):
            pair.value.int_value = value
        else:
            pair.value.string_value = value


@st.composite
def requests(draw):
    """A request of any signal, and the user."""
    user = draw(USERS)
    signal = draw(st.sampled_from(sorted(SIGNALS)))
    request = SIGNALS[signal].request()
    for _ in range(draw(st.integers(1, 2))):
        group = getattr(request, request.DESCRIPTOR.fields[0].name).add()
        fill(draw, group.resource.attributes, user)
        scope = getattr(group, group.DESCRIPTOR.fields[1].name).add()
        fill(draw, scope.scope.attributes, user)
        items = getattr(scope, scope.DESCRIPTOR.fields[1].name)
        for number in range(draw(st.integers(0, 2))):
            item = items.add()
            if signal == "metrics":
                item.name, item.description = "m", user
                point = item.sum.data_points.add(as_int=number)
                fill(draw, point.attributes, user)
                fill(draw, point.exemplars.add().filtered_attributes, user)
                continue
            fill(draw, item.attributes, user)
            if signal == "logs":
                item.body.string_value = f"said {user}"
                continue
            item.name = user
            fill(draw, item.events.add(name="llm.budget.exceeded").attributes, user)
            fill(draw, item.links.add().attributes, user)
    return signal, request, user


def attributes_of(message):
    """Every attribute in a message, in the order of its fields."""
    if isinstance(message, KeyValue):
        return [message]
    found = []
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in value if field.is_repeated else [value]:
                found += attributes_of(each)
    return found


@settings(max_examples=200, deadline=None)
@given(requests())
def test_what_is_read_as_the_id_goes_and_every_other_byte_stays(drawn):
    """Guarantees: for all signals, however the id is written, as text or as a number."""
    signal, request, user = drawn
    before = request.SerializeToString()
    identity = IdentityRename(user, TOMBSTONE, dimensions=OwnDimensions({"team": ("team",)}))
    after = rename_values(signal, before, identity, identity.having)
    for pair in attributes_of(request):
        value = pair.value.string_value or str(pair.value.int_value)
        if pair.key in KEYS and value.strip() == user:
            pair.value.string_value = TOMBSTONE
    assert after == request.SerializeToString()
    if after == before:
        assert after is before


@settings(max_examples=200, deadline=None)
@given(USERS, st.data())
def test_nothing_that_we_read_as_an_owner_is_the_id_afterwards(user, data):
    """Guarantees: the reading itself, with metadata as JSON and as printed by Python."""
    request = SIGNALS["traces"].request()
    span = (
        request.resource_spans.add()
        .scope_spans.add()
        .spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, end_time_unix_nano=10**18)
    )
    fill(data.draw, span.attributes, user)
    span.attributes.add(key="gen_ai.operation.name").value.string_value = "chat"
    span.attributes.add(key="gen_ai.request.model").value.string_value = "gpt-4o"
    span.attributes.add(key="metadata").value.string_value = inside(data.draw, user)
    nested = span.attributes.add(key="metadata").value.kvlist_value
    nested.values.add(key="user_id").value.string_value = user
    options = ReadOptions(dimensions=OwnDimensions({"team": ("team",)}))
    identity = IdentityRename(user, TOMBSTONE, dimensions=options.dimensions)
    payload = rename_values("traces", request.SerializeToString(), identity, identity.having)
    spans = scan(payload, options.dimensions.wanted_beside(semconv.WANTED))
    reading = semconv.read(spans, 10**18, options)
    for mark in [*reading.marks, *(call.mark for call in reading.calls)]:
        assert user not in (*mark.own, *mark.inherited)
