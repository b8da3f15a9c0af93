"""When the runs of the demo's history are, and whose.

A day follows from the timeline and its date alone, so that a history that is continued tomorrow has
the same traces for the days that it has already.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from processor.cli.demo.population import (
    HOURS,
    RUNAWAY_AGENT,
    RUNAWAY_RUNS,
    RUNAWAY_TEAM,
    TEAMS,
    WEEKEND,
    Agent,
    Rhythm,
    Team,
)
from processor.core.model import NS_PER_S

LONGEST_RUN_S: Final = 600
"""No run takes as long."""
_GROWTH: Final = 0.008
"""By which traffic grows each day, as a share of that of the first day."""
_GROWS_DAYS: Final = 90
_WITH_TASK: Final = 0.65
_TASK_DAYS: Final = 3
"""Within which runs of a user go on with the same few tasks."""
_SESSION_S: Final = 3 * 3600
"""The runs of a user that begin within it are one session."""
_RUNAWAY_BEGIN_S: Final = 19 * 3600
_RUNAWAY_EVERY_S: Final = 300


@dataclass(frozen=True)
class Timeline:
    """What makes one history differ from another: its seed, first day and two special days."""

    seed: int
    first_day: date
    price_change: date
    """From when on the company's own model costs more."""
    runaway: date
    """The day on which an agent runs all evening."""

    @classmethod
    def ending(cls, last_day: date, days: int, seed: int) -> Timeline:
        """The timeline of so many days, of which `last_day` is the last."""
        first = last_day - timedelta(days=days)
        return cls(
            seed,
            first,
            price_change=first + timedelta(days=days // 2),
            runaway=last_day - timedelta(days=max(1, min(days // 4, 6))),
        )

    def as_json(self) -> str:
        """The timeline as a text, by which it can be continued."""
        return json.dumps(asdict(self), default=str, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Timeline:
        """The timeline of such a text. Raises ValueError, KeyError or TypeError for others."""
        found = json.loads(text)
        days = (date.fromisoformat(found[name]) for name in
                ("first_day", "price_change", "runaway"))  # fmt: skip
        return cls(int(found["seed"]), *days)


class Task(NamedTuple):
    """A task that several runs work on."""

    id: str
    title: str


class Run(NamedTuple):
    """A trace to be played."""

    name: str
    """Of which its ids are made, and what is random in it."""
    begin_ns: int
    team: Team
    agent: Agent
    user: str
    org: str
    session: str
    task: Task | None


def runs_of(timeline: Timeline, first_day: date, end_ns: int) -> Iterator[list[Run]]:
    """The runs of each day from `first_day` on, by time; those that are over at `end_ns`."""
    day, until_ns = first_day, end_ns - LONGEST_RUN_S * NS_PER_S
    while _begin_ns(day) < until_ns:
        yield [run for run in _runs_of_day(timeline, day) if run.begin_ns < until_ns]
        day += timedelta(days=1)


def random_of(name: str) -> random.Random:
    """Chances that are the same for the same name."""
    return random.Random(name)  # noqa: S311 - to be repeated is what they are for


def _runs_of_day(timeline: Timeline, day: date) -> list[Run]:
    runs = list[Run]()
    for team in TEAMS:
        rng = random_of(f"{timeline.seed} {day} {team.name}")
        growth = 1 + _GROWTH * min((day - timeline.first_day).days, _GROWS_DAYS)
        total = sum(agent.share for agent in team.agents)
        for agent in team.agents:
            rhythm = agent.rhythm or team.rhythm
            quiet = WEEKEND[rhythm] if day.weekday() >= 5 else 1.0
            wanted = team.runs * growth * quiet * agent.share / total * rng.uniform(0.85, 1.15)
            count = int(wanted) + (rng.random() < wanted % 1)
            runs += _runs(timeline, day, team, agent, _moments(rng, rhythm, count))
    if day == timeline.runaway:
        evening = [_RUNAWAY_BEGIN_S + at * _RUNAWAY_EVERY_S for at in range(RUNAWAY_RUNS)]
        runs += _runs(timeline, day, RUNAWAY_TEAM, RUNAWAY_AGENT, evening)
    return sorted(runs, key=lambda run: (run.begin_ns, run.name))


def _moments(rng: random.Random, rhythm: Rhythm, count: int) -> list[int]:
    """Seconds of the day."""
    hours = rng.choices(range(24), HOURS[rhythm], k=count)
    return [hour * 3600 + rng.randrange(3600) for hour in hours]


def _runs(
    timeline: Timeline, day: date, team: Team, agent: Agent, moments: list[int]
) -> Iterator[Run]:
    shares = [1 / rank for rank in range(1, len(team.users) + 1)]
    for number, second in enumerate(sorted(moments)):
        name = f"{timeline.seed} {day} {team.name} {agent.name} of {agent.share} {number} {second}"
        rng = random_of(name)
        at = rng.choices(range(len(team.users)), shares)[0]
        user = team.users[at]
        session = f"{timeline.seed} {day} {user} {second // _SESSION_S}"
        yield Run(
            name,
            _begin_ns(day) + second * NS_PER_S,
            team,
            agent,
            user,
            team.orgs[at % len(team.orgs)],
            hashlib.sha256(session.encode()).hexdigest()[:16],
            _task(rng, timeline, day, team, user) if rng.random() < _WITH_TASK else None,
        )


def _task(rng: random.Random, timeline: Timeline, day: date, team: Team, user: str) -> Task:
    """One of the two or three that a user has in these days."""
    period = day.toordinal() // _TASK_DAYS
    own = random_of(f"{timeline.seed} {period} {team.name} {user} {rng.randrange(3)}")
    number = own.randrange(1_000, 9_999)
    title = own.choice(team.titles).format(own.randrange(100, 999))
    return Task(f"{team.task_prefix}-{number}", title)


def _begin_ns(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * NS_PER_S
