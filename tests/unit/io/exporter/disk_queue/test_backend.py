"""A backend with a queue on the disk: what is acknowledged, where it is, and what becomes of it."""

import asyncio
import errno
import os
from contextlib import asynccontextmanager

import pytest

from processor.core.errors import BackendRefusedError, BackendUnavailableError, ConfigError
from processor.core.model import Receipt
from processor.io.exporter import Backend, DiskQueue, MergePolicy, QueuedBackend, RetryPolicy
from processor.io.exporter.disk_queue import segment
from processor.io.exporter.disk_queue.refused import refused_requests
from processor.io.exporter.outage_log import OutageLog
from processor.io.exporter.transport import AttemptError

QUICK = RetryPolicy(initial_s=0.01, max_s=0.02)


class Transport:
    """A backend that can be away, slow, or have opinions on single payloads."""

    name = "backend:4317"

    def __init__(self):
        self.is_away = False
        self.unauthorized = False
        self.fails_signals = set()
        self.lacks = set()
        self.refuses = set()
        self.poison = set()
        self.rejects = set()
        self.taken = []
        self.attempts = 0
        self.held = 0
        """Attempts that wait at the gate."""
        self.gate = asyncio.Event()
        self.gate.set()

    def takes(self, signal):
        return signal != "logs"

    async def start(self):
        pass

    async def close(self):
        pass

    async def attempt(self, signal, payload, _timeout_s, metadata=()):
        self.attempts += 1
        self.held += 1
        try:
            await self.gate.wait()
        finally:
            self.held -= 1
        if self.is_away or payload in self.poison:
            raise AttemptError("UNAVAILABLE", "connection refused", 14, is_retryable=True)
        if signal in self.fails_signals:
            raise AttemptError("HTTP 404", "not found", 12, is_retryable=True)
        if signal in self.lacks:
            raise AttemptError("UNIMPLEMENTED", "no such service", 12, is_retryable=False)
        if self.unauthorized:
            raise AttemptError("UNAUTHENTICATED", "token expired", 16, is_retryable=False)
        if payload in self.refuses:
            raise AttemptError("INVALID_ARGUMENT", "no", 3, is_retryable=False)
        self.taken.append((signal, payload, metadata))
        return Receipt(1, "too old") if self.rejects & {payload} else Receipt()

    @property
    def payloads(self):
        return [payload for _, payload, _ in self.taken]


@asynccontextmanager
async def opened(transport, folder, *, merge=None, max_bytes=2**30, drops_oldest=False, **settings):
    backend = Backend(
        transport, retry=QUICK, cuts_attempts=False, merge=merge, forwards={"x-tenant"}
    )
    settings = {"spill_after_s": 0.02, "sleep": quickly, **settings}
    disk_queue = DiskQueue(folder, max_bytes=max_bytes, drops_oldest=drops_oldest)
    out = QueuedBackend(backend, disk_queue, setting="here", **settings)
    await out.start()
    try:
        yield out
    finally:
        await out.close()


async def quickly(seconds):
    await asyncio.sleep(min(seconds, 0.01))


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is looked at has no event
            await asyncio.sleep(0.005)


def waiting(out):
    return out.counters.backlog().waiting


async def is_kept(out, payload):
    try:
        await out.deliver("traces", payload, None)
    except BackendUnavailableError as error:
        return "it holds all of its" not in str(error)
    return True


def files(folder):
    return list(folder.glob("*.spool"))


async def test_while_the_backend_is_there_the_disk_is_not_touched(tmp_path):
    """Guarantees: normal traffic has no file and no sync, and gets the backend's own answer."""
    transport = Transport()
    async with opened(transport, tmp_path) as out:
        assert out.takes("traces")
        assert not out.takes("logs")
        for _ in range(3):
            assert await out.deliver("traces", b"1", 5.0, (("x-tenant", "a"),)) == Receipt()
        transport.refuses.add(b"bad")
        with pytest.raises(BackendRefusedError):
            await out.deliver("traces", b"bad", 5.0)
        assert transport.taken[0] == ("traces", b"1", (("x-tenant", "a"),))
        assert files(tmp_path) == []
        assert (out.counters.delivered, out.counters.refused) == (3, 1)


