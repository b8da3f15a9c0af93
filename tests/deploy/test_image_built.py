"""The Dockerfile, linted, built, and run as it is to be run: no root, no writable root."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from backends.running import CANNOT_BE_HAD
from e2e.applications import chat, tracer
from e2e.processes import Process, attributes, is_serving

HERE = Path(__file__).parent
DOCKERFILE = HERE.parents[1] / "deploy" / "docker" / "Dockerfile"
BUILD_TIMEOUT_S = 900
USER = 10001

pytestmark = [pytest.mark.backend, pytest.mark.timeout(BUILD_TIMEOUT_S + 60)]


def test_hadolint_has_nothing_to_say(hadolint, passes):
    """Guarantees: no rule of the linter is broken or switched off."""
    assert passes(hadolint, "--no-color", DOCKERFILE) == ""
    assert "hadolint" not in DOCKERFILE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The image's root folder and its configuration."""
    work = tmp_path_factory.mktemp("image")
    built = subprocess.run(
        [HERE / "build_image.sh", work],
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    if built.returncode == CANNOT_BE_HAD:
        pytest.skip(f"{built.stderr.strip()}, so nothing is proven of it")
    assert built.returncode == 0, built.stderr[-3000:]
    root = Path(built.stdout.strip().splitlines()[-1])
    yield root, json.loads((work / "config.json").read_text())["Docker"]["config"]
    shutil.rmtree(work)


def test_the_image_says_how_it_is_to_be_run(image):
    """Guarantees: what the Dockerfile means is what the builder understood."""
    _, config = image
    assert config["User"] == f"{USER}:{USER}"
    assert set(config["ExposedPorts"]) == {"4317/tcp", "4318/tcp", "8888/tcp"}
    assert set(config["Volumes"]) == {"/var/lib/llm-cost"}
    assert config["Healthcheck"]["Test"][:3] == ["CMD", "llm-cost", "healthcheck"]


def test_the_image_holds_what_runs_and_nothing_to_build_with(image):
    """Guarantees: the package with its dependencies; no pip, no sources, no tests."""
    root, _ = image
    environment = root / "opt" / "llm-cost"
    (packages,) = environment.glob("lib/python3*/site-packages")
    assert (packages / "processor" / "config" / "defaults" / "pricing.yaml").is_file()
    assert not [path for path in packages.iterdir() if path.name.split("-")[0] in {"pip", "tests"}]
    assert not (root / "src").exists()
    settings = (environment / "processor.yaml").read_bytes()
    assert settings == (DOCKERFILE.parent / "processor.yaml").read_bytes()


def test_the_image_works_without_root_and_without_a_writable_root(image, backend, spawn, tmp_path):
    """Guarantees: it starts with its own CMD and settings, prices a call and keeps its ledger."""
    root, config = image
    volume = tmp_path / "volume"
    volume.mkdir()
    os.chown(volume, USER, USER)
    # Here it shares the network of this machine, where its own ports may be in use.
    *command, settings = config["Cmd"]
    shown = (root / settings.lstrip("/")).read_text(encoding="utf-8")
    (volume / "processor.yaml").write_text(re.sub(r"0\.0\.0\.0:\d+", "127.0.0.1:0", shown))
    command.append("/var/lib/llm-cost/processor.yaml")
    forward = f"--forward-to=127.0.0.1:{backend.port}"
    script = (
        "import os, sys; os.execvp('unshare', ['unshare', '--mount', '--propagation', 'private', "
        "*sys.argv[1:]])"
    )
    processor = spawn(
        Process, "-c", script, HERE / "run_image.sh", root, volume,
        *config["Env"], *config["Entrypoint"], *command, forward,
    )  # fmt: skip
    processor.port = int(processor.wait_for("listens on").rsplit(":", 1)[1].split()[0])
    status = Path(f"/proc/{processor.popen.pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == [str(USER)] * 4
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    mounts = Path(f"/proc/{processor.popen.pid}/mounts").read_text()
    assert " / " in mounts
    assert mounts.partition(" / ")[2].split()[1].startswith("ro,")
    assert is_serving(processor.port)
    provider, app = tracer(processor.port)
    chat(app, "chat plain")
    provider.shutdown()
    assert attributes(backend.by_name()["chat plain"])["llm.cost_usd"] > 0
    assert processor.stop() == 0
    assert (volume / "ledger.db").stat().st_uid == USER
