"""/metrics as numbers, and the equations that have to hold in every answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from conformance.incoming import Gateway
from prometheus_client.parser import text_string_to_metric_families

PREFIX = "llm_cost_processor_"
PLACES_IN = ("accepted", "refused", "rejected")
PLACES_ON = ("acknowledged", "returned", "dropped")
ENDS = ("delivered", "refused", "unavailable", "abandoned")
LEFT_QUEUE = ("delivered", "dropped", "lost")


@dataclass(frozen=True)
class Scrape:
    """One answer of /metrics."""

    text: str
    values: dict[tuple[str, tuple[tuple[str, str], ...]], float]

    def sum(self, name: str, **labels: str) -> float:
        """A metric, summed over the labels that are not given; 0 without any."""
        wanted = set(labels.items())
        return sum(
            value
            for (found, pairs), value in self.values.items()
            if found == PREFIX + name and wanted <= set(pairs)
        )

    def labels(self, name: str) -> list[dict[str, str]]:
        """The label sets of a metric."""
        return [dict(pairs) for found, pairs in self.values if found == PREFIX + name]

    def imbalances(self) -> Iterator[str]:
        """The equations that do not hold."""
        for unit in ("requests", "spans"):
            for lane in self.labels(f"receiver_received_{unit}_total"):
                received = self.sum(f"receiver_received_{unit}_total", **lane)
                places = {
                    place: self.sum(f"receiver_{place}_{unit}_total", **lane) for place in PLACES_IN
                }
                places["arriving"] = self.sum(f"receiver_arriving_{unit}", **lane)
                yield from _unless_equal(f"received {unit} of {lane}", received, places)
                places = {
                    place: self.sum(f"pipeline_{place}_{unit}_total", **lane) for place in PLACES_ON
                }
                places["under way"] = self.sum(f"pipeline_under_way_{unit}", **lane)
                accepted = self.sum(f"receiver_accepted_{unit}_total", **lane)
                yield from _unless_equal(f"accepted {unit} of {lane}", accepted, places)
        for exporter in self.labels("exporter_given_requests_total"):
            given = self.sum("exporter_given_requests_total", **exporter)
            ends = {end: self.sum(f"exporter_{end}_requests_total", **exporter) for end in ENDS}
            ends["under way"] = self.sum("exporter_under_way_requests", **exporter)
            yield from _unless_equal(f"given to {exporter}", given, ends)

    def queue_imbalances(self) -> Iterator[str]:
        """The same for queues on the disk, while nothing is just being sent from there."""
        for exporter in self.labels("queue_kept_requests_total"):
            came = sum(
                self.sum(f"queue_{how}_requests_total", **exporter) for how in ("found", "kept")
            )
            left = {how: self.sum(f"queue_{how}_requests_total", **exporter) for how in LEFT_QUEUE}
            left["waiting"] = self.sum("queue_waiting_requests", **exporter)
            yield from _unless_equal(f"queued for {exporter}", came, left)

    def is_at_rest(self) -> bool:
        """Whether everything has come to its end."""
        gauges = ("receiver_arriving_requests", "pipeline_under_way_requests")
        return not any(self.sum(name) for name in (*gauges, "exporter_under_way_requests"))


def _unless_equal(what: str, whole: float, parts: dict[str, float]) -> Iterator[str]:
    if whole != sum(parts.values()):
        yield f"{what}: {whole:g}, but {parts}"


def read(text: str) -> Scrape:
    """An answer of /metrics."""
    return Scrape(
        text,
        {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        },
    )


async def scrape(gateway: Gateway) -> Scrape:
    """Ask once; the equations have to hold."""
    url = f"http://127.0.0.1:{gateway.app.metrics_port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 200
        found = read(await response.text())
    assert not list(found.imbalances())
    return found


async def settled(gateway: Gateway) -> Scrape:
    """Ask until nothing is on its way any more."""
    return await until(gateway, Scrape.is_at_rest)


async def until(gateway: Gateway, is_met: Callable[[Scrape], bool]) -> Scrape:
    """Ask until an answer is as it should be."""
    async with asyncio.timeout(20):
        while True:
            found = await scrape(gateway)
            if is_met(found):
                return found
            await asyncio.sleep(0.01)


@asynccontextmanager
async def watching(gateway: Gateway) -> AsyncIterator[list[Scrape]]:
    """Ask again and again while the block lasts; gives the answers so far."""
    seen: list[Scrape] = []

    async def watch() -> None:
        while True:
            seen.append(await scrape(gateway))
            await asyncio.sleep(0.003)

    task = asyncio.ensure_future(watch())
    try:
        yield seen
    finally:
        if task.done():
            task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
