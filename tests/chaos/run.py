"""Kills the processor at random moments under traffic and long work, and proves what is left.

    python tests/chaos/run.py --kills 200           what `make chaos` runs
    python tests/chaos/run.py --kills 10 --seed 7   the same moments, as far as threads allow

In each round two senders send a fixed number of batches in closed loops, each again until it is
acknowledged, and two kinds of work run beside them: reprice, exclude, undo, forget, a further
budget, a backup. Old calls and keys are deleted meanwhile. Once a round, after a random number of
acknowledged batches, the process gets SIGKILL and is started again; sometimes it is killed while
it starts. In the end everything that was acknowledged has to be counted once and at the backend, no
crossing may stand on two spans, and ``llm-cost verify --full`` has to find nothing.
"""

from __future__ import annotations

import argparse
import queue
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

from chaos.operations import LOW, PRICES, WORK_OF_A_ROUND, Operations, command  # noqa: E402 - see above
from chaos.traffic import Traffic, repeated_crossings  # noqa: E402
from conformance.durable import Line, free_port, queued_bytes  # noqa: E402
from e2e.conftest import spawning  # noqa: E402
from e2e.processes import Backend, Process, ask, wait_until  # noqa: E402

from processor.surfaces.grpc.generated.cost_service_pb2 import (  # noqa: E402
    GetTotalsRequest,
    GetTotalsResponse,
    RepriceRequest,
    RepriceResponse,
)

SENDERS = 2
ROUND_S_MAX = 90.0
SETTINGS = """
telemetry: {metrics: {endpoint: ''}}
ledger: {retention: {calls: 6h, keys: 12h, traces: 24h, hours: 48h}}
exporters:
  otlp:
    timeout: 10s
    retry_on_failure: {initial_interval: 50ms, max_interval: 100ms}
    sending_queue: {enabled: true, spill_after: 100ms, max_megabytes: 64}
"""
BEHAVIOURS = ("{}", '{"answer": "UNAVAILABLE", "times": 20}', '{"delay_s": 0.03}')


