"""What the documentation shows works from a clone: nothing of ours is published by writing it."""

import re
import tomllib

import pytest
from unit.deploy.shipped import ROOT

OF_AN_INDEX = ROOT / "deploy" / "release" / "package.md"
"""What is shown where a package is, once it is published."""
PAGES = [
    *ROOT.glob("*.md"),
    *sorted(path for folder in ("deploy", "processor") for path in (ROOT / folder).rglob("*.md")
            if path != OF_AN_INDEX),
]  # fmt: skip
UNPUBLISHED = re.compile(
    r"pip install ['\"]?llm-cost|(uv tool|pipx) install|docker pull|helm (repo|install)"
    r"|img\.shields\.io|badge\.svg|pypi\.org/project/llm-cost|docker\.io/|ghcr\.io/(?!your-)"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_shows_what_would_have_to_be_published_first(page):
    """Guarantees: packages, images and badges of ours are built from the clone, or not named."""
    assert not UNPUBLISHED.search(page.read_text(encoding="utf-8"))


def test_every_image_of_ours_in_compose_is_built():
    """Guarantees: no container waits for an image that no registry has."""
    for path in (ROOT / "deploy" / "compose").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert text.count("image: llm-cost-processor:") == text.count("    build: {context: ")


def test_the_page_of_the_package_names_what_can_be_installed_with_it():
    """Guarantees: every extra for users, and no link into the repository."""
    page = OF_AN_INDEX.read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["readme"] == "deploy/release/package.md"
    for extra in set(project["optional-dependencies"]) - {"dev"}:
        assert f"`{extra}`" in page, extra
    assert not re.search(r"\]\((?!https?://)", page)
