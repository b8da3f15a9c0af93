"""The recording backend, run as its own process, does what its flags and control file say."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import grpc
from backends.recorder import read_records

RECORDER = Path(__file__).parent / "recorder.py"
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


@contextmanager
def listening(*flags):
    command = [sys.executable, str(RECORDER), "--listen", "127.0.0.1:0", *map(str, flags)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        try:
            yield port
        finally:
            process.terminate()
            assert process.wait(10) == 0


@contextmanager
def running(*flags):
    with listening(*flags) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel


def post(port, body, path="/v1/traces"):
    """The status that a request over HTTP is answered with, and its Retry-After."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", body, timeout=10) as answer:
            return answer.status, None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Retry-After"]


def send(channel, body, method=TRACES):
    """The name of the code that a request is answered with."""
    try:
        channel.unary_unary(method)(body, timeout=10)
    except grpc.RpcError as error:
        return error.code().name
    return "OK"


def test_it_records_what_it_takes(tmp_path):
    out = tmp_path / "out"
    with running("--out", out) as channel:
        assert send(channel, b"one") == "OK"
        assert send(channel, b"", LOGS) == "OK"
        assert [record[:2] for record in read_records(out)] == [("t", b"one"), ("l", b"")]
    out.write_bytes(out.read_bytes()[:-1])
    assert len(read_records(out)) == 1


def test_it_fails_as_often_as_it_is_told(tmp_path):
    out = tmp_path / "out"
    with running("--out", out, "--answer", "UNAVAILABLE", "--times", 2) as channel:
        assert [send(channel, b"x") for _ in range(3)] == ["UNAVAILABLE", "UNAVAILABLE", "OK"]
    assert len(read_records(out)) == 1


def test_a_control_file_changes_its_mind_while_it_runs(tmp_path):
    out, control, new = tmp_path / "out", tmp_path / "control", tmp_path / "new"
    with running("--out", out, "--control", control) as channel:
        assert send(channel, b"x") == "OK"
        new.write_text(json.dumps({"answer": "PERMISSION_DENIED"}))
        new.rename(control)
        assert [send(channel, b"x") for _ in range(2)] == ["PERMISSION_DENIED"] * 2
        new.write_text(json.dumps({"rejected": 1, "message": "no"}))
        new.rename(control)
        assert send(channel, b"x") == "OK"
    assert len(read_records(out)) == 2


def test_poison_is_refused_and_nothing_else(tmp_path):
    out = tmp_path / "out"
    with running("--out", out, "--poison", "bad") as channel:
        assert [send(channel, body) for body in (b"good", b"so bad")] == ["OK", "INVALID_ARGUMENT"]
    assert [record.payload for record in read_records(out)] == [b"good"]


def test_it_speaks_http_as_well(tmp_path):
    out = tmp_path / "out"
    flags = ("--http", "--out", out, "--poison", "bad")
    with listening(*flags, "--answer", "503", "--times", 1, "--retry-info-s", 7) as port:
        assert post(port, b"one") == (503, "7")
        assert post(port, b"one") == (200, None)
        assert post(port, b"bad") == (400, None)
        assert post(port, b"", "/v1/logs") == (200, None)
        assert post(port, b"one", "/v1/other")[0] == 404
    assert [record[:2] for record in read_records(out)] == [("t", b"one"), ("l", b"")]
