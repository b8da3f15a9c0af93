"""What the machine gives: memory, and how it is shared out; descriptors, and for what."""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from processor.config import Settings
from processor.config.settings import MEMORY_MIN_MIB
from processor.config.values import Section
from processor.core.episodes import Episodes
from processor.core.memory import JSON_FACTOR

_log = logging.getLogger(__name__)

_MIB: Final = 1024 * 1024
_ROOT: Final = Path("/")
_SETTING: Final = "memory_limiter.limit_mib"
_UNLIMITED_BYTES: Final = 1 << 50
"""A container's limit beyond this is none: version 1 of cgroups has a number for that."""
_MACHINE_MAX_BYTES: Final = 3072 * _MIB
"""Outside of a container a processor does not take more than this by itself."""
_SHARE: Final = 0.8
"""Of the container's limit. The rest is for what cannot be counted: the allocators' free pieces,
buffers of connections."""
_PROGRAM_BYTES: Final = 100 * _MIB
"""What the program takes with nothing to do; measured: 82 MiB."""
_LEAST_BYTES: Final = 32 * _MIB
_REQUESTS: Final = 0.5
_LEDGER: Final = 0.3
"""Shares of what is left, for requests under way and for the ledger's working copies. The rest is
for what is made of one payload at a time: its parsed form, its compressed form."""
_LEDGER_FULL_BYTES: Final = 740 * _MIB
"""What the ledger's working copies take where every limit has its default and is reached. Measured
with ten spans to a trace: 500 MiB for spans, 66 for traces of one span beside them, 75 for traces
that are known, 45 for totals, 40 for what waits. Spans that are read again from the file take 2.9
KiB each where new ones take 1.7 to 2.6, and what waits alone in its trace up to 1.6 KiB."""
_MESSAGES: Final = 8
"""The largest message has one part in so many of what requests may hold: on the way through it
takes four times its size."""
_DESCRIPTORS_MAX: Final = 65_536
_DESCRIPTORS_KEPT: Final = 128
"""For the ledger, the queue on disk, files, and connections to backends and for telemetry."""


