"""What an operator does to a ledger while it is killed; each is asked again until it is done."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import grpc
from chaos.traffic import session_of, user_of
from e2e.processes import ROOT, ask

from processor.surfaces.grpc.generated.cost_service_pb2 import (
    AuditLine,
    ExcludeRequest,
    ExcludeResponse,
    ForgetRequest,
    ForgetResponse,
    ListAuditRequest,
    ListAuditResponse,
    RepriceRequest,
    RepriceResponse,
)

PRICES = """
version: 1
models:
  - {{provider: openai, model: gpt-4o, prices: [{{input: 2.50, output: 10.00}}]}}
  - {{provider: openai, model: varying, prices: [{{input: {0}, output: 10.00}}]}}
"""
LOW, HIGH = "1.00", "3.00"
BUDGETS = """
version: 1
budgets:
  - {name: of-a-session, scope: session, limit_usd: 0.05, warn_at: [0.5]}
  - {name: of-a-user, scope: user, window: day, limit_usd: 0.5, warn_at: [0.2, 0.8]}
"""
FILTERED = """\
  - {{name: filtered-{0}, scope: user, window: week, limit_usd: 0.3, match: {{model: {1}}}}}
"""
BUDGETS_MAX = 6
WORK_OF_A_ROUND = 2
ASKED_AGAIN_S = 60.0
IN_THE_WAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


def command(*words: object, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    """Run ``llm-cost`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "processor.cli", *map(str, words)],
        capture_output=True, text=True, cwd=ROOT, timeout=timeout_s, check=False,
    )  # fmt: skip


@dataclass
class Operations:
    """Work on one ledger, and what it must have come to."""

    folder: Path
    port: int
    excluded: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    begun: int = 0
    """How much work of this round has begun."""
    _filtered: list[str] = field(default_factory=list)

    @property
    def pricing(self) -> Path:
        """The price file."""
        return self.folder / "pricing.yaml"

    @property
    def budgets(self) -> Path:
        """The budget file."""
        return self.folder / "budgets.yaml"

    @property
    def data(self) -> Path:
        """The folder of the ledger."""
        return self.folder / "data"

    def write_files(self) -> None:
        """Prices and budgets to begin with."""
        self.pricing.write_text(PRICES.format(LOW))
        self.budgets.write_text(BUDGETS)

    def run(self, round_: int, chance: random.Random) -> None:
        """Work of one round, one after the other, whatever happens to the process meanwhile."""
        try:
            kinds = [self.exclude, self.exclude_and_undo, self.forget] if round_ else []
            work = [*kinds, self.reprice, self.add_budget, self.back_up]
            for each in chance.sample(work, WORK_OF_A_ROUND):
                self.begun += 1
                each(round_, chance)
                self.done.append(each.__name__)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the run reports it with its seed
            self.faults.append(f"round {round_}: {each.__name__}: {fault!r}")

    def exclude(self, round_: int, chance: random.Random) -> None:
        """Take out a session that ended in the round before."""
        self._exclude(round_, chance)

    def _exclude(self, round_: int, chance: random.Random) -> tuple[str, int]:
        """Take a session out; which, and the number of the exclusion."""
        session = session_of(round_ - 1, chance.randrange(4))
        self._again(lambda: self._ask("Exclude", ExcludeRequest(session=session), ExcludeResponse))
        self.excluded.add(session)
        lines = self.audit("exclude")
        # One that was asked for again after it was done has taken out nothing, and no line.
        numbers = [int(_after(line)["exclusion"]) for line in lines if session in line.subject]
        return session, min(numbers)

    def exclude_and_undo(self, round_: int, chance: random.Random) -> None:
        """Take out a session, and put it back."""
        session, number = self._exclude(round_, chance)
        wanted = ExcludeRequest(undo=number)
        self._again(
            lambda: self._ask("Exclude", wanted, ExcludeResponse), done_already="undone already"
        )
        # It is back whoever excluded it: the first of two exclusions of a session took it out.
        self.excluded.discard(session)

    def forget(self, round_: int, _: random.Random) -> None:
        """Forget a user who called in the round before only."""
        user = user_of(round_ - 1)
        self._again(lambda: self._ask("Forget", ForgetRequest(user=user), ForgetResponse))
        self.forgotten.add(user)

    def reprice(self, round_: int, _: random.Random) -> None:
        """Change a price, and price all calls again with what is in force."""
        self.pricing.write_text(PRICES.format(HIGH if round_ % 2 else LOW))
        self._again(lambda: self._ask("Reprice", RepriceRequest(), RepriceResponse))

    def add_budget(self, round_: int, chance: random.Random) -> None:
        """One more budget that counts some calls only, so that its totals have to be filled."""
        self._filtered.append(FILTERED.format(round_, chance.choice(("gpt-4o", "varying"))))
        self.budgets.write_text(BUDGETS + "".join(self._filtered[-BUDGETS_MAX:]))

    def back_up(self, _: int, __: random.Random) -> None:
        """Copy the ledger, and verify the copy."""
        copy = self.folder / "copy.db"
        done = command("backup", "--force", "--data-dir", self.data, copy)
        assert done.returncode == 0, f"backup: {done.stdout}{done.stderr}"
        found = command("verify", copy, "--budgets", self.budgets)
        assert found.returncode == 0, f"verify of the copy: {found.stdout}{found.stderr}"

    def audit(self, action: str) -> list[AuditLine]:
        """Every line of it about one kind of work."""
        found: list[AuditLine] = []
        cursor = ""
        while True:
            asked = ListAuditRequest(limit=1000, cursor=cursor)
            page = self._again(partial(self._ask, "ListAudit", asked, ListAuditResponse))
            found += [line for line in page.lines if line.action == action]
            cursor = page.cursor
            if not cursor:
                return found

    def _ask(self, method: str, question: object, answer: type) -> object:
        return ask(self.port, method, question, answer)

    def _again(self, work: Callable, done_already: str = "\0"):
        """Ask until there is an answer, as who was interrupted by a kill does."""
        end_s = time.monotonic() + ASKED_AGAIN_S
        while True:
            try:
                return work()
            except grpc.RpcError as error:
                if done_already in (error.details() or ""):
                    return None
                if error.code() not in IN_THE_WAY or time.monotonic() > end_s:
                    raise
            time.sleep(0.05)


def _after(line: AuditLine) -> dict[str, str]:
    return {pair.name: pair.text for pair in line.after}
