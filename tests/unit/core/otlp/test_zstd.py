"""Zstandard: read whatever others have packed, within bounds, and refused where it is damaged."""

import random

import pytest
from backports import zstd as library

from processor.core.errors import UndecodableError
from processor.core.otlp.zstd import Unzstd, zstd

TEXT = b"gen_ai.usage.input_tokens" * 4000
PACKED = library.compress(TEXT)
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"


def unpacked(data, step=None):
    unzstd = Unzstd()
    step = step or max(1, len(data))
    parts = [data[at : at + step] for at in range(0, len(data), step)]
    whole = b"".join(piece for part in parts for piece in unzstd.feed(part))
    unzstd.finish()
    return whole


@pytest.mark.parametrize("data", [b"", b"x", TEXT, random.Random(1).randbytes(3_000_000)])
def test_what_is_packed_is_read_by_everybody(data):
    assert library.decompress(zstd(data)) == data
    assert unpacked(zstd(data)) == data
    assert unpacked(library.compress(data, 19)) == data


@pytest.mark.parametrize("step", [1, 7, 1000, None])
def test_parts_of_any_size_and_frames_of_any_number_come_together(step):
    """Guarantees: frames that are to be skipped are, and say nothing."""
    frames = library.compress(b"first") + SKIPPABLE + library.compress(b"") + zstd(b"second")
    assert unpacked(frames, step) == b"firstsecond"
    assert unpacked(PACKED, step) == TEXT


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"not zstd, but long enough", "not zstd"),
        (PACKED[:-1], "cut off"),
        (PACKED[:5], "cut off"),
        (b"", "cut off"),
        (PACKED + b"something else", "not zstd"),
        (library.compress(b"") * 5000, "frames"),
    ],
)
def test_what_is_wrong_is_said(data, why):
    with pytest.raises(UndecodableError, match=why):
        unpacked(data)


def test_a_little_that_becomes_much_comes_in_small_pieces():
    bomb = library.compress(bytes(20_000_000), 19)
    assert len(bomb) < 10_000
    sizes = [len(piece) for piece in Unzstd().feed(bomb)]
    assert sum(sizes) == 20_000_000
    assert max(sizes) <= 1024 * 1024


def test_a_window_that_takes_more_memory_than_eight_mebibytes_is_refused():
    """Guarantees: a header of a few bytes cannot ask for a gigabyte."""
    options = {library.CompressionParameter.window_log: 24}
    compressor = library.ZstdCompressor(options=options)
    packed = compressor.compress(random.Random(1).randbytes(1000)) + compressor.flush()
    with pytest.raises(UndecodableError, match="8 MiB"):
        unpacked(packed)


def test_damage_anywhere_ends_in_the_text_or_a_refusal():
    rng = random.Random(7)
    short = zstd(TEXT[:3000])
    for _ in range(300):
        damaged = bytearray(short)
        damaged[rng.randrange(len(short))] ^= 1 << rng.randrange(8)
        try:
            unpacked(bytes(damaged))
        except UndecodableError:
            continue
