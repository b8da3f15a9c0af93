"""Rules on what an acknowledgement is worth: kill -9, SIGTERM, failing disks, damaged files."""

from __future__ import annotations

import asyncio
import errno
import random
import resource
import shutil
import signal
import subprocess
import sys
from contextlib import closing, suppress
from zlib import crc32

import apsw
import pytest
from backends.recorder import Recorder
from conformance.durable import (
    COST_NANO_USD,
    PRICES,
    QUEUE,
    QUICK,
    Line,
    Load,
    call,
    free_port,
    limited,
    numbers,
    queued_bytes,
    resident_mib,
)
from e2e.conftest import backend as backend  # noqa: PLC0414 - fixtures are found by their name
from e2e.conftest import spawn as spawn  # noqa: PLC0414 - fixtures are found by their name
from e2e.conftest import (
    start_backend as start_backend,  # noqa: PLC0414 - fixtures are found by their name
)
from e2e.processes import ROOT, Process, wait_until

from processor.app.application import App
from processor.config import load_settings
from processor.core.errors import ConfigError
from processor.core.model import Receipt
from processor.io.exporter import Backend, DiskQueue, QueuedBackend
from processor.io.exporter.disk_queue import segment
from processor.io.exporter.disk_queue.records import START, Record
from processor.io.ledger import sqlite

AWAY = '{"answer": "UNAVAILABLE"}'
METRICS = b"\x0a\x04\x12\x02\x0a\x00"
"""A request that leaves the ledger alone."""


@pytest.fixture
def folder(tmp_path):
    """The data folder of every processor that a test starts."""
    return tmp_path / "data"


@pytest.fixture
def start(spawn, backend, tmp_path, folder):
    """Start the processor in front of the recording backend, by default with a queue."""

    def run(settings=QUEUE, *, port=0, data_dir=folder):
        config, prices = tmp_path / "processor.yaml", tmp_path / "pricing.yaml"
        config.write_text(settings)
        prices.write_text(PRICES)
        process = spawn(
            Process, "-m", "processor.cli", "serve", "--config", config, "--pricing", prices,
            "--listen", f"127.0.0.1:{port}", "--listen-http", "", "--data-dir", data_dir,
            "--forward-to", f"127.0.0.1:{backend.port}",
        )  # fmt: skip
        process.port = int(process.wait_for("listens on").rsplit(":", 1)[1].split()[0])
        process.wait_for("ledger  ")
        return process

    return run


def test_rule_51_without_a_queue_an_answer_is_the_backends(start, backend, folder):
    """Guarantees: the mode is said in words; while the backend is away nothing is acknowledged."""
    process = start(QUICK)
    assert process.wait_for("acknowledges").endswith("what has been delivered")
    line = Line(process.port)
    assert line.send(call(1)) == "OK"
    backend.tell(AWAY)
    assert line.send(call(2), timeout_s=1.0) == "UNAVAILABLE"
    assert numbers(backend) == [1]
    assert not (folder / "spool").exists()


def test_rule_51_with_a_queue_an_answer_means_on_the_disk(start, backend, folder):
    """Guarantees: the mode is said in words; what is acknowledged while it is away comes later."""
    process = start()
    mode = process.wait_for("acknowledges")
    assert mode.endswith("or waits on disk in")
    assert str(folder / "spool" / "otlp") in process.wait_for("spool")
    line = Line(process.port)
    assert line.send(call(1)) == "OK"
    assert numbers(backend) == [1]
    assert queued_bytes(folder) == 0, "normal traffic does not touch the disk"
    backend.tell(AWAY)
    assert [line.send(call(number)) for number in range(2, 9)] == ["OK"] * 7
    assert numbers(backend) == [1]
    assert queued_bytes(folder) > 7 * len(call(2))
    backend.tell("{}")
    wait_until(lambda: len(numbers(backend)) == 8)
    assert sorted(numbers(backend)) == list(range(1, 9))
    wait_until(lambda: queued_bytes(folder) == 0)


