"""Spans that wait for their trace to have a call: few, bounded, and counted when evicted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.core.attribution.pending import PendingSpan, PendingSpans
from processor.core.model import Mark, Owner, PendingRows, is_local_root

FIRST = PendingSpan(b"parent", None, is_local_root=False)
SECOND = PendingSpan(b"", None, is_local_root=True)


def waiting_of(pending, trace_id):
    """All spans of a trace that wait, whatever they are."""
    plain = {
        span_id: PendingSpan(span.parent_id, None, is_local_root=False)
        for span_id, span in pending.plain(trace_id).items()
    }
    return plain | dict(pending.significant(trace_id))


def kept(pending, *pairs):
    for trace, span in pairs:
        pending.keep(trace, span, FIRST)


def test_what_is_kept_can_be_called_in():
    pending = PendingSpans(10)
    pending.keep(b"t", b"s", FIRST)
    assert waiting_of(pending, b"t") == {b"s": FIRST}
    assert waiting_of(pending, b"other") == {}


def test_the_first_copy_of_a_span_stays():
    pending = PendingSpans(10)
    pending.keep(b"t", b"s", FIRST)
    pending.keep(b"t", b"s", SECOND)
    assert waiting_of(pending, b"t") == {b"s": FIRST}
    assert len(pending) == 1


def test_what_was_called_in_leaves_and_frees_its_place():
    pending = PendingSpans(10)
    kept(pending, (b"t", b"1"), (b"t", b"2"))
    pending.release(b"t", {b"1", b"never seen"})
    assert set(waiting_of(pending, b"t")) == {b"2"}
    pending.release(b"t", {b"2"})
    pending.release(b"t", {b"2"})
    pending.release(b"never seen", {b"2"})
    assert len(pending) == 0


def test_the_trace_that_waited_longest_is_evicted_whole_and_counted():
    pending = PendingSpans(3)
    kept(pending, (b"old", b"1"), (b"old", b"2"), (b"new", b"1"), (b"new", b"2"))
    assert waiting_of(pending, b"old") == {}
    assert set(waiting_of(pending, b"new")) == {b"1", b"2"}
    assert (len(pending), pending.evicted_spans) == (2, 2)


def test_one_trace_alone_cannot_exceed_the_limit():
    pending = PendingSpans(5)
    kept(pending, *((b"t", bytes([at])) for at in range(100)))
    assert len(pending) <= 5
    assert len(pending) + pending.evicted_spans == 100
    assert len(pending) == len(waiting_of(pending, b"t"))


def test_a_limit_of_zero_keeps_nothing():
    pending = PendingSpans(0)
    kept(pending, (b"t", b"1"))
    assert (len(pending), waiting_of(pending, b"t"), pending.evicted_spans) == (0, {}, 1)


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


def rows_of(*numbers, trace=b"t", marks=None):
    """Spans without parents, with ids of their numbers."""
    ids = [bytes([at % 256, at // 256]) for at in numbers]
    return PendingRows(trace, ids, [b""] * len(ids), [0] * len(ids), marks or {})


def test_rows_of_a_batch_wait_like_single_spans():
    pending = PendingSpans(10)
    mark = Mark(2, 5, own=Owner(session="s"))
    pending.keep(b"t", b"\x01\x00", FIRST)
    pending.keep_rows(rows_of(1, 2, marks={1: mark}))
    assert waiting_of(pending, b"t") == {
        b"\x01\x00": FIRST,
        b"\x02\x00": PendingSpan(b"", mark, is_local_root=True),
    }
    assert len(pending) == 2
    pending.release(b"t", {b"\x01\x00", b"\x02\x00"})
    assert len(pending) == 0


def test_rows_that_come_again_are_counted_once_when_they_are_asked_for():
    pending = PendingSpans(10)
    for _ in range(3):
        pending.keep_rows(rows_of(0, 1))
    assert len(waiting_of(pending, b"t")) == len(pending) == 2


def test_rows_push_out_the_trace_that_waited_longest():
    pending = PendingSpans(5)
    pending.keep_rows(rows_of(0, 1, 2, trace=b"old"))
    pending.keep_rows(rows_of(0, 1, 2, trace=b"new"))
    assert (waiting_of(pending, b"old"), len(waiting_of(pending, b"new"))) == ({}, 3)
    assert (len(pending), pending.evicted_spans) == (3, 3)


def test_rows_that_are_taken_back_leave_what_waited_before():
    """Guarantees: refused as often as it may be, a batch pushes nothing out."""
    pending = PendingSpans(5)
    pending.keep_rows(rows_of(0, 1))
    for _ in range(9):
        again = rows_of(0, 1)
        pending.keep_rows(again)
        pending.take_back(again)
    pending.take_back(rows_of(0, 1))
    pending.take_back(rows_of(0, trace=b"never seen"))
    assert (len(waiting_of(pending, b"t")), len(pending), pending.evicted_spans) == (2, 2, 0)
    other = rows_of(0, trace=b"other")
    pending.keep_rows(other)
    pending.take_back(other)
    assert len(pending) == 2


def test_rows_that_were_asked_for_cannot_be_taken_back():
    pending = PendingSpans(5)
    asked = rows_of(0, 1)
    pending.keep_rows(asked)
    assert len(waiting_of(pending, b"t")) == 2
    pending.take_back(asked)
    assert len(waiting_of(pending, b"t")) == len(pending) == 2


class Turn:
    """Spans as the ledger keeps them, which counts how many traces of it are read."""

    def __init__(self, *traces):
        self._traces, self.read = traces, 0

    @property
    def trace_ids(self):
        return [rows.trace_id for rows in self._traces]

    @property
    def sizes(self):
        return [len(rows.span_ids) for rows in self._traces]

    def may_say(self, text):
        said = [mark.own.user for rows in self._traces for mark in rows.marks.values()]
        return text in said

    def rows(self, at):
        self.read += 1
        return self._traces[at]


def test_what_was_loaded_is_read_when_its_trace_is_touched():
    turn = Turn(rows_of(0, 1, trace=b"a"), rows_of(0, trace=b"b"), rows_of(0, trace=b"c"))
    pending = PendingSpans(10)
    pending.load([turn])
    assert (len(pending), turn.read) == (4, 0)
    assert len(waiting_of(pending, b"a")) == 2
    pending.keep_rows(rows_of(5, trace=b"b"))
    assert (len(pending), turn.read) == (5, 2)
    assert len(waiting_of(pending, b"b")) == 2
    pending.load([turn])
    assert len(pending) == 4


def test_a_renaming_reaches_what_was_loaded_and_not_touched():
    marked = Turn(rows_of(0, trace=b"a", marks={0: Mark(0, 5, own=Owner(user="before"))}))
    plain = Turn(rows_of(0, trace=b"b"))
    for touches in (True, False):
        pending = PendingSpans(10)
        pending.load([marked, plain])
        pending.rename(lambda mark: replace(mark, own=Owner(user="after")), "before")
        if not touches:
            assert not pending.rename_some(1)
            assert pending.rename_some(1)
        assert plain.read == 0
        assert [span.mark.own.user for span in pending.significant(b"a").values()] == ["after"]


SOME_ROWS = st.tuples(st.sampled_from([b"a", b"b", b"c", b"d"]), st.integers(1, 4))


@given(
    st.lists(st.lists(SOME_ROWS, max_size=4), max_size=6),
    st.integers(0, 12),
    st.lists(SOME_ROWS, max_size=4),
)
def test_what_is_loaded_is_what_would_wait_had_it_just_come(turns, limit, later):
    """Guarantees: the latest that fit are there, and leave in the order in which they came."""
    numbers = iter(range(10_000))
    made = [
        [rows_of(*(next(numbers) for _ in range(size)), trace=trace) for trace, size in turn]
        for turn in turns
    ]
    left, expected = limit, []
    for rows in (rows for turn in made for rows in turn):
        if len(rows.span_ids) > limit:
            continue
        left -= len(rows.span_ids)
        if left < 0:
            break
        expected.append(rows)
    loaded, kept = PendingSpans(limit), PendingSpans(limit)
    loaded.load(Turn(*turn) for turn in made)
    for turn in reversed(made):
        for rows in turn:
            if any(rows is each for each in expected):
                kept.keep_rows(rows)
    for trace, size in later:
        rows = rows_of(*(next(numbers) for _ in range(size)), trace=trace)
        loaded.keep_rows(rows)
        kept.keep_rows(rows)
    assert (len(loaded), loaded.evicted_spans) == (len(kept), kept.evicted_spans)
    for trace in (b"a", b"b", b"c", b"d"):
        assert loaded.significant(trace) == kept.significant(trace)