class MemoryPlan(NamedTuple):
    """Where the memory goes, in bytes."""

    limit: int
    """Of the whole process."""
    source: str
    """Where that comes from, in words."""
    requests: int
    """What requests under way may hold together."""
    ledger_share: float
    """How much of their defaults the limits of the ledger's working copies have, up to 1."""
    container: int
    """The container's limit; 0 where there is none."""
    machine: int
    """All memory of the machine; 0 where that cannot be read."""

    @property
    def max_message(self) -> int:
        """Largest message, where no setting says otherwise."""
        return max(self.requests // _MESSAGES // _MIB, 1) * _MIB

    @property
    def max_json(self) -> int:
        """The same for JSON."""
        return max(self.requests // JSON_FACTOR // _MIB, 1) * _MIB


def plan_memory(settings: Settings, root: Path = _ROOT) -> MemoryPlan:
    """How memory is shared out under the setting, or under what there is; `root` is for tests."""
    container, machine = _container_bytes(root), _machine_bytes(root)
    limit, source = settings.memory_limiter.limit_mib * _MIB, _SETTING
    if not limit:
        available, of_what = available_memory(container, machine)
        limit, source = int(_SHARE * available), f"{_SHARE:.0%} of {of_what}"
    rest = max(limit - _PROGRAM_BYTES, _LEAST_BYTES)
    ledger_share = min(_LEDGER * rest / _LEDGER_FULL_BYTES, 1.0)
    return MemoryPlan(limit, source, int(_REQUESTS * rest), ledger_share, container, machine)


def available_memory(container: int, machine: int) -> tuple[int, str]:
    """The container's limit, in bytes and words; without one half of the machine's, up to 3 GiB."""
    if container:
        return container, "the container's limit"
    if machine and machine // 2 < _MACHINE_MAX_BYTES:
        return machine // 2, "half the machine's memory"
    return _MACHINE_MAX_BYTES, f"{_MACHINE_MAX_BYTES // _MIB} MiB, as no container has a limit"


def max_message_bytes(settings: Settings, plan: MemoryPlan) -> tuple[int, int]:
    """The largest message over gRPC and over HTTP."""
    protocols, planned = settings.receivers.otlp.protocols, plan.max_message // _MIB
    return (
        _MIB * unless_set(protocols.grpc, "max_recv_msg_size_mib", planned),
        _MIB * unless_set(protocols.http, "max_request_body_size_mib", planned),
    )


def describe_memory(settings: Settings, plan: MemoryPlan) -> str:
    """The limit of memory in force and what follows from it, in words for people."""
    over_grpc, over_http = (size // _MIB for size in max_message_bytes(settings, plan))
    largest = f"{over_grpc} MiB"
    if settings.receivers.otlp.protocols.http.endpoint and over_http != over_grpc:
        largest = f"{over_grpc} MiB over gRPC, {over_http} MiB over HTTP"
    return f"{plan.limit // _MIB} MiB ({plan.source}), largest message {largest}"


def memory_warnings(plan: MemoryPlan) -> Iterator[str]:
    """What is said of a limit that cannot hold what it promises."""
    there = plan.container or plan.machine
    whose = "the container has" if plan.container else "the machine has"
    if there and plan.limit > there:
        yield (
            f"{_SETTING} is {plan.limit // _MIB}, but {whose} {there // _MIB} MiB: the system ends "
            "the program before it comes to its limit; 0 follows what there is"
        )
    elif plan.limit < MEMORY_MIN_MIB * _MIB:
        yield (
            f"memory is {plan.limit // _MIB} MiB ({plan.source}), which is too little for requests "
            f"of usual sizes: give the container {int(MEMORY_MIN_MIB / _SHARE)} MiB or more"
        )


def _container_bytes(root: Path) -> int:
    """The least limit of the control groups around this process; 0 where there is none."""
    limits = (
        int(text)
        for text in map(_read, _limit_files(root))
        if text.isdecimal() and int(text) < _UNLIMITED_BYTES
    )
    return min(limits, default=0)


def _machine_bytes(root: Path) -> int:
    """All memory of the machine; 0 where that cannot be read."""
    for line in _read(root / "proc/meminfo").splitlines():
        name, _, amount = line.partition(":")
        if name == "MemTotal":
            return int(amount.split()[0]) * 1024
    return 0


def _limit_files(root: Path) -> Iterator[Path]:
    """Where the limits of this process' control group and of those around it stand.

    Source: cgroups(7), "/proc/[pid]/cgroup". In a container the group's own path may be one of the
    host, which is not there; its limit then stands at the top.
    """
    top = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            base, name = top, "memory.max"
        elif "memory" in controllers.split(","):
            base, name = top / "memory", "memory.limit_in_bytes"
        else:
            continue
        group = base / path.lstrip("/")
        yield from (each / name for each in (group, *group.parents) if each.is_relative_to(base))


def unless_set(section: Section, name: str, computed: int) -> int:
    """A setting as it was given; where it was not, its default or what was computed if less."""
    value: int = getattr(section, name)
    return value if name in section.model_fields_set else min(value, computed)


def raise_descriptor_limit() -> None:
    """Let the process have as many descriptors as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS_MAX if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def max_connections() -> int:
    """How many connections each protocol may have open, so that descriptors are left for others."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    descriptors = _DESCRIPTORS_MAX if soft == resource.RLIM_INFINITY else soft
    return max((descriptors - _DESCRIPTORS_KEPT) // 3, 8)


def watch_descriptors(loop: asyncio.AbstractEventLoop, close_idle: Callable[[], bool]) -> None:
    """Where no descriptor is left for a connection, close idle ones, and log it once a time.

    The loop itself would log a traceback for each of thousands of attempts.
    """
    episodes = Episodes()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in {errno.EMFILE, errno.ENFILE}:
            loop.default_exception_handler(context)
            return
        close_idle()
        if episodes.note("descriptors", loop.time()):
            _log.error(
                "no descriptor is left for a connection (%s), so idle ones are closed: raise the "
                "limit, such as LimitNOFILE of systemd",
                error.strerror,
            )

    loop.set_exception_handler(handle)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
