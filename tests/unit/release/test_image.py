"""Which builder makes the image: the first that is installed and whose engine runs."""

import pytest

from release import image


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Put programs that end with these exit codes alone on the path."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(**codes):
        for name, code in codes.items():
            (tmp_path / name).write_text(f"#!/bin/sh\nexit {code}\n")
            (tmp_path / name).chmod(0o755)

    return put


def test_without_a_builder_there_is_none(programs):
    programs()
    assert image.builder() is None


def test_a_command_without_its_engine_is_passed_over(programs):
    programs(docker=1, buildah=0)
    assert image.builder() == "buildah"


def test_the_first_that_works_is_taken(programs):
    programs(docker=0, podman=0, buildah=0)
    assert image.builder() == "docker"
