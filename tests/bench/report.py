"""What was measured, as Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from subject import Subject
from traffic import IN_FLIGHT

_LIBRARIES = ("grpcio", "protobuf", "apsw", "genai-prices")


def setting(rounds: int) -> str:
    """What was measured, and on what."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        "CPU time, user and system, of the whole process (all threads) in a closed loop with "
        f"{IN_FLIGHT} requests in flight over loopback, no TLS, no compression; warm-up excluded, "
        f"median (least to most) of {rounds} rounds in which the systems take turns. The proxy "
        "hands on the same bytes with the asyncio server and client of grpcio. Ledger off: "
        "scanned, read and priced, nothing written. Ledger on: the program on its defaults, every "
        "commit synced to the disk.\n\n"
        f"On {_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}, {libraries}."
    )


def table(measured: Sequence[Sequence[Subject]]) -> str:
    """All systems under all kinds of requests, and their ratio to the first in the same round."""
    lines = [
        "| requests | system | CPU µs | to proxy | spans/s | peak RSS |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for group in measured:
        lines += _rows(group)
    return "\n".join(lines)


def conservation(subject: Subject) -> str:
    """What went in and came out of one system, and whether that adds up."""
    account = subject.account
    parts = [
        f"{account.sent} spans sent",
        f"{account.received} received",
        f"{len(account.ids)} different ids",
    ]
    if subject.booked_nano_usd is not None:
        parts += [
            f"{account.calls} calls sent",
            f"{account.priced} priced",
            f"{account.nano_usd} nano-USD on spans",
            f"{subject.booked_nano_usd} nano-USD in the ledger",
        ]
    faults = account.faults(subject.booked_nano_usd)
    verdict = f"DOES NOT HOLD: {'; '.join(faults)}" if faults else "holds"
    return f"- conservation, {subject.workload.name}, {subject.kind}: {', '.join(parts)}: {verdict}"


def _rows(group: Sequence[Subject]) -> Iterator[str]:
    for subject in group:
        workload, cpu_us = subject.workload, subject.cpu_us
        # Within a round all systems meet the same neighbours.
        ratios = [ours / floor for ours, floor in zip(cpu_us, group[0].cpu_us, strict=True)]
        yield (
            f"| {workload.name}, {workload.spans_per_request} spans | {subject.kind} "
            f"| {median(cpu_us):.1f} ({min(cpu_us):.1f} to {max(cpu_us):.1f}) per {subject.unit} "
            f"| {median(ratios):.1f} "
            f"| {median(subject.spans_per_s):,.0f} "
            f"| {subject.peak_rss_mib:.0f} MiB |"
        )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
