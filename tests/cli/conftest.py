"""Fixtures for the tests of the commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.cli.first_pull import PROFILES
from tests.commands import link_to_executable
from tests.docker_files import write
from tests.fake_sts import FakeSTS


@pytest.fixture
def config(home: Path) -> Path:
    """Return the path of Docker's configuration file."""
    return home / ".docker" / "config.json"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put only the helper on PATH, so that no local image is found."""
    link_to_executable(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.fixture
def sso(home: Path, api: FakeECR, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSTS]:
    """Write the profiles, and log in to one of the two SSO sessions."""
    write(home / ".aws/config", PROFILES)
    with FakeSTS(api.identities) as sts:
        for name, value in {**sts.environment, "AWS_ENDPOINT_URL": api.url}.items():
            monkeypatch.setenv(name, value)
        sts.log_in(home, "s")
        yield sts


@pytest.fixture
def settings(home: Path) -> Path:
    return home / ".config/ecr-credhelper/config.toml"
