"""When a certificate ends.

Source: RFC 5280, section 4.1. Only the way to one field is walked: Python's own library shows it of
the other side's certificate alone, and a library that reads all of a certificate is larger than
this program.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

_CERTIFICATE: Final = re.compile(
    rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL
)
_VERSION_TAG: Final = 0xA0
_UTC_TIME_TAG: Final = 0x17
_FIELDS_BEFORE_VALIDITY: Final = 3
"""Serial number, algorithm and issuer."""


def first_end_s(pem: bytes) -> float | None:
    """When the first of the certificates in a PEM file ends to be valid, in seconds since 1970.

    None where there is none that can be read.
    """
    ends = [_end_s(base64_text) for base64_text in _CERTIFICATE.findall(pem)]
    return min((end for end in ends if end is not None), default=None)


def ends_by_file_s(files: Mapping[str, bytes | None]) -> dict[str, float]:
    """The same for several PEM files, by the names given; without those that have none."""
    ends = {name: first_end_s(content) for name, content in files.items() if content}
    return {name: end_s for name, end_s in ends.items() if end_s is not None}


def _end_s(base64_text: bytes) -> float | None:
    try:
        certificate = _value(base64.b64decode(base64_text))
        fields = _value(certificate)
        if fields[0] == _VERSION_TAG:
            fields = _rest(fields)
        for _ in range(_FIELDS_BEFORE_VALIDITY):
            fields = _rest(fields)
        return _time_s(_rest(_value(fields)))
    except (binascii.Error, IndexError, ValueError):
        return None


def _bounds(der: bytes) -> tuple[int, int]:
    """Where the value of the first element begins and ends (X.690, section 8.1)."""
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    if start + length > len(der):
        raise ValueError("it ends too early")
    return start, start + length


def _value(der: bytes) -> bytes:
    start, end = _bounds(der)
    return der[start:end]


def _rest(der: bytes) -> bytes:
    return der[_bounds(der)[1] :]


def _time_s(der: bytes) -> float:
    """A time as certificates have it: two digits for years up to 2049, four from then on."""
    text = _value(der).decode("ascii")
    if der[0] == _UTC_TIME_TAG:
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
