"""Memory is shared out under the limit that there is; descriptors are left for everything."""

from __future__ import annotations

import asyncio
import errno
import resource
import subprocess
import sys

import pytest

from processor.app.resources import (
    available_memory,
    describe_memory,
    max_connections,
    memory_warnings,
    plan_memory,
    unless_set,
    watch_descriptors,
)
from processor.config import load_settings
from processor.config.settings import Limits

MIB = 1024 * 1024


def make_root(folder, files):
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "expected_mib"),
    [
        pytest.param(
            {"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": f"{512 * MIB}\n"}, 512, id="v2"
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/system.slice/llm-cost.service",
                "sys/fs/cgroup/system.slice/llm-cost.service/memory.max": f"{2048 * MIB}\n",
                "sys/fs/cgroup/system.slice/memory.max": "max\n",
            },
            2048,
            id="a unit of systemd",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/pod/container",
                "sys/fs/cgroup/pod/container/memory.max": f"{512 * MIB}\n",
                "sys/fs/cgroup/pod/memory.max": f"{300 * MIB}\n",
            },
            300,
            id="the least of those around it",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "5:cpu:/\n4:memory:/docker/abc",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{256 * MIB}",
            },
            256,
            id="v1, in a container with the path of its host",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "4:memory:/",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
                "proc/meminfo": "MemFree: 1 kB\nMemTotal: 2097152 kB\n",
            },
            1024,
            id="without a limit half of the machine",
        ),
        pytest.param({"proc/meminfo": "MemTotal: 263892992 kB\n"}, 3072, id="a large machine"),
        pytest.param({}, 3072, id="no such files"),
    ],
)
def test_the_memory_that_there_is_is_found(tmp_path, files, expected_mib):
    plan = plan_memory(load_settings(None, {}, {}), make_root(tmp_path, files))
    assert available_memory(plan.container, plan.machine)[0] == expected_mib * MIB


@pytest.mark.parametrize(
    ("limit_mib", "requests_mib", "message_mib", "json_mib"),
    [(410, 155, 19, 5), (1638, 769, 96, 29), (200, 50, 6, 1)],
)
def test_requests_have_half_of_what_the_program_leaves(
    limit_mib, requests_mib, message_mib, json_mib
):
    settings = load_settings(None, {"memory_limiter.limit_mib": limit_mib}, {})
    plan = plan_memory(settings)
    assert (plan.requests // MIB, plan.max_message // MIB, plan.max_json // MIB) == (
        requests_mib,
        message_mib,
        json_mib,
    )
    assert 0 < plan.ledger_share <= 1


CONTAINER = {"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": f"{3072 * MIB}"}


def in_container(mib):
    return {**CONTAINER, "sys/fs/cgroup/memory.max": f"{mib * MIB}"}


@pytest.mark.parametrize(
    ("files", "flags", "expected"),
    [
        (CONTAINER, {}, "2457 MiB (80% of the container's limit), largest message 64 MiB"),
        (
            {"proc/meminfo": "MemTotal: 2097152 kB"},
            {"receivers.otlp.protocols.http.max_request_body_size_mib": 8},
            "819 MiB (80% of half the machine's memory), "  # noqa: ISC004 - one text
            "largest message 44 MiB over gRPC, 8 MiB over HTTP",
        ),
        (
            {},
            {"memory_limiter.limit_mib": 400, "receivers.otlp.protocols.http.endpoint": ""},
            "400 MiB (memory_limiter.limit_mib), largest message 18 MiB",
        ),
        ({}, {}, "2457 MiB (80% of 3072 MiB, as no container has a limit), largest message 64 MiB"),
    ],
)
def test_the_limit_in_force_is_said_with_where_it_comes_from(tmp_path, files, flags, expected):
    settings = load_settings(None, flags, {})
    assert describe_memory(settings, plan_memory(settings, make_root(tmp_path, files))) == expected


@pytest.mark.parametrize(
    ("files", "limit_mib", "expected"),
    [
        (CONTAINER, 3072, ""),
        (CONTAINER, 3073, "is 3073, but the container has 3072 MiB"),
        ({"proc/meminfo": "MemTotal: 2097152 kB"}, 2049, "is 2049, but the machine has 2048 MiB"),
        ({}, 9999, ""),
        (CONTAINER, 0, ""),
        (in_container(250), 0, ""),
        (in_container(128), 0, "memory is 102 MiB (80% of the container's limit)"),
    ],
)
def test_a_limit_that_cannot_hold_is_warned_of(tmp_path, files, limit_mib, expected):
    """Guarantees: above what there is, and below what requests need."""
    settings = load_settings(None, {"memory_limiter.limit_mib": limit_mib}, {})
    found = list(memory_warnings(plan_memory(settings, make_root(tmp_path, files))))
    assert (expected in found[0]) if expected else not found


def test_what_is_set_is_not_computed():
    assert unless_set(Limits(traces_in_memory=70_000), "traces_in_memory", 10) == 70_000
    assert unless_set(Limits(), "traces_in_memory", 10) == 10
    assert unless_set(Limits(), "traces_in_memory", 10**9) == 50_000


def test_connections_of_both_protocols_leave_descriptors_for_everything_else():
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert max_connections() >= 8
    assert 2 * max_connections() + 100 <= descriptors


def test_the_limit_of_descriptors_is_raised_as_far_as_it_may_be():
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 512));"
        "from processor.app.resources import raise_descriptor_limit as raise_limit;"
        "raise_limit(); print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.split() == ["512"]
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= 512


async def test_without_descriptors_idle_connections_are_closed_and_one_line_is_logged(caplog):
    """Guarantees: no traceback for each attempt to accept a connection; other errors are shown."""
    loop = asyncio.get_running_loop()
    closed = []
    watch_descriptors(loop, lambda: bool(closed.append(None)))
    error = OSError(errno.EMFILE, "Too many open files")
    for _ in range(100):
        loop.call_exception_handler({"message": "accept", "exception": error})
    assert len(closed) == 100
    (line,) = caplog.messages
    assert "Too many open files" in line
    loop.call_exception_handler({"message": "another", "exception": ValueError("a bug")})
    assert len(caplog.records) == 2
    loop.set_exception_handler(None)
