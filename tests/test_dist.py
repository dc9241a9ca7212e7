"""What is published: the same bytes from each clone, no dead link on the index, tests in the sdist."""

from __future__ import annotations

import email
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from ecr_credhelper import __version__
from tests import dist
from tests.commands import checked, output_of
from tests.dist import DISTRIBUTION, ROOT, build, release_problems, tracked_files, version

LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^# =+ FOR THE OWNER: .*\n((?:.*\n)+?)# =+ end of the block", re.MULTILINE)
REPOSITORY = "https://github.com/me/ecr"

GIT = (
    "git", "-c", "user.name=Me", "-c", "user.email=me@example.com", "-c", "init.defaultBranch=main",
    "-c", "commit.gpgsign=false",
)  # fmt: skip

SETTINGS_OF_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
"""Neither the user's ignored files and hooks nor the repository of a hook that runs these tests."""


def is_clone() -> bool:
    """Return whether git knows these files: it does not in an unpacked sdist."""
    try:
        return bool(tracked_files(ROOT))
    except (OSError, subprocess.CalledProcessError):
        return False


pytestmark = pytest.mark.skipif(not is_clone(), reason="not a git clone")


def git(root: Path, *arguments: str) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    checked([*GIT, *arguments], cwd=root, env=environ | SETTINGS_OF_GIT)


def copy(target: Path, *, time: int) -> Path:
    """Return a clone with the changes that are not committed, and with files of one modification time."""
    for path in tracked_files(ROOT):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, target / path)
        executable = 0o111 if os.access(ROOT / path, os.X_OK) else 0
        (target / path).chmod(((target / path).stat().st_mode & 0o666) | executable)
        os.utime(target / path, (time, time))
    git(target, "init", "--quiet")
    git(target, "add", "--all")
    return target


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], list[Path]]:
    """Return what two users build, in two directories, with other times and permissions of the files."""
    found = []
    for name, umask, time, epoch in (("a", 0o022, 1_500_000_000, "1600000000"), ("other", 0o077, 10**9, "0")):
        before = os.umask(umask)
        try:
            clone = copy(tmp_path_factory.mktemp(name) / name, time=time)
            (clone / "notes.txt").write_text("not tracked")
            (clone / "ecr_credhelper/.env").write_text("not tracked")
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("SOURCE_DATE_EPOCH", epoch)
                found.append(build(clone, clone / "dist"))
        finally:
            os.umask(before)
    first, second = found
    return first, second


def contents(archive: Path, name: str) -> str:
    with zipfile.ZipFile(archive) as wheel:
        (member,) = [member for member in wheel.namelist() if member.endswith(name)]
        return wheel.read(member).decode()


