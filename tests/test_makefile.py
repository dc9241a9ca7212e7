"""The Makefile: what counts as a change of the program, and what `make` alone prints."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import output_of

MAKEFILE = Path(__file__).parents[1] / "Makefile"
BEFORE, INSTALLED, AFTER = 1_700_000_000, 1_700_000_100, 1_700_000_200
"""Modification times, in seconds since the epoch: only their order matters."""

# The find of Windows is another program.
pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not (shutil.which("make") and shutil.which("find")), reason="no make or find"
)


def write(path: Path, time: int) -> None:
    """Create a file or change it, as at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    os.utime(path, (time, time))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the project's Makefile, with an environment that is up to date."""
    shutil.copy(MAKEFILE, tmp_path)
    for name in ("pyproject.toml", "README.md", "LICENSE", "docs/man/a.1", "ecr_credhelper/py.typed"):
        write(tmp_path / name, BEFORE)
    for name in ("ecr_credhelper/a.py", "ecr_credhelper/aws/b.py", "ecr_credhelper/aws/deep/c.py"):
        write(tmp_path / name, BEFORE)
    for directory, _, _ in os.walk(tmp_path):
        os.utime(directory, (BEFORE, BEFORE))
    for stamp in ("installed", "test"):
        write(tmp_path / "venv" / stamp, INSTALLED)
    return tmp_path


def is_current(project: Path) -> bool:
    """Return whether make would run the tests against what is installed."""
    command = ["make", "--question", "VENV=venv", "venv/test"]
    done = subprocess.run(command, cwd=project, check=False, capture_output=True, text=True)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("changed", [
    "pyproject.toml", "README.md", "LICENSE", "docs/man/a.1", "ecr_credhelper/py.typed",
    "ecr_credhelper/a.py", "ecr_credhelper/aws/b.py", "ecr_credhelper/aws/deep/c.py", "ecr_credhelper/new.py",
    "ecr_credhelper/new/module.py", "ecr_credhelper/aws/new/deep/module.py",
])  # fmt: skip
def test_a_change_at_any_level_is_installed_before_the_tests_run(changed: str, project: Path) -> None:
    assert is_current(project)
    write(project / changed, AFTER)
    assert not is_current(project)


def test_a_removed_module_is_a_change(project: Path) -> None:
    (project / "ecr_credhelper/aws/b.py").unlink()
    os.utime(project / "ecr_credhelper/aws", (AFTER, AFTER))
    assert not is_current(project)


@pytest.mark.parametrize("other", ["tests/test_a.py", "docs/page.md", "ecr_credhelper/__pycache__/a.pyc"])
def test_what_is_not_installed_is_no_change(other: str, project: Path) -> None:
    write(project / other, AFTER)
    os.utime(project / "ecr_credhelper", (BEFORE, BEFORE))  # the first __pycache__ would count, once
    assert is_current(project)


def test_make_alone_lists_every_target(tmp_path: Path) -> None:
    shutil.copy(MAKEFILE, tmp_path)
    text = MAKEFILE.read_text(encoding="utf-8")
    phony = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    listed = re.findall(r"^make (\w+) +(.+)$", output_of(["make"], cwd=tmp_path), re.MULTILINE)
    assert [target for target, _ in listed] == phony[0].split()
    assert all(f"## {told}\n" in text for _, told in listed)