async def test_what_the_backend_does_not_take_is_kept_and_sent_later(tmp_path):
    """Guarantees: acknowledged means on the disk; it arrives with its signal and metadata."""
    transport = Transport()
    transport.is_away = True
    async with opened(transport, tmp_path) as out:
        for row in range(20):
            payload = b"%d" % row
            assert await out.deliver("metrics", payload, None, (("x-tenant", "a"),)) == Receipt()
        backlog = out.counters.backlog()
        assert (backlog.kept, backlog.waiting, backlog.is_away) == (20, 20, True)
        assert backlog.size_bytes == sum(path.stat().st_size for path in files(tmp_path))
        assert out.counters.delivered == 20
        assert "connection refused" in out.counters.last_failure.message
        transport.is_away = False
        await until(lambda: not waiting(out))
        assert sorted(transport.payloads, key=int) == [b"%d" % row for row in range(20)]
        assert transport.taken[0] == ("metrics", transport.payloads[0], (("x-tenant", "a"),))
        backlog = out.counters.backlog()
        assert (backlog.delivered, backlog.is_away, backlog.lost) == (20, False, 0)
        assert files(tmp_path) == []


async def test_while_it_is_known_to_be_away_no_sender_waits_for_it(tmp_path):
    """Guarantees: only the queue asks whether it is back, with two requests at a time."""
    transport = Transport()
    transport.is_away = True
    async with opened(transport, tmp_path) as out:
        await out.deliver("traces", b"0", None)
        await until(lambda: transport.attempts > 3)
        transport.gate.clear()
        await until(lambda: transport.held)
        attempts = transport.attempts
        await asyncio.gather(*(out.deliver("traces", b"1", None) for _ in range(50)))
        assert transport.attempts - attempts <= 2
        transport.gate.set()


async def test_when_it_is_back_new_requests_do_not_queue_behind_old_ones(tmp_path):
    """Guarantees: a long backlog delays nothing that is new."""
    transport = Transport()
    transport.is_away = True
    async with opened(transport, tmp_path, consumers=1) as out:
        for row in range(200):
            await out.deliver("traces", b"%d" % row, None)
        transport.is_away = False
        await until(lambda: transport.payloads)
        await out.deliver("traces", b"new", None)
        assert b"new" in transport.payloads
        assert waiting(out)
        await until(lambda: not waiting(out))
        assert len(set(transport.payloads)) == 201


async def test_what_is_refused_for_good_later_is_counted_with_its_reason(tmp_path, caplog):
    """Guarantees: its sender cannot hear of it any more, so it is logged; the rest goes on."""
    transport = Transport()
    transport.is_away = True
    async with opened(transport, tmp_path) as out:
        for payload in (b"1", b"bad", b"2"):
            await out.deliver("traces", payload, None)
        transport.refuses.add(b"bad")
        transport.is_away = False
        await until(lambda: not waiting(out))
        backlog = out.counters.backlog()
        assert backlog.set_aside == {"invalid_argument": 1}
        assert backlog.kept == backlog.delivered + sum(backlog.set_aside.values())
        assert (backlog.files, backlog.files_bytes) == (1, 2 * 4096)
        assert backlog.last_trouble is not None
        assert sorted(transport.payloads) == [b"1", b"2"]
        assert "llm-cost resend" in caplog.text


async def test_headers_that_belong_to_a_request_are_set_aside_with_it(tmp_path):
    """Guarantees: it is sent again for the same tenant, and found after a restart."""
    transport = Transport()
    transport.is_away = True
    async with opened(transport, tmp_path) as out:
        await out.deliver("traces", b"bad", None, (("x-tenant", "a"), ("x-other", "b")))
        transport.refuses.add(b"bad")
        transport.is_away = False
        await until(lambda: not waiting(out))
    (kept,) = refused_requests(tmp_path / "refused")
    assert kept.read()[:3] == ("traces", b"bad", (("x-tenant", "a"),))
    assert kept.path.stat().st_mode & 0o777 == 0o600
    async with opened(transport, tmp_path) as out:
        assert out.counters.backlog().files == 1


