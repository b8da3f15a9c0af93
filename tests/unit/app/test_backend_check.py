"""Whether a backend answers, in a sentence."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from processor.app.backend_check import report_backends
from processor.core.errors import BackendUnavailableError
from processor.core.otlp.codes import Code
from processor.io.exporter import Backend, QueuedBackend
from processor.io.exporter.transport import Failure

REFUSED = Failure(
    "UNAVAILABLE", "all failing; last error: Connection refused", Code.UNAVAILABLE, True
)


class _Asked:
    name = "jaeger:4317"

    def __init__(self, *answers, is_tls=False):
        self._answers = list(answers)
        self.tls = is_tls

    @property
    def is_tls(self):
        return self.tls

    async def ask(self, _timeout_s):
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Direct(_Asked, Backend):
    pass


class Queued(QueuedBackend):
    def __init__(self, *answers):
        self.backend = Direct(*answers)


async def said_of(backend):
    said, pauses = [], []

    async def sleep(seconds):
        pauses.append(seconds)

    await report_backends(SimpleNamespace(destinations=[backend, object()]), said.append, sleep)
    return said, pauses


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        (Direct(None), "jaeger:4317 answers, in plain text"),
        (Direct(None, is_tls=True), "jaeger:4317 answers, over TLS"),
        (
            Queued(Failure("UNAUTHENTICATED", "bad key", Code.UNAUTHENTICATED, False)),
            "jaeger:4317 refuses our credentials, in plain text: bad key",
        ),
        (
            Direct(Failure("HTTP 404", "not found", Code.UNIMPLEMENTED, False)),
            "jaeger:4317 takes no traces there; check the address (HTTP 404: not found)",
        ),
        (
            Direct(Failure("HTTP 400", "empty", Code.INVALID_ARGUMENT, False)),
            "jaeger:4317 answers, in plain text (HTTP 400)",
        ),
    ],
)
async def test_an_answer_says_how_the_backend_is_spoken_to(backend, expected):
    assert await said_of(backend) == ([f"backend      {expected}"], [])


@pytest.mark.parametrize(
    ("kind", "kept"), [(Queued, "spans are kept on disk"), (Direct, "senders wait")]
)
async def test_absence_is_said_once_and_its_end(kind, kept):
    (absent, there), pauses = await said_of(kind(REFUSED, REFUSED, REFUSED, None))
    assert f"is not answering yet, {kept} until it does (Connection refused)" in absent
    assert there.endswith("answers, in plain text")
    assert pauses == [1.0, 2.0, 4.0]


async def test_hint_stands_for_what_the_library_says():
    away = REFUSED._replace(hint="write http://jaeger:4317 if it expects plaintext")
    (absent, _), _ = await said_of(Direct(away, None))
    assert absent.endswith("until it does (write http://jaeger:4317 if it expects plaintext)")


async def test_stop_ends_it():
    assert await said_of(Direct(BackendUnavailableError("stopping"))) == ([], [])