def test_rule_53_kill_9_under_load(start, backend, folder):
    """Guarantees: no acknowledged span is lost; copies are bounded; the totals are exact."""
    chance = random.Random(53)
    port, senders, kills = free_port(), 6, 2
    process = start(port=port)
    load = Load(port, senders, pause_s=0.005)

    def acknowledge(more):
        enough = len(load.acknowledged) + more
        wait_until(lambda: len(load.acknowledged) >= enough)

    acknowledge(60)
    for _ in range(kills):
        backend.tell(
            chance.choice([AWAY, '{"delay_s": 0.05}', '{"answer": "UNAVAILABLE", "times": 20}'])
        )
        acknowledge(chance.randint(1, 20))
        assert process.stop(signal.SIGKILL) == -signal.SIGKILL
        process = start(port=port)
        backend.tell("{}")
        acknowledge(20)
    backend.tell(AWAY)
    acknowledge(10)
    process.stop(signal.SIGKILL)
    process = start(port=port)
    backend.tell("{}")
    acknowledged = load.end()
    assert len(acknowledged) > 100
    wait_until(lambda: acknowledged <= set(numbers(backend)) and not queued_bytes(folder))
    taken = numbers(backend)
    assert set(taken) == acknowledged
    # At each kill: what every sender waits for, and what is on its way from the queue.
    assert len(taken) - len(set(taken)) <= (kills + 1) * (senders + 10)
    line = Line(port)
    assert line.total_nano_usd() == len(acknowledged) * COST_NANO_USD
    for row in range(3):
        mine = [number for number in acknowledged if number % 3 == row]
        assert line.total_nano_usd("session", f"s-{row}") == len(mine) * COST_NANO_USD


def test_rule_54_sigterm_under_load_while_the_backend_is_down(start, backend):
    """Guarantees: not serving first, ended in time, and everything acknowledged comes later."""
    process = start()
    backend.tell(AWAY)
    load = Load(process.port, 8)
    states = Line(process.port).watch()
    wait_until(lambda: len(load.acknowledged) > 50)
    process.popen.send_signal(signal.SIGTERM)
    assert process.popen.wait(15) == 0
    wait_until(lambda: len(states) > 1)
    assert states == ["SERVING", "NOT_SERVING"]
    acknowledged = load.end(give_up=True)
    assert load.refusals <= {"UNAVAILABLE", "CANCELLED", "DEADLINE_EXCEEDED"}
    assert not numbers(backend)
    backend.tell("{}")
    process = start()
    wait_until(lambda: acknowledged <= set(numbers(backend)))


def test_rule_54_sigterm_while_the_backend_hangs(start, backend):
    """Guarantees: without a queue too it ends in time, and what had no answer was not promised."""
    process = start(QUICK.replace("10s", "60s"))
    backend.tell('{"delay_s": 60}')
    load = Load(process.port, 4, timeout_s=3.0)
    states = Line(process.port).watch()
    wait_until(lambda: backend.attempts)
    process.popen.send_signal(signal.SIGTERM)
    assert process.popen.wait(20) == 0
    wait_until(lambda: len(states) > 1)
    assert states == ["SERVING", "NOT_SERVING"], "it says so before it goes"
    assert load.end(give_up=True) == set()


def test_rule_55_a_file_system_that_takes_nothing(start, backend, folder):
    """Guarantees: ledger and queue refuse, the health says so, and both go on without a restart."""
    process = start()
    line = Line(process.port)
    assert line.send(call(1)) == "OK"
    with limited(process, resource.RLIMIT_FSIZE, 0):
        assert line.send(call(2)) == "UNAVAILABLE", "the ledger cannot be written"
        backend.tell(AWAY)
        assert line.send(METRICS, "metrics") == "UNAVAILABLE", "nor can the queue"
        wait_until(lambda: not line.is_serving())
    assert line.send(call(2)) == "OK"
    assert line.send(METRICS, "metrics") == "OK"
    backend.tell("{}")
    wait_until(lambda: queued_bytes(folder) == 0)
    assert sorted(set(numbers(backend))) == [1, 2]
    assert backend.requests("m") == [METRICS]
    assert line.total_nano_usd() == 2 * COST_NANO_USD
    wait_until(line.is_serving)


