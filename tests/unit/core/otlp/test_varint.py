import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.core.errors import UndecodableError
from processor.core.otlp.varint import encode_varint, read_varint


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, b"\x00"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (300, b"\xac\x02"),
        (16384, b"\x80\x80\x01"),
    ],
)
def test_known_encodings(value, encoded):
    # The examples of the format's own documentation, and the edges of one and two bytes.
    assert encode_varint(value) == encoded
    assert read_varint(encoded, 0) == (value, len(encoded))


@given(st.integers(0, (1 << 64) - 1), st.binary(max_size=3), st.binary(max_size=3))
def test_every_64_bit_value_comes_back(value, before, after):
    encoded = encode_varint(value)
    assert read_varint(before + encoded + after, len(before)) == (value, len(before + encoded))


def test_padding_does_not_change_the_value():
    assert read_varint(b"\x85\x80\x80\x00", 0) == (5, 4)


def test_bits_beyond_64_are_dropped():
    # As protobuf does with the tenth byte.
    assert read_varint(b"\xff" * 9 + b"\x7f", 0) == ((1 << 64) - 1, 10)


def test_eleven_bytes_are_too_long():
    with pytest.raises(UndecodableError, match="varint is too long"):
        read_varint(b"\x80" * 10 + b"\x00", 0)


def test_a_cut_varint_ends_the_data():
    with pytest.raises(IndexError):
        read_varint(b"\x80", 0)