def test_two_clones_build_the_same_bytes(builds: tuple[list[Path], list[Path]]) -> None:
    first, second = builds
    assert [path.name for path in first] == [
        f"{DISTRIBUTION}-{__version__}-py3-none-any.whl", f"{DISTRIBUTION}-{__version__}.tar.gz",
    ]  # fmt: skip
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_the_sdist_has_the_tracked_files_and_no_other(builds: tuple[list[Path], list[Path]]) -> None:
    with tarfile.open(builds[0][1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names == {*tracked_files(ROOT), "PKG-INFO"}


def test_the_tests_run_in_an_unpacked_sdist(builds: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    with tarfile.open(builds[0][1]) as archive:
        archive.extraction_filter = lambda member, _: member  # extractall(filter=...) needs Python 3.11.4
        archive.extractall(tmp_path)
    (project,) = tmp_path.iterdir()
    files = ["tests/test_registry.py", "tests/test_paths.py", "tests/test_dist.py"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--quiet", *files]
    output = output_of(command, cwd=project)
    assert " passed" in output
    assert "not a git clone" in output


def test_the_wheel_has_the_package_and_the_man_page(builds: tuple[list[Path], list[Path]]) -> None:
    with zipfile.ZipFile(builds[0][0]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    package = {path for path in tracked_files(ROOT) if path.startswith("ecr_credhelper/")}
    page = "docker-credential-ecr-py.1"
    assert names == {*package, f"{DISTRIBUTION}-{__version__}.data/data/share/man/man1/{page}"}


def test_no_link_of_the_page_on_the_index_is_relative(builds: tuple[list[Path], list[Path]]) -> None:
    page = email.message_from_string(contents(builds[0][0], "/METADATA")).get_payload()
    assert isinstance(page, str)
    assert page.strip().startswith("# docker-credential-ecr-py")
    assert [target for target in LINK.findall(page) if not target.startswith("https://")] == []
    assert not re.search(r"REPOSITORY|\$HFPR|^\[.*\]:|(?:src|href)=", page, re.MULTILINE)


def test_the_block_for_the_owner_makes_all_links_absolute(tmp_path: Path) -> None:
    clone = copy(tmp_path / "clone", time=10**9)
    settings = (clone / "pyproject.toml").read_text(encoding="utf-8")
    (block,) = BLOCK.findall(settings)
    filled = re.sub(r"^# ?", "", block, flags=re.MULTILINE)
    (clone / "pyproject.toml").write_text(settings.replace(block, filled), encoding="utf-8")
    metadata = json.loads(output_of([sys.executable, "-m", "hatchling", "metadata"], cwd=clone))
    repository = metadata["urls"]["Repository"]
    assert {url.startswith(repository) for url in metadata["urls"].values()} == {True}
    assert metadata["authors"]
    readme = LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    links = LINK.findall(metadata["readme"]["text"])
    at_tag = re.compile(rf"{repository}/(?:blob|raw)/v{re.escape(__version__)}/(.+)")
    assert [at_tag.sub(r"\1", link) for link in links] == readme
    assert [link for link in links if link.endswith(".svg") and "/raw/" not in link] == []


def test_the_changelog_describes_this_version() -> None:
    assert version(ROOT) == __version__
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(__version__)} \((not yet released|\d{{4}}-\d\d-\d\d)\)", headings[1])


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Return a clone that is ready for a release, with its tag."""
    clone = tmp_path / "clone"
    for directory in ("docs", "ecr_credhelper"):
        (clone / directory).mkdir(parents=True)
    (clone / "ecr_credhelper/__init__.py").write_text('__version__ = "1.2.0"\n')
    (clone / "pyproject.toml").write_text(
        f'[project]\nauthors = [{{ name = "Me" }}]\nurls.Repository = "{REPOSITORY}"\n'
    )
    (clone / "CHANGELOG.md").write_text("## Unreleased\n\n## 1.2.0 (2030-01-02)\n")
    (clone / "docs/how-to").mkdir()
    for page in ("README.md", "docs/install.md", "docs/how-to/ci.md"):
        (clone / page).write_text("Install it.\n")
    git(clone, "init", "--quiet")
    git(clone, "add", "--all")
    commit(clone)
    return clone


def commit(clone: Path) -> None:
    """Commit all changes, and move the tag to them."""
    git(clone, "commit", "--quiet", "--all", "--message", "Release")
    git(clone, "tag", "--force", "v1.2.0")


@pytest.mark.parametrize(("file", "content", "problem"), [
    ("ecr_credhelper/__init__.py", '__version__ = "1.3.0"\n', "v1.2.0: the package has version 1.3.0"),
    ("pyproject.toml", "[project]\n", "pyproject.toml: no authors or no repository"),
    ("pyproject.toml", f'[project]\nurls.Repository = "{REPOSITORY}"\n', "pyproject.toml: no authors"),
    (
        "pyproject.toml",
        '[project]\nauthors = [{ name = "Me" }]\nurls.Repository = "https://github.com/OWNER/NAME"\n',
        "pyproject.toml: no authors or no repository",
    ),
    (
        "pyproject.toml",
        f'[project]\nauthors = [{{ name = "NAME" }}]\nurls.Repository = "{REPOSITORY}"\n',
        "pyproject.toml: no authors or no repository",
    ),
    ("CHANGELOG.md", "## 1.2.0 (not yet released)\n", "CHANGELOG.md: no date"),
    ("docs/install.md", "There is no release\nyet: use a clone.\n", "docs/install.md: it says"),
    ("README.md", "From the first\nrelease on, no clone is needed.\n", "README.md: it says 'first release'"),
    ("docs/how-to/ci.md", "Until the first release, clone it.\n", "docs/how-to/ci.md: it says"),
])  # fmt: skip
def test_a_tagged_commit_is_built_only_if_it_is_ready(
    file: str, content: str, problem: str, release: Path
) -> None:
    assert release_problems(release) == []
    (release / file).write_text(content)
    assert f"{file}: not committed; commit or remove it" in release_problems(release)
    commit(release)
    found = release_problems(release)
    assert found
    assert found[0].startswith(problem)
    git(release, "tag", "--delete", "v1.2.0")
    assert release_problems(release) == []


def test_the_release_workflow_names_the_tag(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout does not have to fetch tags."""
    git(release, "tag", "--delete", "v1.2.0")
    monkeypatch.setenv("TAG", "v1.3.0")
    (problem,) = release_problems(release)
    assert problem.startswith("v1.3.0: the package has version 1.2.0")
    monkeypatch.setenv("TAG", "v1.2.0")
    assert release_problems(release) == []
    (release / "CHANGELOG.md").write_text("## 1.2.0 (not yet released)\n")
    assert len(release_problems(release)) == 2


def test_a_hook_of_git_does_not_change_which_files_are_built(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tracked_files(release)
    (tmp_path / "other").mkdir()
    git(tmp_path / "other", "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other/.git/index"))
    assert tracked_files(release) == files


def test_make_dist_states_what_is_missing(
    release: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dist, "ROOT", release)
    (release / "new.txt").write_text("")
    assert dist.main() == 1
    assert capsys.readouterr().err == "dist: new.txt: not committed; commit or remove it\n"
    shutil.rmtree(release / ".git")
    assert dist.main() == 1
    assert capsys.readouterr().err.startswith("dist: git: fatal: not a git repository")
