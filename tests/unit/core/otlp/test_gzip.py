"""Gzip does the same with ISA-L and with zlib, for good input and for bad."""

import gzip
import importlib
import random
import sys
import zlib

import pytest
from isal import isal_zlib

from processor.core.errors import UndecodableError
from processor.core.otlp import gzip as compression

TEXT = b"gen_ai.usage.input_tokens" * 4000
PACKED = gzip.compress(TEXT, mtime=0)


@pytest.fixture(params=[zlib, isal_zlib], ids=lambda codec: codec.__name__)
def _codec(request, monkeypatch):
    monkeypatch.setattr(compression, "_codec", request.param)


with_each = pytest.mark.usefixtures("_codec")


def inflated(data, step=None):
    gunzip = compression.Gunzip()
    step = step or max(1, len(data))
    parts = [data[at : at + step] for at in range(0, len(data), step)]
    whole = b"".join(piece for part in parts for piece in gunzip.feed(part))
    gunzip.finish()
    return whole


@with_each
@pytest.mark.parametrize("data", [b"", b"x", TEXT, random.Random(1).randbytes(3_000_000)])
def test_what_is_packed_is_read_by_everybody(data):
    packed = compression.gzip(data)
    assert gzip.decompress(packed) == data
    assert inflated(packed) == data
    assert compression.gzip(data) == packed, (
        "the same input gives the same bytes, whatever the time"
    )


@with_each
@pytest.mark.parametrize("step", [1, 7, 1000, None])
def test_parts_of_any_size_and_members_of_any_number_come_together(step):
    members = gzip.compress(b"first") + gzip.compress(b"") + gzip.compress(b"second")
    assert inflated(members, step) == b"firstsecond"
    assert inflated(PACKED[:200] + PACKED[200:], step) == TEXT


@with_each
@pytest.mark.parametrize("flags", range(32))
def test_optional_fields_of_the_header_may_come_in_parts(flags):
    """Guarantees: ISA-L alone refuses two of them, or a checksum, that do not come at once."""
    head = PACKED[:3] + bytes([flags]) + PACKED[4:10]
    head += b"\6\0AB\2\0xy" if flags & 4 else b""
    head += b"name\0" if flags & 8 else b""
    head += b"comment\0" if flags & 16 else b""
    head += (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little") if flags & 2 else b""
    for step in (*range(1, len(head) + 2), None):
        assert inflated(head + PACKED[10:], step) == TEXT


@with_each
@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"not gzip, but long enough", "not gzip"),
        (PACKED[:-1], "cut off"),
        (PACKED[:5], "cut off"),
        (b"", "cut off"),
        (PACKED[:-8] + bytes(4) + PACKED[-4:], "damaged"),
        (PACKED[:-4] + bytes(4), "damaged"),
        (PACKED + b"something else", "not gzip"),
        (PACKED[:60] + b"\xff\xff\xff" + PACKED[63:], "damaged"),
        (zlib.compress(TEXT), "not gzip"),
        (b"\x1f\x8b\x07" + PACKED[3:], "not gzip"),
        (gzip.compress(b"", mtime=0) * 5000, "members"),
    ],
)
def test_what_is_wrong_is_told_alike(data, why):
    with pytest.raises(UndecodableError, match=why):
        inflated(data)


@with_each
def test_a_little_that_becomes_much_comes_in_small_pieces():
    bomb = gzip.compress(bytes(20_000_000), 9)
    sizes = [len(piece) for piece in compression.Gunzip().feed(bomb)]
    assert sum(sizes) == 20_000_000
    assert max(sizes) <= 1024 * 1024


def test_damage_anywhere_never_ends_in_something_else():
    """Guarantees: both either give the text or refuse, and they agree on which."""
    rng = random.Random(7)
    short = gzip.compress(TEXT[:3000], mtime=0)
    for _ in range(300):
        damaged = bytearray(short)
        damaged[rng.randrange(10, len(short))] ^= 1 << rng.randrange(8)
        ends = []
        for each in (zlib, isal_zlib):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(compression, "_codec", each)
                try:
                    ends.append(inflated(bytes(damaged)))
                except UndecodableError:
                    ends.append(None)
        assert ends[0] == ends[1]


def test_without_isal_zlib_takes_its_place(monkeypatch):
    """Guarantees: the extra stays one."""
    monkeypatch.setitem(sys.modules, "isal", None)
    try:
        assert importlib.reload(compression)._codec is zlib
    finally:
        monkeypatch.undo()
        assert importlib.reload(compression)._codec is isal_zlib
