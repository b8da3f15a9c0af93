"""Merging: fewer requests, and every sender gets the answer of its own request."""

import asyncio

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.core.errors import BackendRefusedError, BackendUnavailableError, TooLargeError
from processor.core.model import Receipt
from processor.io.exporter.batcher import Batcher, MergePolicy, is_whole
from processor.io.exporter.destination import Counters

LONG_S = 60.0


def request(name, size=0):
    message = ExportTraceServiceRequest()
    message.resource_spans.add(schema_url="x" * size).scope_spans.add().spans.add(name=name)
    return message.SerializeToString()


def names(payload):
    return [
        span.name
        for resource in ExportTraceServiceRequest.FromString(payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


class HeldSender:
    """A sender whose requests stay under way until the test answers them."""

    def __init__(self):
        self.sent = []
        """What was sent: signal, names of spans, time that was left."""
        self.open = []

    async def send(self, signal, payload, budget_s, _metadata):
        done = asyncio.get_running_loop().create_future()
        self.sent.append((signal, names(payload), budget_s))
        self.open.append(done)
        return await done

    async def answer(self, outcome, at=0):
        """Answer one that is under way, and let everyone act on it."""
        done = self.open.pop(at)
        if isinstance(outcome, Exception):
            done.set_exception(outcome)
        else:
            done.set_result(outcome)
        await settle()

    @property
    def spans(self):
        return [sent[1] for sent in self.sent]


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


class Senders:
    """Tasks that send, by the name of their span."""

    def __init__(self, sender, **policy):
        self.counters = Counters()
        self.batcher = Batcher(sender.send, MergePolicy(**policy), self.counters)
        self.tasks = {}

    async def start(self, *spans, signal="traces", budget_s=LONG_S, size=0):
        for name in spans:
            coroutine = self.batcher.send(signal, request(name, size), budget_s)
            self.tasks[name] = asyncio.ensure_future(coroutine)
        await settle()

    def outcome(self, name):
        task = self.tasks[name]
        if not task.done():
            return None
        return task.exception() or task.result()


@pytest.fixture
def sender():
    return HeldSender()


@pytest.fixture
def patient(sender):
    """Senders that wait for others as long as it takes."""
    return Senders(sender, max_delay_s=LONG_S)


async def test_alone_a_request_leaves_at_once_and_as_it_is(sender, patient):
    """Guarantees: at low load nothing waits, and counts are exact."""
    await patient.start("a")
    assert sender.spans == [["a"]]
    await sender.answer(Receipt(2, "bad"))
    assert patient.outcome("a") == Receipt(2, "bad")
    await patient.start("b")
    assert sender.spans == [["a"], ["b"]]
    await sender.answer(Receipt())
    assert patient.counters.merged == 0


async def test_what_comes_meanwhile_leaves_together_as_one_valid_request(sender, patient):
    await patient.start("a", "b", "c", "d")
    assert sender.spans == [["a"]]
    await sender.answer(Receipt())
    assert sender.spans == [["a"], ["b", "c", "d"]]
    assert patient.outcome("b") is None, "not before the merged request is answered"
    await sender.answer(Receipt())
    assert {patient.outcome(name) for name in "abcd"} == {Receipt()}
    assert patient.counters.merged == 3


async def test_a_single_one_that_waited_keeps_its_exact_count(sender, patient):
    await patient.start("a", "b")
    await sender.answer(Receipt())
    await sender.answer(Receipt(1, "bad"))
    assert patient.outcome("b") == Receipt(1, "bad")
    assert patient.counters.merged == 0


async def test_waiting_has_an_end_though_nothing_comes_back(sender):
    senders = Senders(sender, max_delay_s=0.001)
    await senders.start("a", "b", "c")
    while len(sender.sent) < 2:  # noqa: ASYNC110 - the sender has no event to wait for
        await asyncio.sleep(0.001)
    assert sender.spans == [["a"], ["b", "c"]]
    await senders.batcher.close()
    await sender.answer(Receipt())


async def test_a_merged_request_has_a_largest_size(sender):
    senders = Senders(sender, max_delay_s=LONG_S, max_bytes=1000)
    await senders.start("a", "b", "c", "d", size=400)
    assert sender.spans == [["a"], ["b", "c"]], "d did not fit, so b and c have left"
    await senders.start("large", size=500)
    assert sender.spans[-1] == ["large"], "half of the largest size is not worth joining"
    for _ in range(3):
        await sender.answer(Receipt())
    assert sender.spans[-1] == ["d"]
    await sender.answer(Receipt())


async def test_signals_are_not_mixed(sender, patient):
    await patient.start("a")
    await patient.start("b", signal="logs")
    assert [sent[:2] for sent in sender.sent] == [("traces", ["a"]), ("logs", ["b"])]
    await sender.answer(Receipt())
    await sender.answer(Receipt())


async def test_of_a_partial_success_each_sender_gets_the_message_and_no_count(sender, patient):
    """Guarantees: no sender learns of rejected items of another one."""
    await patient.start("a", "b", "c")
    await sender.answer(Receipt())
    await sender.answer(Receipt(5, "too old"))
    assert patient.outcome("b") == patient.outcome("c") == Receipt(0, "too old")


@pytest.mark.parametrize("refusal", [BackendRefusedError(3, "no"), TooLargeError("big")])
async def test_a_refused_merged_request_is_sent_apart_and_the_bad_one_fails_alone(
    sender, patient, refusal
):
    """Guarantees: a bad request fails no other one."""
    await patient.start("a", "good", "bad", "better")
    await sender.answer(Receipt())
    await sender.answer(refusal)
    assert sender.spans[2:] == [["good"], ["bad"], ["better"]]
    await sender.answer(Receipt(1, "mine"))
    await sender.answer(refusal)
    await sender.answer(Receipt())
    assert patient.outcome("good") == Receipt(1, "mine")
    assert patient.outcome("bad") is refusal
    assert patient.outcome("better") == Receipt()


async def test_a_backend_without_the_signal_is_not_asked_again_for_each(sender, patient):
    refusal = BackendRefusedError(12, "no logs here")
    await patient.start("a", "b", "c", signal="logs")
    await sender.answer(Receipt())
    await sender.answer(refusal)
    assert patient.outcome("b") is patient.outcome("c") is refusal
    assert len(sender.sent) == 2


async def test_a_merged_request_takes_the_time_of_the_most_impatient(sender, patient):
    await patient.start("a", "b")
    await patient.start("hasty", budget_s=3.0)
    await sender.answer(Receipt())
    assert sender.sent[1][1] == ["b", "hasty"]
    assert 2.0 < sender.sent[1][2] <= 3.0
    await sender.answer(Receipt())


async def test_a_sender_whose_time_is_up_is_answered_and_the_others_go_on(sender, patient):
    """Guarantees: each sender's own deadline is honoured, and only its own."""
    later = BackendUnavailableError("down", 0.0)
    await patient.start("a", "b", "c")
    await patient.start("hasty", budget_s=3.0)
    await sender.answer(Receipt())
    await sender.answer(later)
    assert patient.outcome("hasty") is later
    assert patient.outcome("b") is patient.outcome("c") is None
    assert sender.spans[-1] == ["b", "c"]
    assert sender.sent[-1][2] > 50.0
    await sender.answer(Receipt())
    assert patient.outcome("b") == patient.outcome("c") == Receipt()


async def test_a_sender_without_time_for_another_attempt_does_not_wait_for_one(sender, patient):
    later = BackendUnavailableError("busy", 30.0)
    await patient.start("a")
    await patient.start("b", budget_s=20.0)
    await patient.start("c", budget_s=25.0)
    await sender.answer(Receipt())
    await sender.answer(later)
    assert patient.outcome("b") is patient.outcome("c") is later
    assert len(sender.sent) == 2


async def test_the_last_one_left_is_sent_by_itself(sender, patient):
    later = BackendUnavailableError("down", 0.0)
    await patient.start("a", "b")
    await patient.start("hasty", budget_s=3.0)
    await sender.answer(Receipt())
    await sender.answer(later)
    await sender.answer(Receipt(1, "exact"))
    assert patient.outcome("b") == Receipt(1, "exact")


async def test_a_caller_that_is_cancelled_while_it_waits_is_not_sent(sender, patient):
    await patient.start("a", "b", "gone")
    patient.tasks["gone"].cancel()
    await settle()
    await sender.answer(Receipt())
    assert sender.spans[-1] == ["b"]
    await sender.answer(Receipt())


async def test_a_caller_that_is_cancelled_later_fails_no_other(sender, patient):
    await patient.start("a", "b", "gone")
    await sender.answer(Receipt())
    patient.tasks["gone"].cancel()
    await settle()
    await sender.answer(Receipt())
    assert patient.outcome("b") == Receipt()


async def test_a_cancelled_lone_caller_lets_the_next_ones_go(sender, patient):
    await patient.start("gone", "b")
    patient.tasks["gone"].cancel()
    await settle()
    assert sender.spans == [["gone"], ["b"]]
    await sender.answer(Receipt(), at=1)
    assert patient.outcome("b") == Receipt()


async def test_a_bug_is_seen_by_every_caller_and_ends_nothing(sender, patient):
    await patient.start("a", "b", "c")
    await sender.answer(Receipt())
    await sender.answer(ZeroDivisionError())
    assert isinstance(patient.outcome("b"), ZeroDivisionError)
    assert isinstance(patient.outcome("c"), ZeroDivisionError)
    await patient.start("d")
    assert sender.spans[-1] == ["d"]
    await sender.answer(Receipt())


async def test_closing_answers_all_that_wait(sender, patient):
    """Guarantees: no caller waits for ever, whether under way or not yet."""
    await patient.start("a", "b", "c")
    await sender.answer(Receipt())
    await patient.start("d")
    await patient.batcher.close()
    for name in "bcd":
        assert isinstance(patient.outcome(name), BackendUnavailableError)


@pytest.mark.parametrize(
    "odd",
    [
        b"\x0a\x7f" + b"x" * 10,  # claims more than there is, and would take a neighbour's bytes
        b"\x0a",
        b"\x0a\x80",
        b"\x0a\x80\x80\x80\x80\x80\x01",
        b"\x0a\x00\x10\x01",  # a field that a neighbour's would overwrite
        b"\xff\xff",
    ],
)
async def test_what_could_harm_its_neighbours_is_sent_alone(odd):
    """Guarantees: bytes of one sender never change how another's are read."""
    sent = []
    hold = asyncio.Event()

    async def send(_, payload, __, ___):
        sent.append(payload)
        await hold.wait()
        return Receipt()

    batcher = Batcher(send, MergePolicy(max_delay_s=LONG_S), Counters())
    tasks = [
        asyncio.ensure_future(batcher.send("logs", payload, LONG_S))
        for payload in (request("a"), request("b"), odd, request("c"))
    ]
    await settle()
    assert sent == [request("a"), odd]
    hold.set()
    await asyncio.gather(*tasks)
    assert sent[2:] == [request("b") + request("c")]


async def test_requests_with_other_metadata_do_not_wait_for_each_other():
    """Guarantees: a merged request has the metadata of each of its senders."""
    sent = []
    hold = asyncio.Event()

    async def send(_, payload, __, metadata):
        sent.append((names(payload), metadata))
        await hold.wait()
        return Receipt()

    batcher = Batcher(send, MergePolicy(max_delay_s=LONG_S), Counters())
    tenants = [(("x-scope-orgid", tenant),) for tenant in "ab"]
    tasks = [
        asyncio.ensure_future(batcher.send("traces", request(name), LONG_S, metadata))
        for name in "123"
        for metadata in tenants
    ]
    await settle()
    assert sent == [(["1"], metadata) for metadata in tenants]
    hold.set()
    await asyncio.gather(*tasks)
    assert sent[2:] == [(["2", "3"], metadata) for metadata in tenants]


async def test_batches_that_are_empty_are_let_go_of():
    """Guarantees: senders choose the metadata, and yet memory stays bounded."""
    batcher = Batcher(HeldSender().send, MergePolicy(), Counters())
    for number in range(100):
        task = asyncio.ensure_future(
            batcher.send("traces", request("a"), LONG_S, (("tenant", str(number)),))
        )
        await settle()
        task.cancel()
        await settle()
    assert len(batcher._batches) == 1


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16383, 16384, 3_000_000])
def test_sequences_of_complete_entries_are_whole(size):
    payload = request("a", size) + request("b")
    assert is_whole(payload)
    assert is_whole(b"")
    assert not is_whole(payload[:-1])
    assert not is_whole(payload + b"\x0a")
