"""The limits of memory that are shipped are enough for what the defaults make of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from processor.app import resources
from processor.config import load_settings
from processor.core import memory

DEPLOY = Path(__file__).parents[3] / "deploy"
MIB = 1024 * 1024
UNITS = {"Mi": MIB, "Gi": 1024 * MIB, "G": 1024 * MIB, "g": 1024 * MIB}
SHIPPED = {
    "kubernetes/base/statefulset.yaml": r"limits: \{memory: (\d+)(\w+)\}",
    "kubernetes/components/sidecar/container.yaml": r"limits: \{memory: (\d+)(\w+)\}",
    "systemd/llm-cost.service": r"MemoryMax=(\d+)(\w+)",
    "compose/jaeger.yaml": r"mem_limit: (\d+)(\w+)",
    "compose/tempo.yaml": r"mem_limit: (\d+)(\w+)",
    "docker/README.md": r"--memory (\d+)(\w+)",
}
LEAST_BYTES = 512 * MIB
"""What deploy/README.md says of less: it is not tried."""


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_limit_holds_all_that_the_defaults_allow_at_once(name, tmp_path):
    """Guarantees: the program, the ledger's working copies and the largest request."""
    found = re.search(SHIPPED[name], (DEPLOY / name).read_text())
    limit_bytes = int(found[1]) * UNITS[found[2]]
    assert limit_bytes >= LEAST_BYTES
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text(str(limit_bytes))
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    plan = resources.plan_memory(load_settings(None, {}, {}), tmp_path)
    assert plan.limit == int(0.8 * limit_bytes)
    ledger_bytes = plan.ledger_share * resources._LEDGER_FULL_BYTES
    largest_bytes = plan.requests * memory._ALONE
    assert resources._PROGRAM_BYTES + largest_bytes + ledger_bytes <= limit_bytes
    assert plan.max_message >= 16 * MIB


def test_the_limits_that_are_shipped_are_all_looked_at():
    """Guarantees: one that is added somewhere else is not forgotten here."""
    ours = re.compile(r"MemoryMax=|--memory \d|mem_limit|limits: \{memory")
    files = [path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    named = {
        str(path.relative_to(DEPLOY)) for path in files if ours.search(path.read_text("utf-8"))
    }
    others = {
        "kubernetes/overlays/sidecar/application.yaml",
        # What copies and proves the ledger takes less than 200 MiB, whatever its size.
        "kubernetes/components/backup/cron-job.yaml",
        "systemd/llm-cost-backup.service",
    }
    assert named - others == set(SHIPPED)