async def test_refused_credentials_cost_no_request(tmp_path):
    """Guarantees: what comes while a token is refused is kept, and sent with the next one."""
    transport = Transport()
    transport.unauthorized = True
    async with opened(transport, tmp_path) as out:
        assert await out.deliver("traces", b"1", None) == Receipt()
        backlog = out.counters.backlog()
        assert (backlog.is_away, backlog.waiting) == (True, 1)
        assert "token expired" in out.counters.last_failure.message
        transport.unauthorized = False
        await until(lambda: transport.payloads == [b"1"])
        assert out.counters.last_failure is None


async def test_the_health_keeps_why_credentials_are_refused_while_they_are(tmp_path):
    """Guarantees: however seldom what waits is tried again; and no longer."""
    transport = Transport()
    transport.unauthorized = True
    async with opened(transport, tmp_path) as out:
        await out.deliver("traces", b"1", None)
        await until(lambda: out.counters.backlog().lasting_troubles)
        (why,) = out.counters.backlog().lasting_troubles
        assert "refuses our credentials" in why
        assert "token expired" in why
        transport.unauthorized = False
        await until(lambda: not waiting(out))
        assert out.counters.backlog().lasting_troubles == ()


async def test_a_backend_that_refuses_for_good_is_not_away(tmp_path):
    """Guarantees: an answer of any kind shows that it is there, also when nothing else follows."""
    transport = Transport()
    transport.is_away = True
    transport.refuses.add(b"bad")
    async with opened(transport, tmp_path) as out:
        await out.deliver("traces", b"bad", None)
        assert out.counters.backlog().is_away
        transport.is_away = False
        await until(lambda: not waiting(out))
        assert not out.counters.backlog().is_away


async def test_the_health_keeps_why_what_is_refused_still_waits(tmp_path):
    """Guarantees: until there is room for it in the folder."""
    transport = Transport()
    transport.is_away = True
    transport.refuses.add(b"bad")
    async with opened(transport, tmp_path, refused_max_bytes=0) as out:
        await out.deliver("traces", b"bad", None)
        transport.is_away = False
        await until(lambda: out.counters.backlog().lasting_troubles)
        assert "cannot be set aside" in out.counters.backlog().lasting_troubles[0]
        out._queue.refused.max_bytes = 10_000
        await until(lambda: not waiting(out))
        assert out._losses.lasting == {}


async def test_what_is_taken_in_part_from_the_disk_is_set_aside_although_others_are_merged(
    tmp_path,
):
    """Guarantees: whole, marked, and no copy of another that was sent at the same time."""
    transport = Transport()
    transport.is_away = True
    payloads = [b"\x0a\x01" + letter for letter in (b"a", b"b", b"c", b"d")]
    transport.rejects.add(payloads[2])
    async with opened(transport, tmp_path, merge=MergePolicy()) as out:
        for payload in payloads:
            await out.deliver("traces", payload, None)
        transport.is_away = False
        await until(lambda: not waiting(out))
        assert sorted(transport.payloads) == payloads
        assert out.counters.rejected_items == 1
    (kept,) = refused_requests(tmp_path / "refused")
    assert kept.read().payload == payloads[2]
    assert '"is_partial": true' in kept.notes.read_text()


async def test_a_backend_that_fails_and_takes_in_turn_is_one_outage_in_the_log(tmp_path, caplog):
    """Guarantees: a line when it begins, and one when nothing has failed for a while."""
    caplog.set_level("INFO")
    transport = Transport()
    async with opened(transport, tmp_path) as out:
        out._outages = OutageLog(quiet_s=0.2)
        for _ in range(20):
            for transport.is_away in (True, False):
                await out.deliver("traces", b"1", None)
            await until(lambda: not waiting(out))
        await until(lambda: "takes traces again" in caplog.text)
    kept = [line for line in caplog.messages if "are kept in" in line]
    over = [line for line in caplog.messages if "takes traces again" in line]
    assert (len(kept), len(over)) == (1, 1)
    assert "failed 20 times" in over[0]


