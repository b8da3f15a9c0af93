"""A release is made whole or not at all, and a dry run leaves nothing."""

import sys

import pytest

from release import __main__ as release
from release.errors import ReleaseError
from release.tree import run

NOTES = "# Changelog\n\n## Unreleased\n\n### New\n\n- One.\n"
GIT = ("git", "-c", "user.name=A", "-c", "user.email=a@example.com")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository with a version and notes, whose packages are made and tried at once."""
    root = tmp_path / "checkout"
    for name, text in {
        "processor/__init__.py": '__version__ = "0.1.0"\n',
        "deploy/docker/README.md": "$ docker build -t llm-cost-processor:0.1.0 .\n",
        "CHANGELOG.md": NOTES,
        ".gitignore": "dist/\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    run("git", "init", "--quiet", cwd=root)
    run("git", "add", ".", cwd=root)
    run(*GIT, "commit", "--quiet", "--message", "First", cwd=root)
    monkeypatch.setattr(release, "ROOT", root)
    monkeypatch.setattr(release.image, "builder", lambda: None)
    monkeypatch.setattr(release.trial, "try_wheel", lambda *_: "{}")

    def build(tree, work, epoch):
        wheel = work / "x.whl"
        wheel.write_text(f"{(tree / 'processor/__init__.py').read_text()}{epoch}")
        return [wheel]

    monkeypatch.setattr(release, "build", build)
    return root


@pytest.fixture
def make(checkout, monkeypatch, capsys):
    """Run it with these arguments; its exit code and all that it said."""
    monkeypatch.chdir(checkout)

    def run_release(*arguments):
        monkeypatch.setattr(sys, "argv", ["release", *arguments])
        code = release.main()
        said = capsys.readouterr()
        return code, said.out + said.err

    return run_release


def state(root):
    return {
        str(path.relative_to(root)): path.read_text()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def test_a_release_writes_version_notes_and_packages_and_says_what_is_next(checkout, make):
    """Guarantees: one command; without a builder of images it is said loudly, and how to build."""
    code, said = make("--version", "1.0.0")
    assert code == 0, said
    assert "1.0.0" in (checkout / "processor/__init__.py").read_text()
    assert "llm-cost-processor:1.0.0" in (checkout / "deploy/docker/README.md").read_text()
    assert "\n## 1.0.0 - " in (checkout / "CHANGELOG.md").read_text()
    assert sorted(path.name for path in (checkout / "dist").iterdir()) == [
        "SHA256SUMS", "llm_cost_processor-1.0.0.cdx.json", "x.whl",
    ]  # fmt: skip
    assert "NO IMAGE WAS BUILT: none of docker, podman, buildah runs here" in said
    assert "docker build -f deploy/docker/Dockerfile -t llm-cost-processor:1.0.0 ." in said
    assert "git tag --annotate v1.0.0" in said
    assert "twine upload" in said


def test_made_again_it_changes_nothing_and_has_the_same_bytes(checkout, make):
    """Guarantees: the time in the packages is that of the release, not of the commit."""
    make("--version", "1.0.0")
    before = state(checkout)
    run(*GIT, "commit", "--quiet", "--all", "--message", "Release 1.0.0", cwd=checkout)
    for arguments in (("--version", "1.0.0"), ()):
        code, _ = make(*arguments)
        assert code == 0
        assert state(checkout) == before


def test_a_dry_run_says_all_and_leaves_nothing(checkout, make):
    before = state(checkout)
    code, said = make("--version", "1.0.0", "--dry-run")
    assert code == 0
    assert '+__version__ = "1.0.0"' in said
    assert "Dry run" in said
    assert state(checkout) == before


def test_where_the_wheel_does_not_work_nothing_is_written(checkout, make, monkeypatch):
    def fail(*_):
        raise ReleaseError("llm-cost demo shows no agent")

    monkeypatch.setattr(release.trial, "try_wheel", fail)
    before = state(checkout)
    code, said = make("--version", "1.0.0")
    assert code == 1
    assert "NOT MADE: llm-cost demo shows no agent" in said
    assert state(checkout) == before


def test_a_version_is_not_written_over_what_is_not_committed(checkout, make):
    (checkout / "CHANGELOG.md").write_text(f"{NOTES}- Two.\n")
    code, said = make("--version", "1.0.0")
    assert code == 1
    assert "not everything here is committed" in said
    assert make()[0] == 0, "packages of what is here need no commit"
