"""Fixtures for the tests of ``doctor``, among them a machine on which every check succeeds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ecr_credhelper import cli
from ecr_credhelper.doctor import machine
from tests.commands import EXECUTABLE, SUFFIX, link_to_executable
from tests.doctor_findings import Doctor, Report, docker, settings
from tests.fake_registry import Certificate, FakeRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecr_credhelper.testing.fake_ecr import FakeECR


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def registry(certificate: Certificate) -> Iterator[FakeRegistry]:
    with FakeRegistry(certificate) as fake:
        yield fake


@pytest.fixture
def bin_directory(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set PATH, and the fixed PATH of sudo, to a directory that contains this helper and no client."""
    directory = home / "bin"
    directory.mkdir()
    program = link_to_executable(directory)
    if sys.platform != "win32":
        monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setattr(machine, "PATHS", {sys.platform: (("sudo", str(directory), machine.LINK),)})
    # An old pip in this environment must not add a note about the launcher.
    imports_re = machine._imports_re  # noqa: SLF001 - see above
    is_own = program.samefile
    monkeypatch.setattr(machine, "_imports_re", lambda path: not is_own(EXECUTABLE) and imports_re(path))
    return directory


@pytest.fixture
def docker_program(bin_directory: Path) -> None:
    """Put a program named docker on PATH."""
    (bin_directory / f"docker{SUFFIX}").touch(mode=0o755)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a proxy that refuses all connections to registries."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.fixture
def doctor(
    bin_directory: Path,  # noqa: ARG001 - only needs to exist
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Doctor:
    """Return a function that runs ``doctor --json`` in this process, with a long time limit."""
    monkeypatch.setattr("ecr_credhelper.cli.doctor.DOCTOR_SECONDS", 300)

    def run_checks(*argv: str) -> Report:
        capfd.readouterr()
        status = cli.run(["doctor", "--json", *argv])
        out, err = capfd.readouterr()
        assert err == ""
        return Report(status, json.loads(out))

    return run_checks


@pytest.fixture
def well(
    home: Path,
    aws: FakeECR,
    registry: FakeRegistry,
    certificate: Certificate,
    docker_program: None,  # noqa: ARG001 - only needs to exist
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Return a registry for which every check succeeds; it accepts the first token."""
    settings(home, f'[registry."{registry.host}"]\nregion = "us-west-2"\naccount = "111122223333"\n')
    docker(home, {"credHelpers": {registry.host: "ecr-py"}})
    registry.logins.add(f"AWS:{aws.password('us-west-2', serial=1)}")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.ca))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate.ca))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"https://{registry.host}")
    return registry.host
