"""What ``doctor`` tells of Docker's and podman's configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import HOST
from tests.doctor_findings import Doctor, docker, settings, write

pytest_plugins = ("tests.doctor_fixtures",)

CONFIGURE = f"run: docker-credential-ecr-py configure {HOST}"
PODMAN = f"run: docker-credential-ecr-py configure --podman {HOST}"
LOGIN = {"auths": {f"https://{HOST}/v1/": {"auth": "QVdTOnNlY3JldA=="}}}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead whatever asks a registry to a proxy that refuses."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


# Docker.


@pytest.mark.parametrize(
    ("content", "result", "text", "hint"),
    [
        ({}, "failure", "Docker asks no helper, by {file}", CONFIGURE),
        ({"credHelpers": {HOST: "ecr-py"}}, "ok", "Docker asks this helper: credHelpers in {file}", ""),
        ({"credsStore": "ecr-py"}, "ok", "Docker asks this helper: credsStore in {file}", ""),
        (
            {"credHelpers": {HOST: "ecr-login"}, "credsStore": "ecr-py"},
            "failure",
            "Docker asks docker-credential-ecr-login instead: credHelpers in {file}",
            CONFIGURE,
        ),
        (
            {"credsStore": "desktop", **LOGIN},
            "failure",
            "Docker asks docker-credential-desktop instead: credsStore in {file}",
            CONFIGURE,
        ),
        (
            LOGIN,
            "warning",
            "Docker takes the login in {file}, which lasts twelve hours at most",
            CONFIGURE,
        ),
        (
            {"credHelpers": {f"https://{HOST}": "ecr-py"}, "auths": {HOST: {}}},
            "failure",
            f'Docker asks no helper, by {{file}}: "https://{HOST}" is not how Docker names it',
            CONFIGURE,
        ),
        ({"credHelpers": {HOST: ""}}, "failure", "Docker asks no helper, by {file}", CONFIGURE),
        ([], "failure", "{file} is not valid JSON", "correct it"),
    ],
)
def test_what_decides_in_dockers_configuration(
    content: object, result: str, text: str, hint: str, home: Path, doctor: Doctor
) -> None:
    docker(home, content)
    file = home / ".docker/config.json"
    assert doctor(HOST).one("docker") == (result, text.format(file=file), hint)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xef\xbb\xbf{}", "is not valid JSON"),
        (b"\xff", "is not UTF-8"),
        (None, "cannot be read (Is a directory)"),
    ],
)
def test_a_file_that_docker_cannot_read(content: bytes | None, text: str, home: Path, doctor: Doctor) -> None:
    file = home / ".docker/config.json"
    if content is None:
        file.mkdir(parents=True)
    else:
        write(file, "")
        file.write_bytes(content)
    assert doctor(HOST).one("docker") == ("failure", f"{file} {text}", "correct it")


def test_a_login_that_gets_in_the_way(home: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps(LOGIN))
    docker(home, {"credHelpers": {HOST: "ecr-py"}, **LOGIN})
    first, _, last = doctor(HOST).of("docker")
    assert first[1] == "DOCKER_AUTH_CONFIG holds a login for it, which Docker 28.3 and later take first"
    assert last[1].endswith("holds a login too, which Docker ignores and other clients may take")
    assert (first[0], last[0]) == ("warning", "warning")
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", "rubbish")
    assert len(doctor(HOST).of("docker")) == 2


@pytest.mark.parametrize(
    ("content", "result", "what"),
    [
        ({}, "warning", "nothing"),
        ({"credHelpers": []}, "warning", "nothing"),
        (
            {"credsStore": "ecr-py", "credHelpers": {"b": "ecr-py", "a": "ecr-py", "c": "x"}},
            "ok",
            "a, b, every other registry",
        ),
    ],
)
def test_without_a_host_what_comes_here(
    content: object, result: str, what: str, home: Path, doctor: Doctor
) -> None:
    docker(home, content)
    text = f"{home}/.docker/config.json sends here: {what}"
    assert doctor().one("docker")[:2] == (result, text)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"credsStore": "ecr-py"}, "Docker asks docker-credential-ecr-py for ghcr.io"),
        (
            {"auths": {"ghcr.io": {"auth": "QTpi"}}},
            "Docker asks no helper for ghcr.io, and holds a login in {file}",
        ),
    ],
)
def test_a_host_that_is_not_ecr(content: object, text: str, home: Path, doctor: Doctor) -> None:
    docker(home, content)
    found = doctor("ghcr.io/owner/image:1")
    assert found.status == 0
    assert found.content["registry"] is None
    assert found.one("docker") == ("ok", text.format(file=home / ".docker/config.json"), "")
    assert found.one("registry")[:2] == ("warning", "ghcr.io is not an Amazon ECR registry")
    assert found.of("credentials") == found.of("anonymous") == []


def test_the_fallback_of_other_registries(home: Path, bin_folder: Path, doctor: Doctor) -> None:
    settings(home, 'fallback = "pass"\n')
    missing = "for other registries: docker-credential-pass, which is not on PATH"
    assert doctor("ghcr.io").one("fallback")[:2] == ("failure", missing)
    assert doctor(HOST).one("fallback")[:2] == ("warning", missing)
    program = bin_folder / "docker-credential-pass"
    program.touch(mode=0o755)
    assert doctor("ghcr.io").one("fallback") == ("ok", f"for other registries: {program}", "")


# podman.


@pytest.fixture
def _podman(bin_folder: Path) -> None:
    (bin_folder / "podman").touch(mode=0o755)


@pytest.mark.usefixtures("_podman")
def test_who_has_podman_alone_needs_no_docker(doctor: Doctor, bin_folder: Path) -> None:
    found = doctor(HOST)
    assert found.of("docker") == []
    assert found.one("podman") == ("warning", "podman asks no helper", PODMAN)
    (bin_folder / "docker").touch(mode=0o755)
    assert doctor(HOST).one("docker")[0] == "failure"


@pytest.mark.parametrize(
    ("auth", "conf", "result", "text"),
    [
        ({"credHelpers": {HOST: "ecr-py"}}, "", "ok", "podman asks this helper: credHelpers in {auth}"),
        (
            {"credHelpers": {HOST: "pass"}, **LOGIN},
            "",
            "warning",
            "podman asks docker-credential-pass instead: credHelpers in {auth}",
        ),
        (LOGIN, "", "warning", "podman takes the login in {auth}, which lasts twelve hours at most"),
        (
            LOGIN,
            'credential-helpers = ["pass", "ecr-py"]',
            "ok",
            "podman asks this helper: credential-helpers in {conf}",
        ),
        ({}, "credential-helpers = 1", "warning", "podman asks no helper"),
        ({}, "=", "failure", "{conf} is not valid TOML"),
        ([], "", "failure", "{auth} is not valid JSON"),
    ],
)
def test_what_decides_for_podman(
    auth: object, conf: str, result: str, text: str, home: Path, doctor: Doctor
) -> None:
    files = {
        "auth": home / ".config/containers/auth.json",
        "conf": home / ".config/containers/registries.conf",
    }
    write(files["auth"], json.dumps(auth))
    write(files["conf"], conf)
    assert doctor(HOST).one("podman")[:2] == (result, text.format(**files))


@pytest.mark.usefixtures("_podman")
def test_podman_reads_dockers_file_unless_another_is_named(
    home: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(home / "missing"))
    docker(home, {"credHelpers": {HOST: "ecr-py"}})
    assert doctor(HOST).one("podman")[0] == "ok"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "auth.json"))
    assert doctor(HOST).one("podman")[0] == "warning"


# A port, and a file with nothing in it.


@pytest.mark.usefixtures("_podman")
def test_a_registry_with_a_port_is_looked_up_as_clients_do(home: Path, doctor: Doctor) -> None:
    docker(home, {"credHelpers": {f"{HOST}:443": "ecr-py"}})
    write(home / ".config/containers/auth.json", json.dumps({"credHelpers": {f"{HOST}:443": "ecr-py"}}))
    found = doctor(f"{HOST}:443/web:1")
    assert found.one("docker")[0] == found.one("podman")[0] == "ok"
    assert doctor(HOST).one("docker")[2] == CONFIGURE
    docker(home, {"credHelpers": {HOST: "ecr-py"}})
    assert doctor(f"{HOST}:443").one("docker")[2] == f"{CONFIGURE}:443"


@pytest.mark.parametrize("content", ["", " \n"])
def test_an_empty_file_is_for_docker_one_that_says_nothing(content: str, home: Path, doctor: Doctor) -> None:
    file = home / ".docker/config.json"
    write(file, content)
    assert doctor(HOST).one("docker") == ("failure", f"Docker asks no helper, by {file}", CONFIGURE)
    assert doctor().one("docker")[:2] == ("warning", f"{file} sends here: nothing")
    auth = home / ".config/containers/auth.json"
    write(auth, content)
    assert doctor(HOST).one("podman")[1] == f"{auth} is not valid JSON"
