"""The files of the container image. `make e2e` builds and runs it; these tests need no engine."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import pytest

from ecr_credhelper.aws.loader import SERVICES

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = [
    line
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
WHEELS = "wheelhouse*"
"""The only source that can be missing."""

SOURCES = {
    source
    for line in re.findall(r"^COPY ([^-].*)$", DOCKERFILE, re.MULTILINE)
    for source in line.split()[:-1]
}


def is_in_context(path: str) -> bool:
    """Return whether a file is sent to the engine. The last line of .dockerignore that matches decides."""
    found = True
    for line in IGNORED:
        pattern = line.removeprefix("!")
        parents = [path, *map(str, Path(path).parents)]
        anywhere = pattern.removeprefix("**/")
        if any(fnmatch(parent, pattern) for parent in parents[:-1]) or (
            anywhere != pattern and any(fnmatch(part, anywhere) for part in Path(path).parts)
        ):
            found = line.startswith("!")
    return found


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_every_source_that_is_copied_exists_and_is_sent(source: str) -> None:
    assert source == WHEELS or (ROOT / source).exists()
    assert is_in_context(source.replace("*", "/a.whl"))


def test_all_that_a_wheel_is_made_of_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hatch = project["tool"]["hatch"]
    wheel = hatch["build"]["targets"]["wheel"]
    files = {
        "pyproject.toml",
        *(fragment["path"] for fragment in hatch["metadata"]["hooks"]["fancy-pypi-readme"]["fragments"]),
        *project["project"]["license-files"],
        *wheel["packages"],
        *wheel["shared-data"],
    }
    assert {file for file in files if not SOURCES & {file, *map(str, PurePosixPath(file).parents)}} == set()


OTHERS = """
    .aws/credentials .docker/config.json .env .git/config .venv/bin/python .venv-3.13/lib/a.py .cache/pip/a
    ecr_credhelper/.env ecr_credhelper/aws/.credentials.swp docs/man/.git/config wheelhouse/.pypirc
    build/site/index.html config.toml docs/README.md ecr_credhelper/__pycache__/cache.cpython-313.pyc
    ecr_credhelper/aws/__pycache__/loader.cpython-313.pyc tests/e2e/home.py
"""


@pytest.mark.parametrize("path", OTHERS.split())
def test_no_other_file_is_sent(path: str) -> None:
    assert not is_in_context(path)


def test_the_image_has_the_data_of_every_service_that_a_login_calls() -> None:
    assert sorted(re.findall(r"! -name ([\w-]+)", DOCKERFILE)) == sorted(SERVICES)


def test_the_image_does_not_run_as_root() -> None:
    *_, last = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    assert "0" not in last
