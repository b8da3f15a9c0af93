"""The container image, by whichever builder is there; it stays in that builder's own storage."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from release.errors import ReleaseError
from release.tree import run

NAME: Final = "llm-cost-processor"
DOCKERFILE: Final = Path("deploy/docker/Dockerfile")
BUILDERS: Final = ("docker", "podman", "buildah")


def builder() -> str | None:
    """The first builder that is installed and works; None if there is none."""
    for name in BUILDERS:
        # The command of Docker may be there without its engine; then the question fails.
        question = (name, "version")
        if shutil.which(name):
            answered = subprocess.run(question, capture_output=True, check=False)
            if answered.returncode == 0:
                return name
    return None


def how_to_build(version: str) -> str:
    """The command that builds the image from a checkout."""
    return f"docker build -f {DOCKERFILE} -t {NAME}:{version} ."


def build_image(program: str, tree: Path, version: str, epoch: int) -> str:
    """Build the image of a tree and ask it for its version; its id. Raises ReleaseError.

    `PYTHON_IMAGE` in the environment names another base than that of the Dockerfile.
    """
    tag = f"{NAME}:{version}"
    base = os.environ.get("PYTHON_IMAGE")
    chosen = ["--build-arg", f"PYTHON_IMAGE={base}"] if base else []
    form = ["--format", "docker"] if program != "docker" else []  # the other has no HEALTHCHECK
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    run(program, "build", *form, *chosen, "--file", DOCKERFILE, "--tag", tag, ".",
        cwd=tree, env=environment)  # fmt: skip
    said = _ask_version(program, tag).strip()
    if said != f"llm-cost {version}":
        raise ReleaseError(f"the image {tag} says {said!r}")
    form_of_id = "{{.FromImageID}}" if program == "buildah" else "{{.Id}}"
    return run(program, "inspect", "--type", "image", "--format", form_of_id, tag).strip()


def _ask_version(program: str, tag: str) -> str:
    """What `llm-cost --version` says inside the image."""
    if program != "buildah":
        return run(program, "run", "--rm", "--network", "none", tag, "--version")
    container = run(program, "from", tag).strip()
    try:
        return run(program, "run", container, "--", "llm-cost", "--version")
    finally:
        run(program, "rm", container)
