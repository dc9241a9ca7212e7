"""Fixtures of the tests of ``doctor``: a machine on which all is well, and what tells it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ecr_credhelper import cli
from ecr_credhelper.doctor import machine
from tests.conftest import EXECUTABLE
from tests.doctor_findings import Doctor, Found, docker, settings
from tests.fake_registry import Certificate, FakeRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fake_ecr import FakeECR


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def registry(certificate: Certificate) -> Iterator[FakeRegistry]:
    with FakeRegistry(certificate) as fake:
        yield fake


@pytest.fixture
def bin_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let PATH be one folder, with this helper and no client, and a system's own too."""
    folder = home / "bin"
    folder.mkdir()
    (folder / "docker-credential-ecr-py").symlink_to(EXECUTABLE)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(machine, "PATHS", {"linux": (("sudo", str(folder), machine.LINK),)})
    monkeypatch.setattr("sys.platform", "linux")
    return folder


@pytest.fixture
def doctor(
    bin_folder: Path,  # noqa: ARG001 - it is there
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Doctor:
    """Return a function that runs ``doctor --json`` in this process, however busy the machine is."""
    monkeypatch.setattr("ecr_credhelper.cli.doctor.SECONDS", 300)

    def run_checks(*argv: str) -> Found:
        capfd.readouterr()
        status = cli.run(["doctor", "--json", *argv])
        out, err = capfd.readouterr()
        assert err == ""
        return Found(status, json.loads(out))

    return run_checks


@pytest.fixture
def well(
    home: Path,
    aws: FakeECR,
    registry: FakeRegistry,
    certificate: Certificate,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Let all be well for a registry, which is returned; its first token is good there."""
    settings(home, f'[registry."{registry.host}"]\nregion = "us-west-2"\naccount = "111122223333"\n')
    docker(home, {"credHelpers": {registry.host: "ecr-py"}})
    registry.logins.add(f"AWS:{aws.password('us-west-2', serial=1)}")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.ca))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate.ca))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"https://{registry.host}")
    return registry.host