async def test_what_finds_no_place_at_a_busy_backend_goes_to_the_disk(tmp_path, caplog):
    """Guarantees: no more are under way than the setting says; nobody waits long or is refused."""
    transport = Transport()
    transport.gate.clear()
    async with opened(transport, tmp_path, max_concurrent_requests=2, consumers=1) as out:
        first = [asyncio.ensure_future(out.deliver("traces", b"%d" % row, None)) for row in (1, 2)]
        await until(lambda: transport.held == 2)
        others = (out.deliver("traces", b"%d" % row, None) for row in (3, 4, 5))
        assert await asyncio.gather(*others) == [Receipt()] * 3
        assert transport.held <= 3  # One of them comes from the disk.
        backlog = out.counters.backlog()
        assert (backlog.kept, backlog.is_away) == (3, False)
        transport.gate.set()
        assert await asyncio.gather(*first) == [Receipt()] * 2
        await until(lambda: not waiting(out))
    assert sorted(transport.payloads) == [b"1", b"2", b"3", b"4", b"5"]
    assert len([line for line in caplog.messages if "as many requests are under way" in line]) == 1


async def test_a_signal_that_fails_sends_no_other_to_the_disk(tmp_path):
    """Guarantees: a path that is missing for metrics costs traces nothing."""
    transport = Transport()
    transport.fails_signals.add("metrics")
    async with opened(transport, tmp_path) as out:
        await out.deliver("metrics", b"m", None)
        await out.deliver("traces", b"t", None)
        assert transport.payloads == [b"t"]
        backlog = out.counters.backlog()
        assert (backlog.kept, backlog.is_away) == (1, True)


async def test_the_oldest_make_room_where_the_settings_say_so(tmp_path, caplog):
    """Guarantees: newer ones are acknowledged; what is lost is counted and said when it begins."""
    transport = Transport()
    transport.is_away = True
    async with opened(transport, tmp_path, max_bytes=20_000, drops_oldest=True) as out:
        payloads = [b"%02d" % row + bytes(1000) for row in range(40)]
        for payload in payloads:
            await out.deliver("traces", payload, None)
        transport.is_away = False
        await until(lambda: not waiting(out))
        backlog = out.counters.backlog()
        lost = backlog.dropped["displaced"]
        assert 20 < lost < 30
        assert backlog.kept - backlog.delivered == lost
        assert payloads[-1] in transport.payloads
        assert backlog.last_trouble is not None
        assert len([line for line in caplog.messages if "displaced" in line]) == 1


