"""``make dist``: the sdist and the wheel, from the files that git tracks.

The same versions of hatchling and Python write the same bytes. A commit with a version tag is a release. It
is built only if nothing that a release needs is missing.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tests.commands import checked

ROOT = Path(__file__).parents[1]
DISTRIBUTION = "docker_credential_ecr_py"
UNRELEASED = re.compile(r"There is no release yet|(?<=the )first release")
"""What the documents say until the first release."""

PLACEHOLDER = re.compile(r'^[^#\n]*(?:OWNER/|"NAME"|NAME@)', re.MULTILINE)
"""A line of the owner's block that has been made active, but not filled in."""

REPOSITORY_OF_GIT = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
"""Variables that git sets for hooks. They take precedence over the directory of a command."""


def tracked_files(root: Path) -> list[str]:
    """Return the paths of the files that git tracks, without those that were removed."""
    paths = _git(root, "ls-files", "-z").split("\0")
    return [path for path in paths if path and (root / path).exists()]


def build(root: Path, target: Path) -> list[Path]:
    """Build the sdist, and the wheel from it, into ``target``. Untracked files are in neither."""
    for old in target.glob(f"{DISTRIBUTION}-*"):
        old.unlink()
    # Without this variable, hatchling gives all files a constant time: every build has the same bytes.
    environ = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    with tempfile.TemporaryDirectory() as name:
        for path in tracked_files(root):
            (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / path, Path(name) / path)
        command = (sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target.absolute()), name)
        checked(command, env=environ)
    return sorted(target.glob(f"{DISTRIBUTION}-*"))


def version(root: Path) -> str:
    """Return the version that the package defines."""
    text = (root / "ecr_credhelper/__init__.py").read_text(encoding="utf-8")
    (found,) = re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    return str(found)


def release_problems(root: Path) -> list[str]:
    """Return what is missing to release this commit, one line each: nothing without a version tag.

    The release workflow sets ``TAG``, so that its checks do not depend on the tags that a checkout fetches.
    """
    tags = _git(root, "tag", "--points-at", "HEAD", "--list", "v*").split()
    tags = [tag] if (tag := os.environ.get("TAG")) else tags
    if not tags:
        return []
    number = version(root)
    settings = (root / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(settings)["project"]
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    problems = []
    if f"v{number}" not in tags:
        problems.append(f"{tags[0]}: the package has version {number}; change the tag or __version__")
    repository = project.get("urls", {}).get("Repository")
    if not project.get("authors") or not repository or PLACEHOLDER.search(settings):
        problems.append("pyproject.toml: no authors or no repository; fill in the block for the owner")
    if not re.search(rf"^## {re.escape(number)} \(\d{{4}}-\d\d-\d\d\)$", changelog, re.MULTILINE):
        problems.append(f"CHANGELOG.md: no date; change the heading to: ## {number} (YYYY-MM-DD)")
    problems += [
        f"{path.relative_to(root).as_posix()}: it says {found[0]!r}; describe the commands of the release"
        for path in (root / "README.md", *sorted((root / "docs").rglob("*.md")))
        if (found := UNRELEASED.search(" ".join(path.read_text(encoding="utf-8").split())))
    ]
    if changed := _git(root, "status", "--porcelain").splitlines():
        problems.append(f"{changed[0][3:]}: not committed; commit or remove it")
    return problems


def main() -> int:
    """Build into ``dist``, and print the checksums; return the exit status."""
    try:
        problems = release_problems(ROOT)
    except (OSError, subprocess.CalledProcessError) as error:
        # git explains a clone that it refuses to read, for example because it belongs to another user.
        reason = (getattr(error, "stderr", "") or str(error)).splitlines()[0]
        problems = [f"git: {reason}; build from a clone, or run: python -m build"]
    for problem in problems:
        print(f"dist: {problem}", file=sys.stderr)
    if problems:
        return 1
    for path in build(ROOT, ROOT / "dist"):
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  dist/{path.name}")
    return 0


def _git(root: Path, *arguments: str) -> str:
    command = ("git", "-C", str(root), *arguments)
    environ = {name: value for name, value in os.environ.items() if name not in REPOSITORY_OF_GIT}
    return subprocess.run(
        command, check=True, capture_output=True, text=True, encoding="utf-8", env=environ
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
