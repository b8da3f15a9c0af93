"""Laws of the queue on the disk: whatever ends the process and whenever, what it promised is kept.

The disk below forgets what was not synced when the power is cut, and stops the process in the
middle of any write. What it remembers of unsynced bytes is up to chance, as with a real one.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections import Counter
from functools import partialmethod
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from processor.core.model import RequestRename
from processor.io.exporter.disk_queue import rewriting, segment
from processor.io.exporter.disk_queue.queue import DiskQueue
from processor.io.exporter.disk_queue.records import CURSOR_AT, START, Record

LIMIT_BYTES = 16 * 600


class Ended(BaseException):
    """The process has ended."""


class Disk:
    """Replaces `os` where segments are written."""

    def __init__(self):
        self.synced: dict[str, bytes] = {}
        """What a power cut leaves of each file at least."""
        self.removed: dict[str, bytes] = {}
        """Files whose removal a power cut may undo."""
        self.replaced: dict[str, tuple[bytes, bytes]] = {}
        """Files in whose place others were put, which a power cut may undo as well: their content,
        and what of it was synced."""
        self.steps_left: int | None = None
        """After so many steps the process ends; None for never."""
        self.share = 0.0
        """How much of the write that it ends in is still done."""
        self.is_full = False
        self.is_broken = False
        self._broken: set[str] = set()
        """Files of which a failed sync has forgotten what was written, for good. Of a folder the
        names stay at risk instead until it is synced again, which no file system answers falsely:
        it cannot be given up for another one, as a file is."""
        self._paths: dict[int, str] = {}

    def __getattr__(self, name):
        return getattr(os, name)

    def open(self, path, flags, mode=0o777):
        descriptor = os.open(path, flags, mode)
        self._paths[descriptor] = str(path)
        if flags & os.O_CREAT:
            self._broken.discard(str(path))
            self.synced.pop(str(path), None)
        return descriptor

    def pwritev(self, descriptor, pieces, at):
        data = b"".join(pieces)
        if self.is_full:
            os.pwrite(descriptor, data[: len(data) // 2], at)
            raise OSError(errno.ENOSPC, "no space")
        if self._is_last_step():
            os.pwrite(descriptor, data[: int(len(data) * self.share)], at)
            raise Ended
        return os.pwrite(descriptor, data, at)

    def pwrite(self, descriptor, data, at):
        if self._is_last_step():
            raise Ended
        return os.pwrite(descriptor, data, at)

    def fsync(self, descriptor):
        path = self._paths[descriptor]
        if self.is_broken:
            if not Path(path).is_dir():
                self._broken.add(path)
            raise OSError(errno.EIO, "broken")
        is_last = self._is_last_step()
        if (not is_last or self.share > 0.5) and path not in self._broken:
            if Path(path).is_dir():
                self.removed.clear()
                self.replaced.clear()
            else:
                self.synced[path] = Path(path).read_bytes()
        if is_last:
            raise Ended

    def ftruncate(self, descriptor, size):
        if self._is_last_step():
            raise Ended
        os.ftruncate(descriptor, size)

    def unlink(self, path, *, missing_ok=False):
        if self._is_last_step():
            raise Ended
        if path.exists() or not missing_ok:
            self.removed[str(path)] = path.read_bytes()
            os.unlink(path)  # noqa: PTH108 - this replaces Path.unlink

    def replace(self, path, target):
        if self._is_last_step() and self.share < 0.5:
            raise Ended
        before = target.read_bytes(), self.synced.get(str(target), b"")
        self.replaced.setdefault(str(target), before)
        os.replace(path, target)  # noqa: PTH105 - this replaces Path.replace
        self.synced[str(target)] = self.synced.pop(str(path), b"")
        self._broken.discard(str(target))
        if self.steps_left is not None and self.steps_left < 0:
            raise Ended
        return target

    def _is_last_step(self):
        """Whether the process ends in this step, or has ended already and is only unwound."""
        if self.steps_left is None:
            return False
        self.steps_left -= 1
        return self.steps_left < 0

    def cut_power(self, folder, draw):
        """Go back to what was synced, and some of the rest."""
        for path, content in self.removed.items():
            if draw(st.booleans()):
                Path(path).write_bytes(content)
        self.removed.clear()
        for path, (content, synced) in self.replaced.items():
            if draw(st.booleans()):
                Path(path).write_bytes(content)
                self.synced[path] = synced
        self.replaced.clear()
        for path in folder.glob("*.spool"):
            now, then = path.read_bytes(), self.synced.get(str(path), b"")
            end = draw(st.integers(min(len(then), len(now)), len(now)))
            left = bytearray(now[:end]) + bytes(draw(st.sampled_from([0, 7, 5000])))
            if draw(st.booleans()):
                left[CURSOR_AT:START] = then[CURSOR_AT:START]
            path.write_bytes(left)


def _removed_by(path, disk, *, missing_ok=False):
    disk.unlink(path, missing_ok=missing_ok)


def _replaced_by(path, target, disk):
    return disk.replace(path, target)


ID = b"ada@example.com"


def without_id(_signal, payload):
    """As `rename_values` is: the very payload where nothing changes."""
    return payload.replace(ID, b"forgotten-0a1b") if ID in payload else payload


RENAME = RequestRename(without_id, str, ID)


class KilledQueue(RuleBasedStateMachine):
    """Appends, sends, failing disks and kill -9 in any order."""

    is_power_cut = False

    def __init__(self):
        super().__init__()
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        self.disk = Disk()
        self.real = segment.os, Path.unlink, Path.replace
        segment.os = rewriting.os = self.disk
        Path.unlink = partialmethod(_removed_by, self.disk)
        Path.replace = partialmethod(_replaced_by, disk=self.disk)
        self.number = 0
        self.tried: set[bytes] = set()
        self.promised: set[bytes] = set()
        self.sent: Counter[bytes] = Counter()
        self.copies_allowed = 0
        self.renamed_until = 0
        """No record up to that number has the id."""
        self.start()

    def start(self):
        self.disk.steps_left, self.disk.is_broken = None, False
        self.disk_queue = DiskQueue(self.folder, max_bytes=LIMIT_BYTES, new_mark=self.mark)
        self.disk_queue.open()

    def mark(self, size):
        """Different for each segment, and the same whenever hypothesis repeats a run."""
        self.number += 1
        return b"%0*d" % (size, self.number)

    @rule(sizes=st.lists(st.integers(8, 250), min_size=1, max_size=4))
    def append(self, sizes):
        self.append_until(sizes, None, 0.0)

    @rule(
        sizes=st.lists(st.integers(8, 250), min_size=1, max_size=4),
        steps=st.integers(0, 4),
        share=st.floats(0, 1),
        data=st.data(),
    )
    def end_while_appending(self, sizes, steps, share, data):
        if not self.append_until(sizes, steps, share):
            self.end(data)

    def append_until(self, sizes, steps, share):
        payloads = []
        for size in sizes:
            self.number += 1
            named = ID if self.number % 3 == 0 else b""
            payloads.append(b"%08d" % self.number + named + bytes(size - 8))
        self.tried |= {payload[:8] for payload in payloads}
        self.disk.steps_left, self.disk.share = steps, share
        try:
            outcomes = self.disk_queue.append([Record("traces", payload) for payload in payloads])
        except Ended:
            return False
        self.promised |= {
            payload[:8] for payload, outcome in zip(payloads, outcomes, strict=True) if not outcome
        }
        return steps is None

    @rule(most=st.integers(1, 5))
    def send(self, most):
        self.send_until(most, None)

    @rule(most=st.integers(1, 5), steps=st.integers(0, 2), data=st.data())
    def end_while_sending(self, most, steps, data):
        due = self.send_until(most, steps)
        self.copies_allowed += len(due.records) if due else 0
        self.end(data)

    def send_until(self, most, steps):
        self.disk.steps_left = steps
        try:
            due = self.disk_queue.take(most, 10**9)
            if due is None:
                return None
            self.note_sent(due)
            try:
                self.disk_queue.finish(due)
            except Ended:
                return due
        except Ended:
            return None
        return None

    def note_sent(self, due):
        self.sent.update(record.payload[:8] for record in due.records)
        for record in due.records:
            number = int(record.payload[:8])
            assert number > self.renamed_until or ID not in record.payload, "it was taken out"
            named = len(ID if ID in record.payload else b"forgotten-0a1b") if number % 3 == 0 else 0
            assert not any(record.payload[8 + named :]), "all else is as it was"

    @rule(data=st.data())
    def rename(self, data):
        self.rename_until(data, None, 0.0)

    @rule(steps=st.integers(0, 8), share=st.floats(0, 1), data=st.data())
    def end_while_renaming(self, steps, share, data):
        self.rename_until(data, steps, share)
        self.end(data)

    def rename_until(self, data, steps, share):
        """Take an id out; in between others are sent, and what was taken before is finished."""
        until, due = self.number, None
        try:
            for _ in rewriting.rewrite_queue(self.disk_queue, RENAME):
                self.disk.steps_left = None
                if due is not None and data.draw(st.booleans()):
                    self.disk_queue.finish(due)
                    due = None
                elif due is None and data.draw(st.booleans()):
                    due = self.disk_queue.take(2, 10**9)
                    if due is not None:
                        self.note_sent(due)
                self.disk.steps_left, self.disk.share = steps, share
        except OSError:
            until = self.renamed_until
        except Ended:
            self.copies_allowed += len(due.records) if due else 0
            return
        self.disk.steps_left = None
        self.renamed_until = max(until, self.renamed_until)
        if due is not None:
            self.disk_queue.finish(due)

    def end(self, data):
        if self.is_power_cut:
            self.disk.cut_power(self.folder, data.draw)
        self.disk_queue.close()
        self.start()

    @rule()
    def stop_and_start(self):
        self.disk_queue.close()
        self.start()

    @rule(is_full=st.booleans(), is_broken=st.booleans())
    def fail_or_recover(self, is_full, is_broken):
        self.disk.is_full, self.disk.is_broken = is_full, is_broken

    @invariant()
    def it_stays_within_its_limit(self):
        assert self.is_power_cut or self.disk_queue.size_bytes <= LIMIT_BYTES

    @invariant()
    def a_killed_process_damages_nothing(self):
        assert self.is_power_cut or not self.disk_queue.counters.lost
        assert self.is_power_cut or not list(self.folder.glob("*.corrupt"))

    def teardown(self):
        try:
            self.disk.is_full = self.disk.is_broken = False
            self.disk.steps_left = None
            while due := self.disk_queue.take(3, 10**9):
                self.note_sent(due)
                self.disk_queue.finish(due)
            assert self.promised <= self.sent.keys(), "what was acknowledged has been sent"
            assert self.sent.keys() <= self.tried, "nothing is made up"
            copies = sum(self.sent.values()) - len(self.sent)
            assert self.is_power_cut or copies <= self.copies_allowed
            assert not list(self.folder.glob("*.spool")), "what has been sent takes no room"
            self.disk_queue.close()
        finally:
            segment.os, Path.unlink, Path.replace = self.real
            rewriting.os = segment.os
            self.temporary.cleanup()


class PowerlessQueue(KilledQueue):
    """The same with power cuts in place of kills."""

    is_power_cut = True


TestKilledQueue = KilledQueue.TestCase
TestPowerlessQueue = PowerlessQueue.TestCase
TestKilledQueue.settings = TestPowerlessQueue.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
