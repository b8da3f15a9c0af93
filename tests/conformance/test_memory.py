"""Rule 3, as far as memory goes: what hostile bodies of an allowed size make of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from processor.core import semconv, wire
from processor.core.errors import TooLargeError
from processor.core.otlp.json_reader import read_json
from processor.core.otlp.varint import encode_varint

MIB = 1024 * 1024
LIMIT = 16 * MIB

def peak_mib():
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024

def dense_json():
    pair = b'{"key":"a","value":{"intValue":1}}'
    pairs = b",".join([pair] * (LIMIT // (len(pair) + 1) - 10))
    return b'{"resourceSpans":[{"resource":{"attributes":[' + pairs + b"]}}]}"

def objects_json():
    objects = b",".join([b"{}"] * (LIMIT // 16 - 10))
    return (b'{"resourceSpans":[' + objects).ljust(LIMIT - 10) + b"]}"

def empty_spans():
    spans = b"\\x12\\x00" * (16 * MIB)
    size = len(spans)
    scope = b"\\x12" + encode_varint(size) + spans
    return b"\\x0a" + encode_varint(len(scope)) + scope

body = globals()[sys.argv[1]]()
before = peak_mib()
try:
    if sys.argv[1].endswith("json"):
        read_json("traces", body, LIMIT)
    else:
        wire.scan(body, semconv.WANTED)
except TooLargeError:
    pass
print(peak_mib() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "body",
    [
        pytest.param("dense_json", marks=pytest.mark.heavy),
        pytest.param("objects_json", marks=pytest.mark.heavy),
        "empty_spans",
    ],
)
def test_rule_03_hostile_bodies_stay_within_memory(body):
    """Guarantees: less than half a GiB, for the largest JSON and for millions of spans."""
    command = [sys.executable, "-c", PROGRAM, body]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert int(run.stdout) < 512
