"""Bodies are unpacked by the name of their compression, up to a limit."""

import gzip
import zlib

import pytest
from backports import zstd

from processor.core.errors import TooLargeError, UndecodableError
from processor.core.otlp.encodings import ACCEPTED, UNPACKERS, unpack

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