class Chaos:
    """One run: a processor that is killed again and again, its backend, senders and operator."""

    def __init__(self, seed: int, folder: Path, spawn, backend: Backend) -> None:
        self.traffic = Traffic(seed)
        self.port = free_port()
        self.operations = Operations(folder, self.port)
        self.kills = 0
        self.interrupted = 0
        """How often a start went on with work that a kill had interrupted."""
        self.deleted = 0
        """How often calls, or their keys, were deleted because of their age."""
        self._seed = seed
        self._folder = folder
        self._spawn = spawn
        self._backend = backend
        self._acknowledged = 0
        self._lock = threading.Lock()
        (folder / "processor.yaml").write_text(SETTINGS)
        self.operations.write_files()
        self._process = self.start()

    def start(self, *, is_awaited: bool = True):
        """Start the processor on the ledger that is there."""
        process = self._spawn(
            Process, "-m", "processor.cli", "serve", "--config", self._folder / "processor.yaml",
            "--pricing", self.operations.pricing, "--budgets", self.operations.budgets,
            "--listen", f"127.0.0.1:{self.port}", "--listen-http", "",
            "--data-dir", self.operations.data,
            "--forward-to", f"127.0.0.1:{self._backend.port}",
        )  # fmt: skip
        if is_awaited:
            process.wait_for("listens on")
        return process

    def round(self) -> None:
        """Traffic and work with one kill, or two, and the end of both."""
        number = len(self.traffic.sent)
        chance = random.Random(f"{self._seed} kills {number}")
        waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        payloads = self.traffic.round()
        for payload in payloads:
            waiting.put(payload)
        self._acknowledged = 0
        self._backend.tell(chance.choice(BEHAVIOURS))
        work_chance = random.Random(f"{self._seed} work {number}")
        self.operations.begun = 0
        threads = [threading.Thread(target=self._send, args=(waiting,)) for _ in range(SENDERS)]
        threads.append(threading.Thread(target=self.operations.run, args=(number, work_chance)))
        for thread in threads:
            thread.daemon = True
            thread.start()
        if chance.random() < 0.5:
            moment = chance.randint(0, len(payloads) - 1)
            wait_until(lambda: self._acknowledged >= moment, ROUND_S_MAX, "no batch is answered")
        else:
            moment = chance.randint(1, WORK_OF_A_ROUND)
            wait_until(lambda: self.operations.begun >= moment, ROUND_S_MAX, "no work begins")
        time.sleep(chance.uniform(0, 0.08))
        self._kill()
        if chance.random() < 0.15:
            self._process = self.start(is_awaited=False)
            time.sleep(chance.uniform(0.3, 1.5))
            self._kill()
        self._process = self.start()
        for thread in threads:
            thread.join(ROUND_S_MAX)
            assert not thread.is_alive(), "a sender or the operator never got an answer"
        self._backend.tell("{}")
        assert not self.operations.faults, "\n".join(self.operations.faults)

    def _kill(self) -> None:
        lines = tuple(self._process.lines)
        self.interrupted += sum("an unfinished" in line for line in lines)
        self.deleted += sum("are deleted" in line for line in lines)
        assert self._process.stop(signal.SIGKILL) == -signal.SIGKILL, (
            "it had ended by itself:\n" + "\n".join(self._process.lines)
        )
        self.kills += 1

    def _send(self, waiting: queue.SimpleQueue[bytes]) -> None:
        line = Line(self.port)
        while True:
            try:
                payload = waiting.get_nowait()
            except queue.Empty:
                line.channel.close()
                return
            while (answer := line.send(payload)) != "OK":
                if answer in {"INVALID_ARGUMENT", "INTERNAL", "UNKNOWN"}:
                    self.operations.faults.append(f"a batch was answered with {answer}")
                    return
                # A connection that was refused is tried again by the library after a second only.
                line.channel.close()
                time.sleep(0.05)
                line = Line(self.port)
            with self._lock:
                self._acknowledged += 1

    def differences(self) -> list[str]:
        """What is not as it has to be, once all is sent; ends the process."""
        operations = self.operations
        operations.pricing.write_text(PRICES.format(LOW))
        self._process.stop()
        self._process = self.start()
        ask(self.port, "Reprice", RepriceRequest(), RepriceResponse)
        found = self._missing()
        if len(self.traffic.sent) > 5 and not self.deleted:
            found.append("no calls were deleted because of their age, so nothing of that was shown")
        for place, sums in self.traffic.sums(operations.excluded, operations.forgotten).items():
            difference = sums.difference(*self._total(*place))
            if difference:
                found.append(f"{' '.join(place)}: {difference}")
        found += [
            f"{user} is still there"
            for user in operations.forgotten
            if self._total("user", user)[0]
        ]
        found += repeated_crossings(self._backend.requests())
        if self._process.stop() != 0:
            found.append("it did not end well:\n" + "\n".join(self._process.lines))
        # Pages that nothing uses may hold old bytes; a copy has none of them.
        copy = operations.data.with_name("last.db")
        done = command("backup", "--data-dir", operations.data, copy)
        if done.returncode:
            found.append(f"backup: {done.stdout}{done.stderr}")
        kept = copy.read_bytes() if copy.exists() else b""
        found += [
            f"bytes of {each} are left" for each in operations.forgotten if each.encode() in kept
        ]
        done = command(
            "verify", "--full", "--data-dir", operations.data, "--budgets", operations.budgets
        )
        if done.returncode:
            found.append(f"verify: {done.stdout}{done.stderr}")
        return found

    def _missing(self) -> list[str]:
        """Spans that were acknowledged and that the backend does not have, or has from nowhere."""
        end_s = time.monotonic() + 30
        while queued_bytes(self.operations.data) and time.monotonic() < end_s:
            time.sleep(0.05)
        got = {(span.trace_id, span.span_id) for _, _, span in self._backend.spans()}
        missing, strange = self.traffic.spans - got, got - self.traffic.spans
        return [f"{len(each)} spans {what}" for each, what in (
            (missing, "were acknowledged and are not at the backend"),
            (strange, "at the backend were never sent"),
        ) if each]  # fmt: skip

    def _total(self, scope: str, scope_id: str) -> tuple[int, int, int, int]:
        """Calls, unpriced calls, input tokens and nano-USD; those of all tombstones for user ""."""
        ids = [scope_id]
        if (scope, scope_id) == ("user", ""):
            ids = [line.subject for line in self.operations.audit("forget")]
        numbers = [0, 0, 0, 0]
        for each in ids:
            total = ask(
                self.port, "GetTotals", GetTotalsRequest(scope=scope, id=each), GetTotalsResponse
            )
            parts = total.calls, total.unpriced_calls, total.input_tokens, total.cost_nano_usd
            numbers = [one + more for one, more in zip(numbers, parts, strict=True)]
        calls, unpriced, tokens, nano = numbers
        return calls, unpriced, tokens, nano


def run(seed: int, kills: int, seconds: float) -> int:
    """Kill it so often, unless time is over before, and say what differs; the exit code."""
    say = sys.stdout.write
    begun_s = time.monotonic()
    backend = Backend().start()
    differences: list[str]
    try:
        with tempfile.TemporaryDirectory() as folder, spawning() as spawn:
            chaos = Chaos(seed, Path(folder), spawn, backend)
            try:
                while chaos.kills < kills and time.monotonic() - begun_s < seconds:
                    chaos.round()
                    if len(chaos.traffic.sent) % 10 == 0:
                        say(_progress(chaos, begun_s))
                        sys.stdout.flush()
                differences = chaos.differences()
            except AssertionError as fault:
                differences = [str(fault)]
            say(_progress(chaos, begun_s))
    finally:
        backend.stop()
    if chaos.kills < kills and not differences:
        differences = [f"only {chaos.kills} of {kills} kills within {seconds:.0f} s"]
    if differences:
        say(f"FAILED with --seed {seed} --kills {kills}:\n" + "\n".join(differences[:40]) + "\n")
        return 1
    say("all that was acknowledged is counted once and delivered, and verify finds nothing\n")
    return 0


def _progress(chaos: Chaos, begun_s: float) -> str:
    done = chaos.operations.done
    work = ", ".join(f"{done.count(name)} {name}" for name in sorted(set(done)))
    return (
        f"{time.monotonic() - begun_s:4.0f} s  {chaos.kills} kills, {len(chaos.traffic.calls)} "
        f"calls; {work}; {chaos.interrupted} interrupted, {chaos.deleted} deletions\n"
    )


def main() -> int:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="another one each time by default")
    parser.add_argument(
        "--seconds", type=float, default=3600, help="ends with a failure after that"
    )
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**6)
    sys.stdout.write(f"seed {seed}\n")
    sys.stdout.flush()
    return run(seed, given.kills, given.seconds)


if __name__ == "__main__":
    raise SystemExit(main())
