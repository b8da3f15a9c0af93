"""What a payload takes while it is read is known before: an estimate of the most that it takes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from processor.core import semconv
from processor.core.errors import TooLargeError
from processor.core.wire import scan
from processor.core.wire.parsed_size import SMALL_BYTES, parsed_bytes

PROGRAM = """
import sys
from processor.core import semconv
from processor.core.otlp.varint import encode_varint
from processor.core.wire import scan

def record(number, body):
    return encode_varint(number << 3 | 2) + encode_varint(len(body)) + body

def one_span(fields):
    return record(1, record(2, record(2, fields)))

def peak_bytes():
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

SIZE = 2 << 20
FLOODS = {
    "attributes": one_span(b"\\x4a\\x00" * (SIZE // 2)),
    "attributes with values": one_span(b"\\x4a\\x02\\x12\\x00" * (SIZE // 4)),
    "events": one_span(b"\\x5a\\x00" * (SIZE // 2)),
    "links": one_span(b"\\x6a\\x00" * (SIZE // 2)),
    "values of an array": one_span(record(9, record(2, record(5, b"\\x0a\\x00" * (SIZE // 2))))),
    "spans": record(1, record(2, b"\\x12\\x00" * 200_000)),
}
held = []
payload = FLOODS[sys.argv[1]]
before = peak_bytes()
scan(payload, semconv.WANTED, held.append)
print(peak_bytes() - before, *held)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "flood",
    ["attributes", "attributes with values", "events", "links", "values of an array", "spans"],
)
def test_a_flood_takes_about_what_was_held_for_it(flood):
    """Guarantees: no more than a fifth above, for each kind of message of the least size."""
    command = [sys.executable, "-c", PROGRAM, flood]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    taken, held = map(int, run.stdout.split())
    assert held / 2 < taken < 1.2 * held + (8 << 20)


def test_what_is_too_much_is_not_parsed():
    def refuse(_size_bytes):
        raise TooLargeError("too much")

    with pytest.raises(TooLargeError):
        scan(b"", semconv.WANTED, refuse)


def test_a_small_payload_is_not_searched():
    assert parsed_bytes(b"\x4a\x00", 3) == 2 + 3 * 1100
    assert parsed_bytes(b"\x4a\x00" * SMALL_BYTES, 0) == SMALL_BYTES * (2 + 80)
