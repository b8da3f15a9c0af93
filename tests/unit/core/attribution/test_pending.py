"""Spans that wait for their trace to have a call: few, bounded, and counted when given up."""

from __future__ import annotations

import gc
import weakref

import pytest

from processor.core.attribution.pending import PendingSpan, PendingSpans
from processor.core.model import Mark, Owner, Spans, is_local_root

FIRST = PendingSpan(b"parent", None, is_local_root=False)
SECOND = PendingSpan(b"", None, is_local_root=True)


def waiting_of(room, trace_id):
    """All spans of a trace that wait, whatever they are."""
    plain = {
        span_id: PendingSpan(span.parent_id, None, is_local_root=False)
        for span_id, span in room.plain(trace_id).items()
    }
    return plain | dict(room.noted(trace_id))


def kept(room, *pairs):
    for trace, span in pairs:
        room.keep(trace, span, FIRST)


def test_what_is_kept_can_be_called_in():
    room = PendingSpans(10)
    room.keep(b"t", b"s", FIRST)
    assert waiting_of(room, b"t") == {b"s": FIRST}
    assert waiting_of(room, b"other") == {}


def test_the_first_copy_of_a_span_stays():
    room = PendingSpans(10)
    room.keep(b"t", b"s", FIRST)
    room.keep(b"t", b"s", SECOND)
    assert waiting_of(room, b"t") == {b"s": FIRST}
    assert len(room) == 1


def test_what_was_called_in_leaves_and_frees_its_place():
    room = PendingSpans(10)
    kept(room, (b"t", b"1"), (b"t", b"2"))
    room.release(b"t", {b"1", b"never seen"})
    assert set(waiting_of(room, b"t")) == {b"2"}
    room.release(b"t", {b"2"})
    room.release(b"t", {b"2"})
    room.release(b"never seen", {b"2"})
    assert len(room) == 0


def test_the_trace_that_waited_longest_is_given_up_whole_and_counted():
    room = PendingSpans(3)
    kept(room, (b"old", b"1"), (b"old", b"2"), (b"new", b"1"), (b"new", b"2"))
    assert waiting_of(room, b"old") == {}
    assert set(waiting_of(room, b"new")) == {b"1", b"2"}
    assert (len(room), room.evicted_spans) == (2, 2)


def test_one_trace_alone_cannot_outgrow_the_room():
    room = PendingSpans(5)
    kept(room, *((b"t", bytes([at])) for at in range(100)))
    assert len(room) <= 5
    assert len(room) + room.evicted_spans == 100
    assert len(room) == len(waiting_of(room, b"t"))


def test_a_room_without_places_keeps_nothing():
    room = PendingSpans(0)
    kept(room, (b"t", b"1"))
    assert (len(room), waiting_of(room, b"t"), room.evicted_spans) == (0, {}, 1)


@pytest.mark.parametrize(
    ("flags", "parent", "entry"),
    [
        (0x100, b"", True),
        (0, b"parent..", False),
        (0x100, b"parent..", False),
        (0x200, b"parent..", False),
        (0x300, b"parent..", True),
        (0x301, b"parent..", True),
    ],
)
def test_a_root_and_a_span_with_a_remote_parent_are_entries(flags, parent, entry):
    assert is_local_root(parent, flags) is entry


class Column(list):
    """A list that can be watched while it goes."""


def rows_of(count):
    """A batch of spans without parents, with ids 0, 1, 2 ..."""
    ids = Column(bytes([at % 256, at // 256]) for at in range(count))
    return Spans(b"", span_ids=ids, parent_ids=[b""] * count, flags=[0] * count)


def test_rows_of_a_batch_wait_like_single_spans():
    room = PendingSpans(10)
    mark = Mark(2, 5, own=Owner(session="s"))
    room.keep(b"t", b"\x01\x00", FIRST)
    room.keep_rows(b"t", rows_of(4), [1, 2], {2: mark})
    assert waiting_of(room, b"t") == {
        b"\x01\x00": FIRST,
        b"\x02\x00": PendingSpan(b"", mark, is_local_root=True),
    }
    assert len(room) == 2
    room.release(b"t", {b"\x01\x00", b"\x02\x00"})
    assert len(room) == 0


def test_rows_that_come_again_are_counted_once_when_they_are_asked_for():
    room = PendingSpans(10)
    for _ in range(3):
        room.keep_rows(b"t", rows_of(2), [0, 1], {})
    assert len(waiting_of(room, b"t")) == len(room) == 2


def test_rows_push_out_the_trace_that_waited_longest():
    room = PendingSpans(5)
    room.keep_rows(b"old", rows_of(3), [0, 1, 2], {})
    room.keep_rows(b"new", rows_of(3), [0, 1, 2], {})
    assert (waiting_of(room, b"old"), len(waiting_of(room, b"new"))) == ({}, 3)
    assert (len(room), room.evicted_spans) == (3, 3)


def test_one_row_that_waits_does_not_keep_its_whole_batch():
    room = PendingSpans(10)
    spans = rows_of(10_000)
    column = weakref.ref(spans.span_ids)
    room.keep_rows(b"t", spans, [77], {})
    del spans
    gc.collect()
    assert column() is None
