"""A running processor's answers, on our side of the wire."""

import socket
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from processor.cli.actor import user_name
from processor.cli.calling import Remote
from processor.cli.choice import NoAnswerError, RefusedError
from processor.cli.connection import Connection
from processor.core.access import Access, ApiTokens
from processor.core.errors import ConfigError, OverloadedError
from processor.core.model import Calendar, Difference, Exclusion, JobProgress, Repricing
from processor.io.receiver import Receiver
from processor.surfaces.grpc.cost_service import CostService
from processor.surfaces.queries import ExcludeRequest, Report

REPRICING = Repricing(
    7,
    (Difference("new", "", 5, -1, 2**62, unpriced_before=4, unpriced_after=3),),
    (Difference("daily", "u1", 6, 10, 20, 30, 40), Difference("all", "", 6, 10, 20, 30)),
    100,
    200,
    "v9",
    "prices.yaml",
    3,
    (5, 2**63 - 1),
    is_partial=True,
)
EXCLUSION = Exclusion(
    7,
    2**40,
    3,
    2**70,
    -1,
    REPRICING.models,
    REPRICING.budgets,
    lost=4,
    is_partial=True,
    kept_from_s=5,
)
HEALTH = Report("degraded", ("a is away", "b is away"))


class CostQueries:
    error = None
    calendar = Calendar(ZoneInfo("Asia/Tokyo"), 0)

    def __init__(self):
        self.asked = []
        self.job_progress = None

    async def exclude(self, request, actor, *, is_dry_run):
        self.asked.append((request, actor, is_dry_run))
        return EXCLUSION

    async def undo(self, number, actor, *, is_dry_run):
        self.asked.append((number, actor, is_dry_run))
        return EXCLUSION

    async def reprice(self, start_ns, end_ns, *, is_dry_run, actor):
        assert actor == user_name()
        self.asked.append((start_ns, end_ns, is_dry_run))
        if self.error is not None:
            raise self.error
        return REPRICING


def cost_service(costs):
    return CostService(costs, costs, costs, lambda: HEALTH, Access(ApiTokens(), is_loopback=True))


@pytest.fixture
async def costs():
    costs = CostQueries()
    receiver = Receiver("127.0.0.1:0", None, [cost_service(costs)])
    costs.endpoint = f"127.0.0.1:{await receiver.start()}"
    yield costs
    await receiver.stop(0.1)


async def test_what_is_answered_there_is_what_arrives_here(costs):
    """Guarantees: no field is lost or swapped on the way."""
    remote = Remote(Connection(costs.endpoint))
    assert await remote.health() == HEALTH
    assert await remote.zone() == ZoneInfo("Asia/Tokyo")
    assert await remote.reprice(5, 9, is_dry_run=True) == REPRICING
    assert await remote.reprice(0, 2**63 - 1, is_dry_run=False) == REPRICING
    assert await remote.job_progress() is None
    costs.job_progress = JobProgress("undo", "traces", 5, 7, 3)
    assert await remote.job_progress() == JobProgress("undo", "traces", 5, 7, 3)
    assert costs.asked == [(5, 9, True), (0, 2**63 - 1, False)]


@pytest.mark.parametrize("said", ["", "Nowhere/Else", "../etc/passwd"])
async def test_a_time_zone_that_is_not_known_here_is_none(costs, monkeypatch, said):
    """Guarantees: a processor of an older version can be asked, which says none."""
    monkeypatch.setattr(costs, "calendar", SimpleNamespace(zone=SimpleNamespace(key=said)))
    assert await Remote(Connection(costs.endpoint)).zone() is None


async def test_exclusions_arrive_as_they_are_answered(costs):
    """Guarantees: no field is lost or swapped on the way, in either direction."""
    remote = Remote(Connection(costs.endpoint))
    request = ExcludeRequest("t", "s:s", "session", "user", 5, 9, "why")
    assert await remote.exclude(request, 0, is_dry_run=True) == EXCLUSION
    assert await remote.exclude(ExcludeRequest(), 7, is_dry_run=False) == EXCLUSION
    user = user_name()
    assert costs.asked == [(request, user, True), (7, user, False)]
    with pytest.raises(RefusedError, match=r"^undo: takes the number of an exclusion"):
        await remote.exclude(request, 7, is_dry_run=False)


async def test_a_refusal_is_not_mistaken_for_a_missing_processor(costs):
    costs.error = OverloadedError("another reprice is under way")
    with pytest.raises(RefusedError, match="unavailable: another reprice is under way"):
        await Remote(Connection(costs.endpoint)).reprice(5, 9, is_dry_run=True)
    with pytest.raises(RefusedError, match="end_unix_nano: must be after"):
        await Remote(Connection(costs.endpoint)).reprice(9, 5, is_dry_run=True)


async def test_a_missing_processor_is_reported_with_its_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(NoAnswerError, match=f"{address} cannot be asked: nothing listens there"):
        await Remote(Connection(address)).job_progress()


async def test_the_port_of_the_api_is_recognised(api):
    """Guarantees: who gives the address of questions is told so, and what to give instead."""
    port, _ = api()
    with pytest.raises(NoAnswerError, match=r"answers there over HTTP; .* over gRPC, such as HOST"):
        await Remote(Connection(f"127.0.0.1:{port}")).job_progress()


async def test_a_processor_that_asks_for_a_token_gets_it():
    """Guarantees: with the token it answers; without, the message names the variable."""
    guarded = CostQueries()
    receiver = Receiver(
        "127.0.0.1:0",
        None,
        [cost_service(guarded)],
        bearer_tokens=("a-token-of-some-length",),
    )
    endpoint = f"127.0.0.1:{await receiver.start()}"
    known = Connection(endpoint, token="a-token-of-some-length")
    assert await Remote(known).reprice(5, 9, is_dry_run=True) == REPRICING
    for token in ("", "another"):
        with pytest.raises(RefusedError, match="set LLM_COST_TOKEN to a token that it knows"):
            await Remote(Connection(endpoint, token=token)).job_progress()
    await receiver.stop(0.1)


@pytest.mark.parametrize("token", ["two\nlines-of-some-length", "schl\u00fcssel-of-some-length"])
def test_a_token_that_no_header_can_carry_is_refused_in_one_line(token):
    """Guarantees: neither a traceback nor the token is shown."""
    with pytest.raises(ConfigError, match="LLM_COST_TOKEN: has characters") as caught:
        Connection("127.0.0.1:1", token=token)
    assert "of-some-length" not in str(caught.value)
