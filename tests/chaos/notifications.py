"""Kills the processor while it notifies, and proves what has arrived.

    python tests/chaos/notifications.py --kills 50   what `make chaos-notify` runs

Sessions cross their budget in batches that are sent again and again, while channels refuse, hang,
break connections and ask to wait, and the process gets SIGKILL at random moments and is started
again. In the end each crossing has arrived by each channel, none that did not happen, and there
were no more deliveries than crossings and kills together.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from contextlib import closing, suppress
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import apsw

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

from aiosmtpd.controller import Controller  # noqa: E402 - see above
from conformance.durable import Line, free_port  # noqa: E402
from e2e.applications import PRICES  # noqa: E402
from e2e.conftest import spawning  # noqa: E402
from e2e.operators import batch  # noqa: E402
from e2e.processes import Process, wait_until  # noqa: E402

from processor.core.model import Crossing  # noqa: E402
from processor.core.notices import crossing_id, folded_id  # noqa: E402

LIMIT_NANO = 10_000_000
CALL_NANO = 3_500_000
"""What a call of `batch` costs: the second one of a session warns, the third reaches the limit."""
SESSIONS = 5
"""That cross their budget in each round."""
SETTINGS = """
telemetry: {{metrics: {{endpoint: ''}}}}
exporters: {{debug: {{verbosity: none}}}}
notifications:
  channels:
    hook: {{type: webhook, url: 'http://127.0.0.1:{http}/hook', timeout: 3s}}
    ops: {{type: slack, url: 'http://127.0.0.1:{http}/ops', timeout: 3s, interval: 20ms}}
    finance: {{type: email, host: 127.0.0.1, port: {mail}, security: none, timeout: 3s,
      interval: 20ms, from: costs@example.com, to: [finance@example.com]}}
"""
BUDGETS = "budgets: [{name: per-session, scope: session, limit_usd: 0.01, warn_at: [0.5]}]\n"
QUICKLY = """
import sys
from processor.io.notify import backoff
backoff.LEAST_S, backoff.MOST_S = 0.05, 0.4
from processor.cli import main
sys.exit(main())
"""
"""The program with pauses that do not take all day."""


def crossed(session: str, threshold: float) -> str:
    """The id of a crossing that has to arrive."""
    key = Crossing("per-session", "session", session, 0, 0, LIMIT_NANO, "usd", threshold, 0)
    return crossing_id(key)


class Receivers:
    """An HTTP and an SMTP server that fail at random, and note what they have taken."""

    def __init__(self, seed: int) -> None:
        self.taken: dict[str, Counter[str]] = defaultdict(Counter)
        """How often each id was taken, by channel."""
        self.failures: Counter[str] = Counter()
        self.is_failing = True
        self._chance = random.Random(f"{seed} receivers")
        self._lock = threading.Lock()
        receivers = self

        class Http(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receivers.answer(self, body)

            def handle(self) -> None:
                """Take requests until the other side, which may be killed, has gone."""
                with suppress(ConnectionError):
                    super().handle()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Http)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self.http_port = self._http.server_port
        self.mail_port = free_port()
        self._mail = Controller(self, hostname="127.0.0.1", port=self.mail_port)
        self._mail.start()

    def outcome(self, *failures: str) -> str:
        """``ok``, or one of the failures, a third of the time."""
        with self._lock:
            found = "ok"
            if self.is_failing and self._chance.random() < 0.33:
                found = self._chance.choice(failures)
                self.failures[found] += 1
            return found

    def note(self, channel: str, found: str) -> None:
        """Note that something has been taken."""
        with self._lock:
            self.taken[channel][found] += 1

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer a request in one of the ways in which servers do."""
        outcome = self.outcome("500", "429", "410", "break", "hang")
        if outcome == "hang":
            time.sleep(4)
        if outcome in {"break", "hang"}:
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        if outcome == "ok":
            channel = request.path.strip("/")
            ids = [request.headers["webhook-id"]] if channel == "hook" else ids_in(body.decode())
            for found in ids:
                self.note(channel, found)
        request.send_response(200 if outcome == "ok" else int(outcome))
        if outcome == "429":
            request.send_header("Retry-After", "0")
        request.send_header("Content-Length", "0")
        request.end_headers()

    async def handle_DATA(self, *given: object) -> str:  # noqa: N802 - its name
        """Take an e-mail, or refuse it."""
        outcome = self.outcome("451 later", "554 never", "421 closing")
        if outcome != "ok":
            return outcome
        message = message_from_bytes(given[2].content)  # type: ignore[attr-defined]
        self.note("finance", message["Message-ID"].strip("<>").partition("@")[0])
        return "250 ok"

    def close(self) -> None:
        """Take nothing more."""
        self._mail.stop(no_assert=True)
        self._http.shutdown()
        self._http.server_close()


def ids_in(text: str) -> list[str]:
    """The ids of crossings that a message lists."""
    return list(dict.fromkeys(re.findall(r"crossing-[0-9a-f]{32}", text)))


