"""Where the time goes within the stages: a profile of the thread of each."""

from __future__ import annotations

import cProfile
import io
import pstats
import threading
import time

from payloads import Workload, generate
from stages import open_stages

_REQUESTS = 40
_SHOWN = 40


async def profile(workload: Workload) -> str:
    """A profile of all stages, the ledger's thread included.

    Numbers are of the profiler, which makes small functions look more expensive than they are.
    """
    here, writer = cProfile.Profile(), cProfile.Profile()
    requests = generate(workload, _REQUESTS, 0, time.time_ns())
    # Called first in each new thread, in place of which it then puts the profiler.
    threading.setprofile(lambda *_: writer.enable())
    async with open_stages() as application:
        threading.setprofile(None)
        await application.spend(generate(workload, _REQUESTS // 4, 1, time.time_ns()))
        writer.clear()
        here.enable()
        await application.spend(requests)
        here.disable()
    text = io.StringIO()
    stats = pstats.Stats(here, stream=text)
    stats.add(writer)
    stats.strip_dirs().sort_stats("tottime").print_stats(_SHOWN)
    spans, calls = sum(r.spans for r in requests), sum(r.calls for r in requests)
    return f"{workload.name}: {spans} spans, {calls} LLM calls\n{text.getvalue()}"
