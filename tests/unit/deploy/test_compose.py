"""The compose files fit the program and each other, without an engine to run them."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from unit.deploy.shipped import (
    DEPLOY,
    FINAL_WORDS,
    IMAGE_SETTINGS,
    PINNED,
    PORTS,
    listening_ports,
    read,
    settings_of,
)

from processor import __version__
from processor.core.budgets import parse_budgets
from processor.core.pricing import parse_prices

FILES = sorted((DEPLOY / "compose").glob("*.yaml"))


def named(path):
    return path.stem


@pytest.mark.parametrize("path", FILES, ids=named)
def test_the_processor_is_given_what_it_is_told_to_use(path):
    """Guarantees: flags, ports, the backend's name, mounted files and the data volume all fit."""
    compose = read(path)
    service = compose["services"]["processor"]
    assert f'"{service["command"][1].partition("=")[2]}"' in FINAL_WORDS["CMD"]
    settings = settings_of(service["command"], IMAGE_SETTINGS, {})
    published = {int(port.rpartition(":")[2]) for port in service["ports"]}
    assert published == listening_ports(settings) == PORTS
    backend = settings.exporters.otlp.endpoint.removeprefix("http://").partition(":")[0]
    assert backend in set(compose["services"]) & set(service["depends_on"])
    mounts = {target: source for source, target in (m.split(":")[:2] for m in service["volumes"])}
    assert mounts[settings.data_dir] in compose["volumes"]
    shown = {}
    for file in (settings.pricing.file, settings.budgets.file):
        folder = path.parent / mounts[str(PurePosixPath(file).parent)]
        assert folder.is_dir(), "a folder, so that a replaced file is seen"
        shown[file] = (folder / PurePosixPath(file).name).read_text(encoding="utf-8")
    assert parse_prices(shown[settings.pricing.file], "pricing").warnings == ()
    assert parse_budgets(shown[settings.budgets.file], "budgets").budgets
    build = service["build"]
    assert (path.parent / build["context"] / build["dockerfile"]).is_file()


@pytest.mark.parametrize("path", FILES, ids=named)
def test_services_are_locked_down_pinned_and_only_on_this_machine(path):
    """Guarantees: no privileges, no writable root, no port for the network, no moving image."""
    compose = read(path)
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        assert PINNED.fullmatch(service["image"]), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        for source, *_ in (mount.split(":") for mount in service.get("volumes", ())):
            assert source in compose["volumes"] or (path.parent / source).exists(), source
    assert compose["services"]["processor"]["image"] == f"llm-cost-processor:{__version__}"