class Notified:
    """One run: a processor that is killed again and again, and who has to be notified."""

    def __init__(self, seed: int, folder: Path, spawn, receivers: Receivers) -> None:
        self.kills = 0
        self.crossings: set[str] = set()
        self.receivers = receivers
        self._seed, self._folder, self._spawn = seed, folder, spawn
        self._port = free_port()
        self._sent: list[bytes] = []
        ports = {"http": receivers.http_port, "mail": receivers.mail_port}
        (folder / "settings.yaml").write_text(SETTINGS.format(**ports))
        (folder / "budgets.yaml").write_text(BUDGETS)
        (folder / "prices.yaml").write_text(PRICES)
        self._process = self._start()

    def _start(self):
        process = self._spawn(
            Process, "-c", QUICKLY, "serve", "--config", self._folder / "settings.yaml",
            "--pricing", self._folder / "prices.yaml", "--budgets", self._folder / "budgets.yaml",
            "--listen", f"127.0.0.1:{self._port}", "--listen-http", "",
            "--data-dir", self._folder / "data",
        )  # fmt: skip
        process.wait_for("listens on")
        return process

    def round(self, number: int) -> None:
        """Sessions that cross their budget, batches of before again, and a kill amid them."""
        chance = random.Random(f"{self._seed} round {number}")
        payloads = []
        for n in range(SESSIONS):
            session, calls = f"s-{number}-{n}", chance.randint(1, 4)
            trace = 1 + number * SESSIONS + n
            payloads += [
                batch((call, "gpt-4o", session), trace=trace) for call in range(1, calls + 1)
            ]
            if calls >= 2:
                self.crossings.add(crossed(session, 0.5))
            if calls >= 3:
                self.crossings.add(crossed(session, 1.0))
        chance.shuffle(payloads)
        payloads += chance.sample(self._sent, min(len(self._sent), 5))
        moment = chance.randint(0, len(payloads))
        for at, payload in enumerate(payloads):
            if at == moment:
                self._kill(chance.uniform(0, 0.15))
            self._send(payload)
        if moment == len(payloads):
            self._kill(chance.uniform(0, 0.4))
        self._sent = (self._sent + payloads)[-200:]

    def _kill(self, pause_s: float) -> None:
        time.sleep(pause_s)
        assert self._process.stop(signal.SIGKILL) == -signal.SIGKILL, (
            "it had ended by itself:\n" + "\n".join(self._process.lines)
        )
        self.kills += 1
        self._process = self._start()

    def _send(self, payload: bytes) -> None:
        line = Line(self._port)
        end_s = time.monotonic() + 60
        while (answer := line.send(payload)) != "OK":
            assert time.monotonic() < end_s, f"a batch was answered with {answer}"
            line.channel.close()
            time.sleep(0.05)
            line = Line(self._port)
        line.channel.close()

    def differences(self) -> list[str]:
        """What is not as it has to be, once channels work; ends the process."""
        self.receivers.is_failing = False
        wait_until(lambda: not self._count("waiting"), 120, "something still waits")
        found = [] if self._process.stop() == 0 else ["it did not end well"]
        if failed := self._count("failed"):
            found.append(f"{failed} notifications were given up")
        hook = self.receivers.taken["hook"]
        if missing := self.crossings - hook.keys():
            found.append(f"{len(missing)} crossings have not arrived")
        if strange := hook.keys() - self.crossings:
            found.append(f"{len(strange)} that did not happen have arrived")
        if hook.total() > len(self.crossings) + self.kills:
            found.append(f"{hook.total()} deliveries of {len(self.crossings)} crossings")
        if strange := self.receivers.taken["ops"].keys() - self.crossings:
            found.append(f"{len(strange)} that did not happen are in messages")
        mails, expected = self.receivers.taken["finance"], self._messages("finance")
        if mails.keys() != expected:
            found.append(f"{len(mails.keys() ^ expected)} e-mails are missing or of no crossing")
        if mails.total() > len(expected) + self.kills:
            found.append(f"{mails.total()} e-mails instead of {len(expected)}")
        return found

    def _rows(self, query: str, *values: object) -> list[tuple]:
        path = self._folder / "data" / "ledger.db"
        with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as database:
            database.set_busy_timeout(10_000)
            return database.execute(query, values).fetchall()

    def _count(self, state: str) -> int:
        return int(self._rows("SELECT COUNT(*) FROM outbox WHERE state = ?", state)[0][0])

    def _messages(self, channel: str) -> set[str]:
        """The ids of the messages that the outbox has put its notifications into."""
        rows = self._rows(
            "SELECT message, id, share FROM outbox o JOIN crossings c ON c.seq = o.crossing "
            "WHERE channel = ?", channel,
        )  # fmt: skip
        messages: dict[int, list[str]] = defaultdict(list)
        for message, session, share in rows:
            messages[message].append(crossed(session, share))
        return {folded_id(ids) for ids in messages.values()}

    def summary(self) -> str:
        """What has happened, in a line."""
        taken = self.receivers.taken
        crossings, failures = len(self.crossings), self.receivers.failures.total()
        return (
            f"{self.kills} kills, {crossings} crossings, {failures} failed attempts; "
            f"{taken['hook'].total()} webhooks, {taken['finance'].total()} e-mails of "
            f"{len(self._messages('finance'))} messages, {len(taken['ops'])} ids listed in Slack"
        )


def run(seed: int, kills: int) -> tuple[list[str], str]:
    """Kill it so often; what differs, and what has happened."""
    receivers = Receivers(seed)
    try:
        with tempfile.TemporaryDirectory() as folder, spawning() as spawn:
            notified = Notified(seed, Path(folder), spawn, receivers)
            for number in range(kills):
                notified.round(number)
            return notified.differences(), notified.summary()
    finally:
        receivers.close()


def main() -> int:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=None, help="another one each time by default")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**6)
    begun_s = time.monotonic()
    differences, summary = run(seed, given.kills)
    say = sys.stdout.write
    say(f"seed {seed}, {time.monotonic() - begun_s:.0f} s: {summary}\n")
    if differences:
        say("FAILED:\n" + "\n".join(differences) + "\n")
        return 1
    say("each crossing has arrived, none that did not happen, no more often than kills allow\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
