"""Compose files, read by the loader that `docker compose` itself is built on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose"
FILES = sorted(COMPOSE.glob("*.yaml"))

pytestmark = pytest.mark.backend


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_compose_reads_it_and_finds_every_file(path, compose_loader, passes):
    """Guarantees: every key is known, names lead somewhere, and what is mounted is there."""
    # It takes paths from where it runs, `docker compose` from where the file is.
    loaded = yaml.safe_load(passes(compose_loader, path, cwd=path.parent))
    for name, service in loaded["services"].items():
        for volume in service.get("volumes", ()):
            if volume["type"] == "bind":
                assert Path(volume["source"]).exists(), f"{name}: {volume['source']}"
            else:
                assert volume["source"] in loaded["volumes"], name
        assert set(service.get("depends_on", {})) <= set(loaded["services"]), name
    build = loaded["services"]["processor"]["build"]
    assert (Path(build["context"]) / build["dockerfile"]).is_file()


def test_compose_refuses_what_is_wrong(compose_loader, tmp_path):
    """Guarantees: the loader that is content above can also be discontented."""
    bad = tmp_path / "compose.yaml"
    bad.write_text(FILES[0].read_text(encoding="utf-8").replace("restart:", "restrat:"))
    done = subprocess.run([compose_loader, bad], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "'restrat' not allowed" in done.stderr