async def test_room_that_was_made_for_a_write_that_fails_is_reported(tmp_path, caplog, monkeypatch):
    """Guarantees: what is lost is said, though the newer one is not acknowledged either."""
    transport = Transport()
    transport.is_away = True
    async with opened(transport, tmp_path, max_bytes=20_000, drops_oldest=True) as out:
        for _ in range(3):
            await out.deliver("traces", bytes(5000), None)
        assert "displaced" not in caplog.text

        def fail(_handle):
            raise OSError(errno.EIO, "input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(segment.os, "fsync", fail)
            with pytest.raises(BackendUnavailableError):
                await out.deliver("traces", bytes(6000), None)
        assert out.counters.backlog().dropped["displaced"] >= 1
        assert len([line for line in caplog.messages if "displaced" in line]) == 1
        transport.is_away = False
        await until(lambda: not waiting(out))


async def test_a_payload_that_is_never_taken_holds_up_no_others(tmp_path):
    """Guarantees: what only one payload has is not taken for an outage."""
    transport = Transport()
    transport.is_away = True
    async with opened(transport, tmp_path, consumers=2) as out:
        for payload in (b"bad", *(b"%d" % row for row in range(20))):
            await out.deliver("traces", payload, None)
        transport.poison.add(b"bad")
        transport.is_away = False
        await until(lambda: len(transport.payloads) == 20)
        await until(lambda: waiting(out) == 1)
        assert await out.deliver("traces", b"new", None) == Receipt()
        transport.poison.clear()
        await until(lambda: not waiting(out))
        backlog = out.counters.backlog()
        assert backlog.kept == backlog.delivered == 21 + (b"new" not in transport.payloads[:21])


async def test_a_folder_that_is_full_is_the_senders_to_wait_for(tmp_path):
    """Guarantees: refused and not lost; there is room again once the backend is back."""
    transport = Transport()
    transport.is_away = True
    async with opened(transport, tmp_path, max_bytes=20_000) as out:
        payloads = [b"%d" % row + bytes(1000) for row in range(30)]
        kept = [payload for payload in payloads if await is_kept(out, payload)]
        assert 15 < len(kept) < 20
        refused = len(payloads) - len(kept)
        assert out.counters.unavailable == out.counters.backlog().failed == refused
        transport.is_away = False
        await until(lambda: not waiting(out))
        assert sorted(transport.payloads) == sorted(kept)
        transport.is_away = True
        await out.deliver("traces", b"again", None)


async def test_a_disk_that_fails_is_the_senders_to_wait_for(tmp_path, monkeypatch):
    """Guarantees: UNAVAILABLE as without a queue, and back to normal without a restart."""
    transport = Transport()
    transport.is_away = True
    async with opened(transport, tmp_path) as out:

        def fail(*_arguments):
            raise OSError(errno.EIO, "Input/output error")

        with monkeypatch.context() as broken:
            broken.setattr(segment.os, "fsync", fail)
            for _ in range(3):
                with pytest.raises(BackendUnavailableError, match="Input/output error"):
                    await out.deliver("traces", b"1", None)
        await out.deliver("traces", b"2", None)
        transport.is_away = False
        await until(lambda: not waiting(out))
        assert transport.payloads == [b"2"]


async def test_a_disk_that_fails_does_not_keep_it_from_a_backend_that_is_back(
    tmp_path, monkeypatch
):
    """Guarantees: delivery needs no disk."""
    transport = Transport()
    transport.is_away = True
    async with opened(transport, tmp_path) as out:
        real = os.open

        def fail(path, flags, *rest):
            if flags & os.O_WRONLY:
                raise OSError(errno.EROFS, "Read-only file system")
            return real(path, flags, *rest)

        await out.deliver("traces", b"1", None)
        monkeypatch.setattr(os, "open", fail)
        with pytest.raises(BackendUnavailableError):
            await out.deliver("traces", b"2", None)
        transport.is_away = False
        async with asyncio.timeout(10):
            while True:
                try:
                    await out.deliver("traces", b"3", None)
                except BackendUnavailableError:
                    await asyncio.sleep(0.01)
                else:
                    break
        assert b"3" in transport.payloads
        monkeypatch.undo()
        await until(lambda: not waiting(out))


async def test_stopping_while_the_backend_is_away_keeps_everything(tmp_path):
    """Guarantees: what is being sent when it stops is still there, and sent after the restart."""
    transport = Transport()
    transport.is_away = True
    merge = MergePolicy(max_bytes=1000)
    async with opened(transport, tmp_path, merge=merge) as out:
        await asyncio.gather(*(out.deliver("traces", b"\x0a\x01%d" % row, 5) for row in range(9)))
        transport.gate.clear()
        await until(lambda: transport.held)
    transport = Transport()
    async with opened(transport, tmp_path, merge=merge) as out:
        assert out.counters.backlog().found == 9
        await until(lambda: not waiting(out))
    assert b"".join(sorted(transport.payloads)).count(b"\x0a") == 9
    assert files(tmp_path) == []


async def test_an_impatient_sender_is_answered_before_it_gives_up(tmp_path):
    """Guarantees: a backend that hangs costs an attempt, not the sender's acknowledgement."""
    transport = Transport()
    async with opened(transport, tmp_path) as out:
        transport.gate.clear()
        async with asyncio.timeout(10):
            assert await out.deliver("traces", b"1", 0.2) == Receipt()
        assert waiting(out) == 1
        transport.gate.set()
        await until(lambda: not waiting(out))


async def test_an_attempt_under_way_is_not_cut_short(tmp_path):
    """Guarantees: an answer slower than the time to spill does not make a second copy."""
    transport = Transport()
    async with opened(transport, tmp_path) as out:
        transport.gate.clear()
        delivery = asyncio.ensure_future(out.deliver("traces", b"1", None))
        await asyncio.sleep(0.05)  # Longer than the time to spill.
        transport.gate.set()
        await delivery
        assert transport.payloads == [b"1"]
        assert transport.attempts == 1
        assert not waiting(out)


async def test_a_folder_in_use_or_out_of_reach_is_reported_at_the_start(tmp_path):
    """Guarantees: the setting, what is wrong with it, and the fix."""
    async with opened(Transport(), tmp_path):
        with pytest.raises(ConfigError, match="here: another process"):
            async with opened(Transport(), tmp_path):
                pass
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"here: .* cannot be used"):
        async with opened(Transport(), tmp_path / "file" / "folder"):
            pass


