"""Bodies are unpacked by the name of their compression, up to a limit."""

import gzip
import zlib
from collections.abc import Iterator

import pytest
from backports import zstd

from processor.core.errors import TooLargeError, UndecodableError
from processor.core.otlp.encodings import ACCEPTED, UNPACKERS, unpack, unpack_in_turns
from processor.core.otlp.gzip import Gunzip

TEXT = b"gen_ai.usage.input_tokens" * 4000
PACKED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "zstd": zstd.compress(TEXT),
}


@pytest.mark.parametrize("coding", UNPACKERS)
def test_a_body_is_unpacked_up_to_a_limit(coding):
    """Guarantees: exactly the limit is taken, one byte more is not."""
    assert unpack(coding, PACKED[coding], len(TEXT)) == TEXT
    with pytest.raises(TooLargeError):
        unpack(coding, PACKED[coding], len(TEXT) - 1)
    with pytest.raises(UndecodableError):
        unpack(coding, PACKED[coding][:-1], len(TEXT))


def test_senders_are_asked_for_all_but_what_has_two_meanings_or_an_older_name():
    assert ACCEPTED == "gzip, zstd"
    assert {*ACCEPTED.split(", "), "x-gzip", "deflate"} == set(UNPACKERS)


def test_a_body_of_many_members_is_unpacked_in_turns_and_copies_little():
    """Guarantees: no member is followed by more than a slice, which it would copy."""
    members = gzip.compress(TEXT) + gzip.compress(b"") * 4000
    data = members + bytes(512 * 1024)
    largest = 0

    class Recording(Gunzip):
        def feed(self, data: bytes) -> Iterator[bytes]:
            nonlocal largest
            largest = max(largest, len(data))
            return super().feed(data)

    pieces = list(unpack_in_turns(Recording(), members))
    assert b"".join(pieces) == TEXT
    assert largest <= 64 * 1024
    assert pieces.count(b"") == len(members) // (64 * 1024)
    with pytest.raises(UndecodableError):
        unpack("gzip", data, len(data))
