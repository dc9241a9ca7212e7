"""The checks of Docker's and podman's configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import HOST
from tests.doctor_findings import Doctor, docker, settings, write

pytest_plugins = ("tests.doctor_fixtures",)
pytestmark = pytest.mark.usefixtures("no_network")

NOT_CONFIGURED = "no credential helper configured for this registry in {file}"
CONFIGURE = f"run: docker-credential-ecr-py configure {HOST}"
PODMAN = f"run: docker-credential-ecr-py configure --podman {HOST}"
LOGIN = {"auths": {f"https://{HOST}/v1/": {"auth": "QVdTOnNlY3JldA=="}}}


# Docker.


@pytest.mark.parametrize(
    ("content", "result", "text", "hint"),
    [
        ({}, "failure", NOT_CONFIGURED, CONFIGURE),
        ({"credHelpers": {HOST: "ecr-py"}}, "ok", "Docker uses this helper (credHelpers in {file})", ""),
        ({"credsStore": "ecr-py"}, "ok", "Docker uses this helper (credsStore in {file})", ""),
        (
            {"credHelpers": {HOST: "ecr-login"}, "credsStore": "ecr-py"},
            "failure",
            "Docker uses docker-credential-ecr-login instead (credHelpers in {file})",
            CONFIGURE,
        ),
        (
            {"credsStore": "desktop", **LOGIN},
            "failure",
            "Docker uses docker-credential-desktop instead (credsStore in {file})",
            CONFIGURE,
        ),
        (
            LOGIN,
            "warning",
            "Docker uses the login in {file}, which is valid for 12 hours at most",
            CONFIGURE,
        ),
        (
            {"credHelpers": {f"https://{HOST}": "ecr-py"}, "auths": {HOST: {}}},
            "failure",
            f'{NOT_CONFIGURED}: "https://{HOST}" must be "{HOST}"',
            CONFIGURE,
        ),
        (
            {"credHelpers": {HOST: ""}},
            "failure",
            NOT_CONFIGURED,
            CONFIGURE,
        ),
        ([], "failure", "{file} is not valid JSON", "correct it"),
    ],
)
def test_docker_reports_the_effective_configuration(
    content: object, result: str, text: str, hint: str, home: Path, doctor: Doctor
) -> None:
    docker(home, content)
    file = home / ".docker/config.json"
    assert doctor(HOST).finding("docker") == (result, text.format(file=file), hint)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xef\xbb\xbf{}", "is not valid JSON"),
        (b"\xff", "is not UTF-8"),
        (None, "cannot be read (Is a directory)"),
    ],
)
def test_docker_reports_an_unreadable_file(
    content: bytes | None, text: str, home: Path, doctor: Doctor
) -> None:
    file = home / ".docker/config.json"
    if content is None:
        file.mkdir(parents=True)
    else:
        write(file, "")
        file.write_bytes(content)
    assert doctor(HOST).finding("docker") == ("failure", f"{file} {text}", "correct it")


def test_docker_warns_of_logins_that_take_precedence(
    home: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps(LOGIN))
    docker(home, {"credHelpers": {HOST: "ecr-py"}, **LOGIN})
    first, _, last = doctor(HOST).findings("docker")
    assert (
        first[1] == "DOCKER_AUTH_CONFIG has a login for this registry, which Docker 28.3 and later use first"
    )
    assert last[1].endswith("also has a login, which Docker ignores but other clients may use")
    assert (first[0], last[0]) == ("warning", "warning")
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", "rubbish")
    assert len(doctor(HOST).findings("docker")) == 2


@pytest.mark.parametrize(
    ("content", "result", "text"),
    [
        ({}, "warning", "this helper is not configured in {file}"),
        ({"credHelpers": []}, "warning", "this helper is not configured in {file}"),
        (
            {"credsStore": "ecr-py", "credHelpers": {"b": "ecr-py", "a": "ecr-py", "c": "x"}},
            "ok",
            "this helper is configured in {file} for: a, b, all other registries",
        ),
    ],
)
def test_docker_without_a_host_lists_the_registries_of_this_helper(
    content: object, result: str, text: str, home: Path, doctor: Doctor
) -> None:
    docker(home, content)
    file = home / ".docker/config.json"
    assert doctor().finding("docker")[:2] == (result, text.format(file=file))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"credsStore": "ecr-py"}, "Docker uses docker-credential-ecr-py for ghcr.io"),
        (
            {"auths": {"ghcr.io": {"auth": "QTpi"}}},
            "Docker uses no credential helper for ghcr.io; {file} has a login for it",
        ),
    ],
)
def test_a_host_that_is_not_ecr(content: object, text: str, home: Path, doctor: Doctor) -> None:
    docker(home, content)
    found = doctor("ghcr.io/owner/image:1")
    assert found.status == 0
    assert found.content["registry"] is None
    assert found.finding("docker") == ("ok", text.format(file=home / ".docker/config.json"), "")
    assert found.finding("registry")[:2] == ("warning", "ghcr.io is not an Amazon ECR registry")
    assert found.findings("credentials") == found.findings("network") == []


def test_fallback_reports_the_helper_for_other_registries(
    home: Path, bin_directory: Path, doctor: Doctor
) -> None:
    settings(home, 'fallback = "pass"\n')
    missing = "for other registries: docker-credential-pass, which is not on PATH"
    assert doctor("ghcr.io").finding("fallback")[:2] == ("failure", missing)
    assert doctor(HOST).finding("fallback")[:2] == ("warning", missing)
    program = bin_directory / "docker-credential-pass"
    program.touch(mode=0o755)
    assert doctor("ghcr.io").finding("fallback") == ("ok", f"for other registries: {program}", "")


# podman.


@pytest.fixture
def _podman(bin_directory: Path) -> None:
    (bin_directory / "podman").touch(mode=0o755)


@pytest.mark.usefixtures("_podman")
def test_docker_is_not_checked_if_only_podman_is_installed(doctor: Doctor, bin_directory: Path) -> None:
    found = doctor(HOST)
    assert found.findings("docker") == []
    assert found.finding("podman") == (
        "warning",
        "no credential helper configured for this registry in podman",
        PODMAN,
    )
    (bin_directory / "docker").touch(mode=0o755)
    assert doctor(HOST).finding("docker")[0] == "failure"


@pytest.mark.parametrize(
    ("auth", "conf", "result", "text"),
    [
        ({"credHelpers": {HOST: "ecr-py"}}, "", "ok", "podman uses this helper (credHelpers in {auth})"),
        (
            {"credHelpers": {HOST: "pass"}, **LOGIN},
            "",
            "warning",
            "podman uses docker-credential-pass instead (credHelpers in {auth})",
        ),
        (LOGIN, "", "warning", "podman uses the login in {auth}, which is valid for 12 hours at most"),
        (
            LOGIN,
            'credential-helpers = ["pass", "ecr-py"]',
            "ok",
            "podman uses this helper (credential-helpers in {conf})",
        ),
        (
            {},
            "credential-helpers = 1",
            "warning",
            "no credential helper configured for this registry in podman",
        ),
        ({}, "=", "failure", "{conf} is not valid TOML"),
        ([], "", "failure", "{auth} is not valid JSON"),
    ],
)
def test_podman_reports_the_effective_configuration(
    auth: object, conf: str, result: str, text: str, home: Path, doctor: Doctor
) -> None:
    files = {
        "auth": home / ".config/containers/auth.json",
        "conf": home / ".config/containers/registries.conf",
    }
    write(files["auth"], json.dumps(auth))
    write(files["conf"], conf)
    assert doctor(HOST).finding("podman")[:2] == (result, text.format(**files))


@pytest.mark.usefixtures("_podman")
def test_podman_reads_dockers_file_unless_a_variable_names_another(
    home: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(home / "missing"))
    docker(home, {"credHelpers": {HOST: "ecr-py"}})
    assert doctor(HOST).finding("podman")[0] == "ok"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "auth.json"))
    assert doctor(HOST).finding("podman")[0] == "warning"


# Ports, and empty files.


@pytest.mark.usefixtures("_podman")
def test_a_registry_is_looked_up_with_its_port(home: Path, doctor: Doctor) -> None:
    docker(home, {"credHelpers": {f"{HOST}:443": "ecr-py"}})
    write(home / ".config/containers/auth.json", json.dumps({"credHelpers": {f"{HOST}:443": "ecr-py"}}))
    found = doctor(f"{HOST}:443/web:1")
    assert found.finding("docker")[0] == found.finding("podman")[0] == "ok"
    assert doctor(HOST).finding("docker")[2] == CONFIGURE
    docker(home, {"credHelpers": {HOST: "ecr-py"}})
    assert doctor(f"{HOST}:443").finding("docker")[2] == f"{CONFIGURE}:443"


@pytest.mark.parametrize("content", ["", " \n"])
def test_docker_accepts_an_empty_file(content: str, home: Path, doctor: Doctor) -> None:
    file = home / ".docker/config.json"
    write(file, content)
    assert doctor(HOST).finding("docker") == (
        "failure",
        NOT_CONFIGURED.format(file=file),
        CONFIGURE,
    )
    assert doctor().finding("docker")[:2] == ("warning", f"this helper is not configured in {file}")
    auth = home / ".config/containers/auth.json"
    write(auth, content)
    assert doctor(HOST).finding("podman")[1] == f"{auth} is not valid JSON"