def test_rule_55_no_file_descriptors_left(start, backend):
    """Guarantees: what needs a new file is refused, what does not goes on, and so does it all."""
    process = start()
    line = Line(process.port)
    assert line.send(call(1)) == "OK"
    backend.tell(AWAY)
    # Those that are open stay so, and every new one would have a higher number.
    with limited(process, resource.RLIMIT_NOFILE, 3):
        assert line.send(METRICS, "metrics") == "UNAVAILABLE"
        assert line.is_serving()
    assert line.send(METRICS, "metrics") == "OK"
    backend.tell("{}")
    wait_until(lambda: backend.requests("m") == [METRICS])
    assert line.send(call(2)) == "OK"


def test_rule_55_a_disk_that_is_full(start, backend, tmp_path):
    """Guarantees: the same on a real file system without a byte left."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"NOT TESTED: no file system can be mounted here: {mounted.stderr.decode()}")
    try:
        process = start(data_dir=place)
        line = Line(process.port)
        assert line.send(call(1)) == "OK"
        backend.tell(AWAY)
        assert line.send(METRICS, "metrics") == "OK"
        ballast = place / "ballast"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass
        assert not shutil.disk_usage(place).free
        answers = {line.send(call(number, padding=9000)) for number in range(2, 9)}
        assert answers == {"UNAVAILABLE"}
        assert line.send(METRICS + bytes([0xFA, 0x3F, 0xA0, 0x1F]) + bytes(4000), "metrics") == (
            "UNAVAILABLE"
        )
        wait_until(lambda: not line.is_serving())
        ballast.unlink()
        assert line.send(call(2)) == "OK"
        backend.tell("{}")
        wait_until(lambda: sorted(set(numbers(backend))) == [1, 2] and backend.requests("m"))
        assert process.stop() == 0
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture(params=["otlp"])
async def gateway(request, tmp_path):
    """A processor in this process, with a queue, and its backend; to break things in."""
    way, recorder = request.param, Recorder()
    (tmp_path / "pricing.yaml").write_text(PRICES)
    begin = recorder.start if way == "otlp" else recorder.start_http
    given = {
        "receivers.otlp.protocols.grpc.endpoint": "127.0.0.1:0",
        "receivers.otlp.protocols.http.endpoint": "",
        "telemetry.metrics.endpoint": "",
        f"exporters.{way}.endpoint": f"http://127.0.0.1:{await begin()}",
        f"exporters.{way}.retry_on_failure.initial_interval": "10ms",
        f"exporters.{way}.retry_on_failure.max_interval": "20ms",
        f"exporters.{way}.sending_queue.enabled": True,
        f"exporters.{way}.sending_queue.spill_after": "20ms",
        "pricing.file": str(tmp_path / "pricing.yaml"),
        "data_dir": str(tmp_path / "data"),
    }
    app = App(load_settings(None, given, {}))
    await app.start()
    yield app, recorder
    await app.stop(0.1)
    await recorder.stop()


@pytest.mark.parametrize("gateway", ["otlphttp"], indirect=True)
async def test_rule_51_the_queue_of_a_backend_over_http(gateway, tmp_path):
    """Guarantees: every kind of backend can have one, each in a folder of its own."""
    app, recorder = gateway
    line = Line(app.port)
    recorder.behaviour.answer = "503"
    for kind, payload in (("trace", call(1)), ("metrics", METRICS), ("logs", METRICS)):
        assert await asyncio.to_thread(line.send, payload, kind) == "OK"
    assert queued_bytes(tmp_path / "data" / "spool" / "otlphttp")
    recorder.behaviour.answer = "OK"
    await asyncio.to_thread(wait_until, lambda: len(recorder.records) == 3)
    assert {record.signal for record in recorder.records} == set("tml")
    await asyncio.to_thread(wait_until, lambda: not queued_bytes(tmp_path))


@pytest.mark.parametrize("code", ["EIO", "ENOSPC", "EROFS", "EMFILE", "ENOMEM"])
async def test_rule_55_the_queue_on_a_failing_disk(gateway, monkeypatch, code):
    """Guarantees: whichever way a disk fails, senders keep what is theirs until it works again."""
    app, recorder = gateway
    line = Line(app.port)
    recorder.behaviour.answer = "UNAVAILABLE"

    def fail(*_arguments):
        raise OSError(getattr(errno, code), code)

    for step in ("open", "pwritev", "fsync"):
        with monkeypatch.context() as broken:
            broken.setattr(segment.os, step, fail)
            assert await asyncio.to_thread(line.send, METRICS, "metrics") == "UNAVAILABLE"
            # From the third failure in a row on nothing is safe here, and the health may say so.
            is_serving = await asyncio.to_thread(line.is_serving)
            assert is_serving or step == "fsync"
        assert await asyncio.to_thread(line.send, METRICS, "metrics") == "OK"
    recorder.behaviour.answer = "OK"
    await asyncio.to_thread(wait_until, line.is_serving)
    await asyncio.to_thread(wait_until, lambda: len(recorder.records) == 3)
    assert {record.payload for record in recorder.records} == {METRICS}


@pytest.mark.parametrize("kind", ["IOError", "FullError", "ReadOnlyError", "NoMemError"])
async def test_rule_55_the_ledger_on_a_failing_disk(gateway, monkeypatch, kind):
    """Guarantees: a charge that cannot be written is refused, and charged once when it can be."""
    app, recorder = gateway
    line = Line(app.port)
    assert await asyncio.to_thread(line.send, call(1)) == "OK"

    def fail(_store):
        with sqlite.TRANSLATED:
            raise getattr(apsw, kind)("the disk fails")

    with monkeypatch.context() as broken:
        broken.setattr(sqlite.SqliteStore, "commit", fail)
        assert await asyncio.to_thread(line.send, call(2)) == "UNAVAILABLE"
        await asyncio.to_thread(wait_until, lambda: not line.is_serving())
    assert await asyncio.to_thread(line.send, call(2)) == "OK"
    await asyncio.to_thread(wait_until, line.is_serving)
    assert await asyncio.to_thread(line.total_nano_usd) == 2 * COST_NANO_USD
    assert len(recorder.records) == 2


class Collecting:
    """A backend that takes everything."""

    name = "backend:4317"

    def __init__(self):
        self.taken = []

    def takes(self, _signal):
        return True

    async def start(self):
        pass

    async def close(self):
        pass

    async def attempt(self, _signal, payload, _timeout_s, _metadata):
        self.taken.append(payload)
        return Receipt()


def queued(folder, count):
    """A queue of so many payloads that a process has left; its file."""
    queue = DiskQueue(folder)
    queue.open()
    payloads = [b"%03d" % number + b"p" * 40 for number in range(count)]
    assert queue.append([Record("traces", payload) for payload in payloads]) == [None] * count
    queue.close()
    (file,) = folder.glob("*.spool")
    return file, payloads


async def restarted(folder):
    """What a process sends that finds such a queue, and what it says of it."""
    transport = Collecting()
    out = QueuedBackend(Backend(transport), DiskQueue(folder), setting="here")
    await out.start()
    await asyncio.to_thread(wait_until, lambda: not out.counters.backlog().waiting)
    assert await out.deliver("traces", b"new", 5.0) == Receipt()
    backlog = out.counters.backlog()
    await out.close()
    return [payload for payload in transport.taken if payload != b"new"], backlog


async def test_rule_56_any_flipped_byte(tmp_path):
    """Guarantees: it starts and works, loses one payload at most, counts it, keeps the file."""
    file, payloads = queued(tmp_path / "whole", 6)
    data = file.read_bytes()
    chance = random.Random(56)
    for at in {*range(40), *chance.sample(range(len(data)), 60), len(data) - 1}:
        folder = tmp_path / f"flip-{at}"
        folder.mkdir()
        damaged = bytearray(data)
        damaged[at] ^= 1 << chance.randrange(8)
        (folder / file.name).write_bytes(damaged)
        taken, backlog = await restarted(folder)
        missing = set(payloads) - set(taken)
        assert set(taken) <= set(payloads), "nothing damaged is sent"
        assert len(taken) == len(set(taken))
        assert len(missing) == backlog.lost <= 1, at
        assert bool(list(folder.glob("*.corrupt"))) == bool(backlog.corrupt_segments)
        assert backlog.corrupt_segments >= backlog.lost


async def test_rule_56_cut_off_anywhere(tmp_path):
    """Guarantees: what is whole is sent, and an unfinished end is said and passed over."""
    file, payloads = queued(tmp_path / "whole", 4)
    data = file.read_bytes()
    for size in range(0, len(data), 5):
        folder = tmp_path / f"cut-{size}"
        folder.mkdir()
        (folder / file.name).write_bytes(data[:size])
        taken, backlog = await restarted(folder)
        assert taken == payloads[: len(taken)]
        assert backlog.lost == 0
        ends = [data.index(payload) + len(payload) for payload in payloads]
        assert len(taken) == sum(end <= size for end in ends)
        assert bool(backlog.torn_bytes) == (size > START and size not in ends)
        assert not list(folder.iterdir()), "nothing of it is needed any more"


async def test_rule_57_a_queue_of_another_version(tmp_path, caplog):
    """Guarantees: magic and version come first; what another program wrote is left for it."""
    file, payloads = queued(tmp_path, 3)
    data = file.read_bytes()
    assert data[:8] == b"LLMSPOOL"
    assert int.from_bytes(data[8:10], "big") == 2
    head = data[:8] + (3).to_bytes(2, "big") + data[10:20]
    newer = head + crc32(head).to_bytes(4, "big") + b"whatever is new in that version"
    file.write_bytes(newer)
    taken, backlog = await restarted(tmp_path)
    assert taken == []
    assert backlog.other_version_segments == 1
    assert "format 3" in caplog.text
    assert file.read_bytes() == newer
    file.write_bytes(data)
    assert (await restarted(tmp_path))[0] == payloads


def test_rule_57_a_ledger_of_another_version(tmp_path):
    """Guarantees: a ledger that is not understood is refused at the start, and not touched."""
    path = tmp_path / "ledger.db"
    sqlite.SqliteStore(path).close()
    with closing(apsw.Connection(str(path))) as ledger:
        ledger.pragma("user_version", 999)
    with pytest.raises(ConfigError, match="another version"):
        sqlite.SqliteStore(path)
    with closing(apsw.Connection(str(path))) as ledger:
        assert ledger.pragma("user_version") == 999


@pytest.mark.heavy
def test_rule_60_load_then_three_times_as_much(start, backend, folder):
    """Guarantees: memory levels off, nobody is refused afterwards, and no restart is needed."""
    process = start()
    pid = process.popen.pid
    warm = Load(process.port, 3, pause_s=0.01)
    wait_until(lambda: len(warm.acknowledged) > 200)
    warm.end()
    settled_mib = resident_mib(process)
    backend.tell(AWAY)
    burst = Load(process.port, 9, pause_s=0.01, padding=20_000)
    wait_until(lambda: len(burst.acknowledged) > 120)
    burst.end()
    backend.tell("{}")
    wait_until(lambda: queued_bytes(folder) == 0)
    calm = Load(process.port, 3, pause_s=0.01)
    wait_until(lambda: len(calm.acknowledged) > 100)
    calm.end()
    assert not warm.refusals | calm.refusals
    assert resident_mib(process) - settled_mib < 32
    assert process.popen.poll() is None
    assert process.popen.pid == pid
    everything = warm.acknowledged | burst.acknowledged | calm.acknowledged
    assert everything == set(numbers(backend))


def test_rule_62_replicas_with_sqlite_count_alone(start, backend, tmp_path, folder):
    """Guarantees: two processes have two ledgers; one file has one process; the README says so."""
    first, second = start(), start(data_dir=tmp_path / "second")
    lines = Line(first.port), Line(second.port)
    assert [line.send(call(number)) for number, line in enumerate(lines, 1)] == ["OK", "OK"]
    assert [line.total_nano_usd() for line in lines] == [COST_NANO_USD] * 2
    third = subprocess.run(
        [sys.executable, "-m", "processor.cli", "serve", "--listen", "127.0.0.1:0",
         "--data-dir", folder, "--forward-to", f"127.0.0.1:{backend.port}"],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert third.returncode == 2
    assert "another process keeps this ledger" in third.stdout + third.stderr
    assert all(line.is_serving() for line in lines)
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert "Several replicas with SQLite each count alone" in readme
