"""What was measured of the ledger, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import mean, median, quantiles
from typing import Any

Found = Mapping[str, Any]


def lines_of(found: Found) -> Iterator[str]:
    """All tables."""
    calls: int = found["calls"]
    yield from _sizes(calls, found["bytes"])
    yield ""
    yield from _turns(found["turns"])
    yield ""
    yield from _starts(found)
    yield ""
    yield from _questions(found["questions"])
    yield ""
    yield from _batches(found["questions"])


def _sizes(calls: int, sizes: Mapping[str, int]) -> Iterator[str]:
    yield f"| {calls:,} calls | bytes per call |"
    yield "|---|---:|"
    rest = 0.0
    for name, size in sizes.items():
        if size >= calls / 10:
            yield f"| {name} | {size / calls:.1f} |"
        else:
            rest += size
    yield f"| all others | {rest / calls:.1f} |"
    yield f"| together | {sum(sizes.values()) / calls:.1f} |"


def _turns(subjects: Sequence[Found]) -> Iterator[str]:
    yield (
        "| calls in the ledger | 512 spans: CPU ms | wall ms | pages | to empty | to before "
        "| 10 spans: CPU ms | wall ms | pages | to empty | to before |"
    )
    yield f"|---|{'---:|' * 10}"
    for subject in subjects:
        name = f"{subject['calls']:,}{' (before)' if subject['is_before'] else ''}"
        yield f"| {name} | {' | '.join(_turn_columns(subject, subjects))} |"


def _turn_columns(subject: Found, subjects: Sequence[Found]) -> Iterator[str]:
    for shape in ("large", "small"):
        cpu_ms = median(subject[shape]["cpu_ms"])
        yield f"{cpu_ms:.2f}"
        yield f"{median(subject[shape]['wall_ms']):.2f}"
        yield f"{mean(subject[shape]['pages']):,.0f}"
        empty = _cpu_ms(subjects, shape, 0, is_before=subject["is_before"])
        before = _cpu_ms(subjects, shape, subject["calls"], is_before=True)
        yield f"{cpu_ms / empty:.2f}"
        yield f"{cpu_ms / before:.2f}" if before else ""


def _cpu_ms(subjects: Sequence[Found], shape: str, calls: int, *, is_before: bool) -> float:
    for subject in subjects:
        if subject["calls"] == calls and subject["is_before"] == is_before:
            cpu_ms: list[float] = subject[shape]["cpu_ms"]
            return median(cpu_ms)
    return 0.0


def _starts(found: Found) -> Iterator[str]:
    yield "| start with calls in the ledger | s | CPU s | memory MiB |"
    yield "|---|---:|---:|---:|"
    for subject in found["turns"]:
        start = subject["start"]
        name = f"{subject['calls']:,}{' (before)' if subject['is_before'] else ''}"
        columns = f"{start['took_s']:.2f} | {start['cpu_s']:.2f} | {start['rss_mib']:.0f}"
        yield f"| {name} | {columns} |"


def _questions(found: Found) -> Iterator[str]:
    loads = [name for name in found if name.startswith("both")]
    heads = " | ".join(map(_sender_count, loads))
    yield (
        f"| question, ms: p50 / p95 / p99 | CPU alone | alone | {heads} "
        "| instructions, thousands | scanned |"
    )
    yield f"|---|---:|---:|{'---:|' * (len(loads) + 2)}"
    for name, alone in found["alone"].items():
        columns = [_percentiles(alone["cpu_ms"]), _percentiles(alone["wall_ms"])]
        columns += [_percentiles(found[load]["asked_ms"].get(name, ())) for load in loads]
        steps = found["steps"][name]
        columns += [f"{steps['instructions'] / 1000:,.0f}", f"{steps['scanned']:,}"]
        yield f"| {name} | {' | '.join(columns)} |"


def _sender_count(load: str) -> str:
    return f"while {load.partition(', ')[2]} in a closed loop send"


def _batches(found: Found) -> Iterator[str]:
    yield (
        "| load, senders | batches/s | batch, ms: p50 / p95 / p99 "
        "| write-ahead log MiB | memory MiB |"
    )
    yield "|---|---:|---:|---:|---:|"
    for name, load in found.items():
        if name in {"alone", "steps"}:
            continue
        rate = len(load["batch_ms"]) / load["took_s"]
        log_mib = load["log_bytes"] / 2**20
        yield (
            f"| {name} | {rate:.1f} | {_percentiles(load['batch_ms'])} "
            f"| {log_mib:.1f} | {load['rss_mib']:.0f} |"
        )


def _percentiles(values: Sequence[float]) -> str:
    if len(values) < 2:
        return " / ".join(f"{value:.1f}" for value in values)
    cuts = quantiles(values, n=100, method="inclusive")
    return f"{cuts[49]:.1f} / {cuts[94]:.1f} / {cuts[98]:.1f}"