async def test_after_a_restart_a_backend_that_is_still_away_is_known_to_be(tmp_path):
    """Guarantees: without a new payload, with the reason, until what waits is delivered."""
    transport = Transport()
    transport.is_away = True
    async with opened(transport, tmp_path) as out:
        await out.deliver("traces", b"a", 1.0)
    async with opened(transport, tmp_path) as out:
        await until(lambda: out.counters.backlog().is_away)
        backlog = out.counters.backlog()
        assert (backlog.waiting, backlog.folder) == (1, str(tmp_path))
        assert "connection refused" in backlog.away_reason
        assert backlog.away_since_s > 0
        transport.is_away = False
        await until(lambda: not out.counters.backlog().is_away)
        await until(lambda: transport.payloads == [b"a"])


async def test_one_payload_that_cannot_be_delivered_is_not_a_backend_that_is_away(tmp_path):
    """Guarantees: while others are, whatever is tried from the disk."""
    transport = Transport()
    transport.poison = {b"bad"}
    async with opened(transport, tmp_path) as out:
        await out.deliver("traces", b"bad", 1.0)
        await out.deliver("traces", b"good", 1.0)
        await until(lambda: b"good" in transport.payloads)
        await out.deliver("traces", b"better", 1.0)
        before = transport.attempts
        await until(lambda: transport.attempts > before + 3)
        assert not out.counters.backlog().is_away
        assert out.counters.backlog().waiting == 1


async def test_what_is_set_aside_is_counted_anew_when_it_is_gone(tmp_path, caplog):
    """Guarantees: though another process removes it; a start says what is there."""
    transport = Transport()
    transport.is_away = True
    transport.refuses = {b"bad"}
    async with opened(transport, tmp_path) as out:
        await out.deliver("traces", b"bad", 1.0)
        transport.is_away = False
        await until(lambda: out.counters.backlog().waiting == 0)
        assert out.counters.backlog().files == 1
    caplog.clear()
    async with opened(transport, tmp_path) as out:
        folder = tmp_path / "refused"
        assert f"1 request is set aside in {folder} (0.0 MiB): llm-cost resend" in caplog.text
        out._queue.recount_s = 0.0
        assert out.counters.backlog().files_bytes > 0
        for each in refused_requests(folder):
            each.remove()
        await until(lambda: out.counters.backlog().files_bytes == 0)
        assert out.counters.backlog().files == 0


async def test_what_waits_of_a_signal_that_the_backend_does_not_have_is_dropped(tmp_path):
    """Guarantees: what waited for a backend without metrics is not set aside as refused."""
    transport = Transport()
    transport.is_away = True
    async with opened(transport, tmp_path) as out:
        for signal in ("traces", "metrics", "metrics"):
            await out.deliver(signal, signal.encode(), None)
        transport.lacks.add("metrics")
        transport.is_away = False
        await until(lambda: not waiting(out))
        backlog = out.counters.backlog()
        assert (backlog.delivered, backlog.set_aside) == (1, {})
        assert backlog.dropped == {"signal_not_taken": 2}
